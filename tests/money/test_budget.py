"""The numbers of the brakes: what is granted together is never more than there is, and all of it can be used."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from groups.execution.budget import (
    MOST_TOKENS,
    Account,
    Busy,
    Cap,
    Granted,
    Reached,
    Spent,
    dollars,
    grant,
    reached,
)

OWNERS = {"run": "r", "agent": "a", "group": "g", "site": ""}


def account(**owners: str) -> Account:
    return Account(uuid.uuid4(), OWNERS | owners)


class Till(RuleBasedStateMachine):
    """Attempts that call one after another and at once, each keeping to what it was granted."""

    @initialize(
        tokens=st.integers(1, 5000), usd=st.none() | st.floats(0.01, 9), others=st.integers(0, 3)
    )
    def open(self, tokens: int, usd: float | None, others: int) -> None:
        self.standing = [(Cap("run", tokens, usd), Spent()), (Cap("site", 4000), Spent())]
        self.accounts = [account() for _ in range(others + 1)]
        self.granted: dict[uuid.UUID, Granted] = {}

    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        mine = data.draw(st.sampled_from(self.accounts))
        self.granted.pop(mine.attempt, None)
        found = grant(mine, self.standing, self.accounts)
        if isinstance(found, Granted):
            self.granted[mine.attempt] = found
        elif isinstance(found, Busy):
            assert self.granted, "it was told to wait for nobody"

    @precondition(lambda self: self.granted)
    @rule(data=st.data(), part=st.floats(0, 1))
    def use(self, data: st.DataObject, part: float) -> None:
        attempt = data.draw(st.sampled_from(list(self.granted)))
        found = self.granted.pop(attempt)
        assert found.tokens is not None
        (mine,) = (a for a in self.accounts if a.attempt == attempt)
        mine.take(Spent(int(found.tokens * part), (found.cost_usd or 0.0) * part))

    @rule()
    def join(self) -> None:
        self.accounts.append(account())

    @invariant()
    def no_cap_is_passed(self) -> None:
        for cap, _ in getattr(self, "standing", []):
            held = sum(found.tokens or 0 for found in self.granted.values())
            assert held + sum(a.said.tokens for a in self.accounts) <= (cap.max_tokens or 0)
            if cap.max_cost_usd is not None:
                money = sum(found.cost_usd or 0 for found in self.granted.values())
                used = sum(a.said.cost_usd for a in self.accounts)
                assert money + used <= cap.max_cost_usd + 1e-6


Till.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestTill = Till.TestCase


@given(st.integers(1, 10**9), st.integers(0, 10**9))
def test_alone_one_is_granted_all_that_is_left(cap: int, used: int) -> None:
    mine = account()
    found = grant(mine, [(Cap("run", cap), Spent(used))], [mine])
    if used >= cap:
        assert isinstance(found, Reached) and found.limit == "tokens"
    else:
        assert found == Granted(min(cap - used, MOST_TOKENS), None, False)


def test_the_least_of_all_caps_counts_and_what_others_spend_elsewhere_does_not() -> None:
    mine, elsewhere = account(), account(run="other", group="other")
    elsewhere.take(Spent(900, 0.0))
    elsewhere.ended_at = 1.0
    standing = [
        (Cap("run", 1000), Spent(100)),
        (Cap("group", 500), Spent(200)),
        (Cap("site", 2000, 8.0), Spent(300, 6.0)),
    ]
    assert grant(mine, standing, [mine, elsewhere]) == Granted(300, 2.0, False)


def test_those_about_to_call_share_evenly_and_a_late_one_waits() -> None:
    first, second, late = account(), account(), account()
    standing = [(Cap("run", 1001), Spent())]
    both = [first, second]
    assert grant(first, standing, both) == Granted(501, None, False)
    assert grant(second, standing, both) == Granted(500, None, False)
    assert grant(late, standing, [*both, late]) == Busy()
    first.take(Spent(101))
    assert grant(late, standing, [*both, late]) == Granted(200, None, False)


def test_an_attempt_that_ended_holds_nothing_and_counts_what_it_used() -> None:
    gone, mine = account(), account()
    grant(gone, [(Cap("run", 100), Spent())], [gone])
    gone.take(Spent(30))
    gone.ended_at = 1.0
    assert grant(mine, [(Cap("run", 100), Spent())], [gone, mine]) == Granted(70, None, False)


def test_the_last_call_is_told_when_another_like_it_would_find_too_little() -> None:
    mine = account()
    standing = [(Cap("run", None, 1.0), Spent())]
    assert grant(mine, standing, [mine]) == Granted(None, 1.0, False)
    mine.take(Spent(10, 0.3))
    assert grant(mine, standing, [mine]) == Granted(None, 0.7, False)
    mine.take(Spent(10, 0.3))
    found = grant(mine, standing, [mine])
    assert isinstance(found, Granted) and found.last
    assert found.cost_usd == pytest.approx(0.4)


def test_a_call_of_unknown_price_counts_in_tokens_only() -> None:
    spent = Spent(10, 0.0, 1)
    assert reached(Cap("run", None, 0.5), spent) is None
    assert reached(Cap("agent", 10, 0.5), spent) == (
        *("agent", "tokens", "The agent's monthly cap of 10 tokens is reached."),
    )


def test_without_caps_nothing_is_held() -> None:
    mine = account()
    assert grant(mine, [], [mine]) == Granted(None, None, False)
    assert (mine.held_tokens, mine.held_usd) == (0, 0.0)


def test_dollars() -> None:
    assert [dollars(n) for n in (0, 5, 0.5, 1234.5, 0.000123)] == [
        *("0.00", "5.00", "0.50", "1,234.50", "0.000123"),
    ]
