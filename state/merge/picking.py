"""A merge in which somebody has chosen, path by path, what shall stand where the two collide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from state import jsonvalue
from state.jsonvalue import MISSING
from state.merge.threeway import MergeConflict, StrategyOf, by_type, merge, settle
from state.values import Json, Operation, OperationType

#: What stood before both, what stands now, what was to be written.
Pick = Literal["base", "theirs", "mine"]


def picked(
    base: dict[str, Json],
    theirs: dict[str, Json],
    mine: dict[str, Json],
    picks: Mapping[str, Pick],
    values: Mapping[str, Json] | None = None,
    strategy_of: StrategyOf = by_type,
) -> tuple[dict[str, Json], bool]:
    """What both want, joined; where they collide what was picked, or the value that somebody wrote instead, and theirs
    where nothing was chosen. Also whether every collision was decided. Raises Invalid for a choice at what is no path.
    """
    values = values or {}
    chosen = [*values, *picks]
    merged = merge(base, theirs, mine, strategy_of)
    used: set[str] = set()

    def choose(conflict: MergeConflict) -> Any:
        if conflict.path in values:
            used.add(conflict.path)
            return values[conflict.path]
        at = next((path for path in picks if jsonvalue.overlap(path, conflict.path)), None)
        if at is None:
            return conflict.theirs
        used.add(at)
        return getattr(conflict, picks[at])

    result: dict[str, Json] = settle(merged, choose)
    decided = all(any(jsonvalue.overlap(p, c.path) for p in chosen) for c in merged.conflicts)
    # Paths that the merge joins by itself, and whoever found the conflict named all the same.
    documents = {"base": base, "theirs": theirs, "mine": mine}
    for path in chosen:
        if path in used:
            continue
        wanted = values[path] if path in values else jsonvalue.get(documents[picks[path]], path)
        if not jsonvalue.json_equal(jsonvalue.get(result, path), wanted):
            op = Operation(OperationType.SET, path, wanted)
            if wanted is MISSING:
                op = Operation(OperationType.DELETE, path)
            result = jsonvalue.apply(result, [op])
    return result, decided
