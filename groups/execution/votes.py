"""Votes: what a ballot says, and how ballots are counted. Pure and deterministic, so that anybody can count again."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias, cast

Rule: TypeAlias = Literal["plurality", "approval", "ranked"]
#: Keys in the voter's order; of an approval in any order. Empty: an abstention.
Ballot: TypeAlias = tuple[str, ...]

#: What each rule says, for people.
RULES: Final[dict[Rule, str]] = {
    "plurality": "each voter names one answer; the most votes win",
    "approval": "each voter names all answers it agrees with; the most approvals win",
    "ranked": "each voter ranks the answers; the one with the fewest first places drops out (of equals the later "
    "one) until one has more than half (instant run-off)",
}
TIE_BREAK: Final = (
    "Of answers that come out equal, the one that the leader's vote puts first wins, else the one "
    "of the member who joined first."
)
#: Where a ballot stands in an answer's data, the rule's own place first.
_PLACES: Final[dict[Rule, tuple[str, ...]]] = {
    "plurality": ("choice", "ranking", "choices"),
    "approval": ("choices", "choice"),
    "ranked": ("ranking", "choice"),
}
_LINE: Final = re.compile(
    r"^\W*(?:my\s+)?(?:vote|投票)\W*[:：]\s*(.+)$", re.IGNORECASE | re.MULTILINE
)
#: Characters of an answer that may be a ballot as it stands.
_SHORT: Final = 200


class Count(NamedTuple):
    """What ballots came to. `tie` lists those that came out equal, empty when none did; `winner` may be empty."""

    counts: dict[str, int]
    winner: str
    tie: list[str]
    #: Of an instant run-off, the first places in each round.
    rounds: list[dict[str, int]]


def read(rule: Rule, data: Mapping[str, Any], text: str, allowed: Collection[str]) -> Ballot:
    """The ballot in an answer: in its data, else a JSON object or a line "Vote: …" in its text.

    Keys that are not `allowed` (the voter's own answer, strangers) do not count. What cannot be read is an abstention.
    """
    for source in (data, *_objects(text)):
        for place in _PLACES[rule]:
            if place in source:
                return _fit(rule, place, _keys(source[place]), allowed)
    lines: list[str] = _LINE.findall(text)
    said = lines[-1] if lines else text.strip() if len(text.strip()) <= _SHORT else ""
    words = [word.strip(".`*'\"“”()[]") for word in re.split(r"[\s,;>＞，、]+", said)]
    words = [word for word in words if word]
    if not words or any(word not in allowed for word in words):
        return ()
    return _fit(rule, _PLACES[rule][0], words, allowed)


def count(rule: Rule, keys: Sequence[str], ballots: Sequence[Ballot], decider: Ballot) -> Count:
    """Count the ballots over `keys`, which stand in the order of the members; `decider` is the leader's ballot."""
    if rule == "ranked":
        return _run_off(keys, ballots, decider)
    counts = dict.fromkeys(keys, 0)
    for ballot in ballots:
        for key in ballot:
            counts[key] += 1
    return _decided(counts, counts, decider, [])


def _run_off(keys: Sequence[str], ballots: Sequence[Ballot], decider: Ballot) -> Count:
    """Instant-runoff voting; a ballot whose answers have all dropped out counts no longer."""
    standing = list(keys)
    counts: dict[str, int] = {}
    rounds: list[dict[str, int]] = []
    while True:
        firsts = dict.fromkeys(standing, 0)
        for ballot in ballots:
            first = next((key for key in ballot if key in firsts), None)
            if first is not None:
                firsts[first] += 1
        rounds.append(firsts)
        counts |= firsts
        most, fewest = max(firsts.values()), min(firsts.values())
        if most == fewest or most * 2 > sum(firsts.values()):
            ordered = {key: counts[key] for key in keys}
            return _decided(ordered, firsts, decider, rounds)
        standing.remove([key for key in standing if firsts[key] == fewest][-1])


def _decided(
    counts: dict[str, int], last: Mapping[str, int], decider: Ballot, rounds: list[dict[str, int]]
) -> Count:
    most = max(last.values(), default=0)
    equal = [key for key, number in last.items() if number == most]
    if not most:
        return Count(counts, "", [], rounds)
    winner = next((key for key in decider if key in equal), equal[0])
    return Count(counts, winner, equal if len(equal) > 1 else [], rounds)


def _fit(rule: Rule, place: str, keys: Sequence[str], allowed: Collection[str]) -> Ballot:
    ballot = tuple(dict.fromkeys(key for key in keys if key in allowed))
    if rule != "plurality" or len(ballot) <= 1:
        return ballot
    # Whoever ranks has a first choice; whoever only lists several has named none.
    return ballot[:1] if place == "ranking" else ()


def _keys(value: Any) -> list[str]:
    items = value if isinstance(value, list | tuple) else [value]
    return [item.strip() for item in items if isinstance(item, str)]


def _objects(text: str) -> list[Mapping[str, Any]]:
    """JSON objects without objects in them, as models put them into their text; the last one first."""
    found: list[Mapping[str, Any]] = []
    for piece in re.findall(r"\{[^{}]{0,10000}\}", text):
        try:
            value = json.loads(piece)
        except ValueError:
            continue
        found.append(cast("Mapping[str, Any]", value))
    return found[::-1]
