"""The strategies by name: which values each is for, and the merges of those that need no look below the value.

A merge of this kind is a function of (base, theirs, mine) that returns the merged value, or a Clash. Theirs and mine
are there, suit the strategy and differ from base; base may be MISSING.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Final

from state.jsonvalue import MAX_INT, MISSING, json_equal
from state.values import Json


class Clash(Exception):
    """The strategy finds no result; `kind` is the conflict's."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(kind)


#: What `map:<key>[,<key>]` begins with.
MAP: Final = "map:"
#: All names; `map:` is followed by the fields that make up an element's key.
STRATEGIES: Final = (
    "atomic",
    "granular",
    "set",
    MAP,
    "append",
    "counter",
    "max",
    "min",
    "prefer_modify",
    "prefer_delete",
    "text3",
)
#: Strategies under which two writes to one path never stand in each other's way. The writes of two agents are both
#: kept by merging their values, so that they must be merged also when they happen to write the same.
COMMUTING: Final = frozenset({"set", "append", "counter", "max", "min"})
#: In front of a strategy: a state's default, for values that it suits; others are merged by their type.
IF_SUITED: Final = "?"


def is_known(strategy: str) -> bool:
    """Whether there is such a strategy; `map:` needs at least one key."""
    if strategy.startswith(MAP):
        return all(key_fields(strategy))
    return strategy in STRATEGIES


def is_commuting(strategy: str | None) -> bool:
    """Whether two writes under this (effective) strategy never conflict."""
    return strategy in COMMUTING


def key_fields(strategy: str) -> tuple[str, ...]:
    """The fields named by `map:<key>[,<key>]`."""
    return tuple(strategy.removeprefix(MAP).split(","))


def type_of(value: Json) -> str:
    """The JSON type's name; "missing" for MISSING."""
    if value is MISSING:
        return "missing"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


#: The JSON type each strategy is for; those not named take any.
_TYPES: Final = {
    "granular": "object",
    "set": "array",
    "append": "array",
    "counter": "number",
    "max": "number",
    "min": "number",
    "text3": "string",
}


def type_for(strategy: str) -> str | None:
    """The JSON type that values of this strategy have; None: any."""
    return "array" if strategy.startswith(MAP) else _TYPES.get(strategy)


def suits(strategy: str, value: Json) -> bool:
    """Whether the strategy can merge such a value."""
    wanted = type_for(strategy)
    if wanted is not None and type_of(value) != wanted:
        return False
    if strategy == "set":
        return unique_scalars(value) is not None
    if strategy.startswith(MAP):
        return keyed(value, key_fields(strategy)) is not None
    return True


def effective(strategy: str | None, *values: Json) -> str | None:
    """The strategy in force for these values (those MISSING do not count); None: by type."""
    if strategy is None or not strategy.startswith(IF_SUITED):
        return strategy
    name = strategy.removeprefix(IF_SUITED)
    fits = all(suits(name, value) for value in values if value is not MISSING)
    return name if fits else None


# -- keys of elements ---------------------------------------------------------------------------------------------

#: A scalar as Python can look it up: `true` is not 1, and 1 is 1.0.
ScalarKey = tuple[bool, Json]


def _scalar_key(value: Json) -> ScalarKey:
    return isinstance(value, bool), value


def unique_scalars(value: Json) -> dict[ScalarKey, Json] | None:
    """The elements of an array by key, if they are scalars and none stands twice."""
    if not isinstance(value, list) or any(isinstance(each, dict | list) for each in value):
        return None
    found = {_scalar_key(each): each for each in value}
    return found if len(found) == len(value) else None


def keyed(value: Json, fields: tuple[str, ...]) -> dict[tuple[ScalarKey, ...], int] | None:
    """The index of each element by its key, if all are objects with scalar keys and none stands twice."""
    if not isinstance(value, list):
        return None
    found: dict[tuple[ScalarKey, ...], int] = {}
    for index, each in enumerate(value):
        if not isinstance(each, dict):
            return None
        parts = [each.get(field, MISSING) for field in fields]
        if any(part is MISSING or isinstance(part, dict | list) for part in parts):
            return None
        found[tuple(_scalar_key(part) for part in parts)] = index
    return found if len(found) == len(value) else None


# -- merges ---------------------------------------------------------------------------------------------------------


