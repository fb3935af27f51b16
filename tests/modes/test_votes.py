"""Votes: what a ballot says, and that counting agrees with a count done another way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groups.execution.votes import Ballot, Rule, count, read

KEYS = ["a", "b", "c", "d"]
ranked = st.lists(st.sampled_from(KEYS), unique=True).map(tuple)


@pytest.mark.parametrize(
    ("rule", "data", "text", "ballot"),
    [
        ("plurality", {"choice": "b"}, "", ("b",)),
        ("plurality", {"choice": " b "}, "a", ("b",)),
        ("plurality", {"choice": "mine"}, "", ()),
        ("plurality", {"choice": 7}, "", ()),
        ("plurality", {"choices": ["a", "b"]}, "", ()),
        ("plurality", {"ranking": ["b", "a"]}, "", ("b",)),
        ("plurality", {}, "I like it.\n\n**Vote: b**", ("b",)),
        ("plurality", {}, "Vote: a\nOn reflection:\nVote: b", ("b",)),
        ("plurality", {}, "b", ("b",)),
        ("plurality", {}, "a, b", ()),
        ("plurality", {}, "b is the best answer", ()),
        ("plurality", {}, 'So: {"choice": "a"}', ("a",)),
        ("plurality", {}, "Vote: b or a", ()),
        ("plurality", {}, "投票：b", ("b",)),
        ("approval", {"choices": ["a", "c", "a", "mine"]}, "", ("a", "c")),
        ("approval", {"choices": []}, "", ()),
        ("approval", {}, "Vote: a, c", ("a", "c")),
        ("ranked", {"ranking": ["c", "a"]}, "", ("c", "a")),
        ("ranked", {"choice": "c"}, "", ("c",)),
        ("ranked", {}, "Vote: c > a > b", ("c", "a", "b")),
        ("ranked", {}, "", ()),
    ],
)
def test_a_ballot_is_read_or_counts_as_an_abstention(
    rule: Rule, data: dict[str, Any], text: str, ballot: Ballot
) -> None:
    assert read(rule, data, text, {"a", "b", "c"}) == ballot


@given(
    st.dictionaries(
        st.text(max_size=8), st.recursive(st.none() | st.integers() | st.text(), st.lists)
    ),
    st.text(),
)
def test_no_ballot_however_odd_breaks_the_count(data: dict[str, Any], text: str) -> None:
    for rule in ("plurality", "approval", "ranked"):
        assert set(read(rule, data, text, KEYS)) <= set(KEYS)


@given(st.lists(st.none() | st.sampled_from(KEYS)))
def test_plurality_is_the_plain_count(choices: list[str | None]) -> None:
    found = count("plurality", KEYS, [(c,) if c else () for c in choices], ())
    plain = Counter(c for c in choices if c)
    assert found.counts == {key: plain[key] for key in KEYS}
    best = max(plain.values(), default=0)
    top = [key for key in KEYS if best and plain[key] == best]
    assert found.winner == (top[0] if top else "")
    assert found.tie == (top if len(top) > 1 else [])


@given(st.lists(st.sets(st.sampled_from(KEYS)).map(lambda s: tuple(sorted(s)))))
def test_approval_counts_every_name(ballots: list[Ballot]) -> None:
    found = count("approval", KEYS, ballots, ())
    assert found.counts == {key: sum(key in ballot for ballot in ballots) for key in KEYS}
    assert found.winner == "" or found.counts[found.winner] == max(found.counts.values())


def reference(ballots: list[Ballot]) -> set[str]:
    """Instant run-off as it is told, by recursion: the keys that come out equal at the end."""

    def round_of(standing: tuple[str, ...]) -> set[str]:
        left = [[key for key in ballot if key in standing] for ballot in ballots]
        firsts = Counter(ballot[0] for ballot in left if ballot)
        for key in standing:
            if 2 * firsts[key] > firsts.total():
                return {key}
        if len({firsts[key] for key in standing}) == 1:
            return set(standing) if firsts.total() else set()
        worst = min(firsts[key] for key in standing)
        out = max(key for key in standing if firsts[key] == worst)
        return round_of(tuple(key for key in standing if key != out))

    return round_of(tuple(KEYS))


@given(st.lists(ranked, max_size=12))
def test_the_run_off_agrees_with_another_way_of_doing_it(ballots: list[Ballot]) -> None:
    found = count("ranked", KEYS, ballots, ())
    equal = reference(ballots)
    assert found.winner == min(equal, default="")
    assert set(found.tie) == (equal if len(equal) > 1 else set())
    assert sum(found.rounds[0].values()) == sum(bool(ballot) for ballot in ballots)


@given(st.lists(ranked, min_size=1, max_size=9), ranked)
def test_the_leaders_vote_breaks_a_tie_and_nothing_else(
    ballots: list[Ballot], leader: Ballot
) -> None:
    for rule in ("plurality", "approval", "ranked"):
        fit = [ballot[:1] if rule == "plurality" else ballot for ballot in ballots]
        plain, led = count(rule, KEYS, fit, ()), count(rule, KEYS, fit, leader)
        assert plain.tie == led.tie and plain.counts == led.counts
        named = [key for key in leader if key in plain.tie]
        assert led.winner == (named[0] if named else plain.winner)


def test_votes_move_to_the_next_choice_when_the_first_drops_out() -> None:
    ballots = [("a",)] * 4 + [("b", "c")] * 3 + [("c", "b")] * 2
    found = count("ranked", ["a", "b", "c"], ballots, ())
    assert found.winner == "b" and found.tie == []
    assert found.rounds == [{"a": 4, "b": 3, "c": 2}, {"a": 4, "b": 5}]
    assert count("plurality", ["a", "b", "c"], [b[:1] for b in ballots], ()).winner == "a"