def _set(base: Json, theirs: Json, mine: Json) -> Json:
    """(theirs ∪ added by me) − removed by me; theirs first, each in its order."""
    known = unique_scalars([] if base is MISSING else base)
    present, wanted = unique_scalars(theirs), unique_scalars(mine)
    if known is None or present is None or wanted is None:
        raise Clash("structure")
    kept = [value for key, value in present.items() if key in wanted or key not in known]
    added = [value for key, value in wanted.items() if key not in known and key not in present]
    return kept + added


def _append(base: Json, theirs: Json, mine: Json) -> Json:
    """What I appended, after what they appended."""
    start = [] if base is MISSING else base
    if not isinstance(start, list):
        raise Clash("structure")
    common = len(start)
    if not (json_equal(theirs[:common], start) and json_equal(mine[:common], start)):
        raise Clash("structure")
    return theirs + mine[common:]


def _counter(base: Json, theirs: Json, mine: Json) -> Json:
    """Theirs plus what I added to the base (a counter that was not there counts from 0)."""
    start = 0 if base is MISSING else base
    if type_of(start) != "number":
        raise Clash("type_change")
    try:
        total = theirs + mine - start
    except OverflowError:  # an integer beyond all floats
        raise Clash("both_changed") from None
    fits = math.isfinite(total) if isinstance(total, float) else abs(total) <= MAX_INT
    if not fits:
        raise Clash("both_changed")
    return total


# What is compared line by line, so that no merge takes longer than about a tenth of a second.
#: Lines of each text.
MAX_TEXT: Final = 50_000
#: Lines from the first to the last difference, and pairs of equal ones among them.
MAX_PAIRS: Final = 100_000
MAX_LINES: Final = 2000


def _text3(base: Json, theirs: Json, mine: Json) -> Json:
    """Lines as diff3 merges them (Khanna, Kunal, Pierce: A Formal Investigation of Diff3, 2007): between lines that
    all three share, whoever changed something has its way; where both did, differently, they clash. So do texts
    that take too long to compare."""
    texts = ("" if base is MISSING else base, theirs, mine)
    if not isinstance(texts[0], str):
        raise Clash("type_change")
    old, a, b = (text.splitlines(keepends=True) for text in texts)
    if max(map(len, (old, a, b))) > MAX_TEXT:
        raise Clash("both_changed")
    in_a, in_b = _matches(old, a), _matches(old, b)
    merged: list[str] = []
    at = at_a = at_b = 0
    for line in [index for index in range(len(old)) if index in in_a and index in in_b]:
        merged += _between(old[at:line], a[at_a : in_a[line]], b[at_b : in_b[line]])
        merged.append(old[line])
        at, at_a, at_b = line + 1, in_a[line] + 1, in_b[line] + 1
    return "".join(merged + _between(old[at:], a[at_a:], b[at_b:]))


def _matches(old: list[str], new: list[str]) -> dict[int, int]:
    """Where lines of `old` stand in `new`, in the order of both. Raises Clash when that would take too long."""
    first = _common(old, new)
    last = _common(old[first:][::-1], new[first:][::-1])
    here, there = old[first : len(old) - last], new[first : len(new) - last]
    times = Counter(there)
    pairs = sum(count * times[line] for line, count in Counter(here).items())
    if max(len(here), len(there)) > MAX_LINES or pairs > MAX_PAIRS:
        raise Clash("both_changed")
    found = {line: line for line in range(first)}
    blocks = SequenceMatcher(None, here, there, autojunk=False).get_matching_blocks()
    found |= {first + i + k: first + j + k for i, j, size in blocks for k in range(size)}
    return found | {len(old) - n: len(new) - n for n in range(last, 0, -1)}


def _common(one: list[str], other: list[str]) -> int:
    """How many lines both begin with."""
    same = map(operator.eq, one, other)
    return next((n for n, equal in enumerate(same) if not equal), min(len(one), len(other)))


def _between(old: list[str], a: list[str], b: list[str]) -> list[str]:
    if a == b or b == old:
        return a
    if a == old:
        return b
    raise Clash("both_changed")


MERGES: Final[dict[str, Callable[[Json, Json, Json], Json]]] = {
    "set": _set,
    "append": _append,
    "counter": _counter,
    "max": lambda base, theirs, mine: max(theirs, mine),
    "min": lambda base, theirs, mine: min(theirs, mine),
    "text3": _text3,
}
