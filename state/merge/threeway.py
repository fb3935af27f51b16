"""The walk: one document of three, path by path, and what could not be settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from state.jsonvalue import MISSING, json_equal, pointer
from state.merge.strategies import (
    MAP,
    MERGES,
    Clash,
    ScalarKey,
    effective,
    key_fields,
    keyed,
    type_for,
    type_of,
)
from state.values import Json

#: The strategy at a path (its tokens); None: by type, objects key by key and everything else whole.
StrategyOf = Callable[[tuple[str, ...]], str | None]
Tokens = tuple[str, ...]
Key = tuple[ScalarKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeConflict:
    """A path that both changed and no rule settles; values are MISSING where nothing stands.

    `kind`: both_changed, delete_modify, type_change, or structure (values that the path's strategy cannot merge).
    """

    path: str
    kind: str
    base: Json
    theirs: Json
    mine: Json


Choose = Callable[[MergeConflict], Json]


@dataclass(frozen=True, slots=True)
class Merged:
    """The outcome of a merge; while there are conflicts, `result` has theirs in their places."""

    result: Json
    conflicts: tuple[MergeConflict, ...]
    _again: Callable[[Choose], Json] = field(repr=False, compare=False)


def by_type(tokens: Tokens) -> str | None:
    """No strategy anywhere."""
    return None


def merge(base: Json, theirs: Json, mine: Json, strategy_of: StrategyOf = by_type) -> Merged:
    """Join what they and what I changed since `base` (any of the three may be MISSING).

    Pure and deterministic: keys in sorted order. Paths in conflicts are those of `theirs`; an element of a keyed
    array that they removed is named by a place after the last one.
    """
    conflicts: list[MergeConflict] = []

    def keep_theirs(conflict: MergeConflict) -> Json:
        conflicts.append(conflict)
        return conflict.theirs

    def again(choose: Choose) -> Json:
        return _Walk(strategy_of, choose).at(base, theirs, mine, ())

    result = again(keep_theirs)
    return Merged(result, tuple(conflicts), again)


def settle(merged: Merged, choose: Choose) -> Json:
    """The merged document with `choose`'s value (or MISSING) in the place of each conflict."""
    return merged._again(choose)


@dataclass(frozen=True, slots=True)
class _Walk:
    strategy_of: StrategyOf
    unsettled: Choose

    def at(self, base: Json, theirs: Json, mine: Json, path: Tokens) -> Json:
        """The merged value at the path; MISSING: none."""
        if json_equal(base, mine):
            return theirs
        if json_equal(base, theirs):
            return mine
        strategy = effective(self.strategy_of(path), theirs, mine)
        kind = "delete_modify"
        gone = theirs is MISSING or mine is MISSING
        if not gone:
            # Before asking whether both wrote the same: two agents that both add 1 to a counter have added 2.
            try:
                return self._joined(strategy, base, theirs, mine, path)
            except Clash as clash:
                kind = clash.kind
        if json_equal(theirs, mine):
            return theirs
        if gone and strategy == "prefer_delete":
            return MISSING
        if gone and strategy == "prefer_modify":
            return mine if theirs is MISSING else theirs
        return self.unsettled(
            MergeConflict(path=pointer(path), kind=kind, base=base, theirs=theirs, mine=mine)
        )

    def _joined(
        self, strategy: str | None, base: Json, theirs: Json, mine: Json, path: Tokens
    ) -> Json:
        """Two values that both differ from base, as one. Raises Clash."""
        wanted = type_for(strategy) if strategy else None
        if wanted and not type_of(theirs) == type_of(mine) == wanted:
            raise Clash("type_change")
        if strategy in MERGES:
            return MERGES[strategy](base, theirs, mine)
        if strategy and strategy.startswith(MAP):
            return self._elements(base, theirs, mine, path, key_fields(strategy))
        if strategy != "atomic" and isinstance(theirs, dict) and isinstance(mine, dict):
            return self._members(base, theirs, mine, path)
        raise Clash("both_changed" if type_of(theirs) == type_of(mine) else "type_change")

    def _members(
        self, base: Json, theirs: dict[str, Json], mine: dict[str, Json], path: Tokens
    ) -> dict[str, Json]:
        """Two objects, key by key; both may have made them anew."""
        start = base if isinstance(base, dict) else {}
        merged = {
            key: self.at(
                start.get(key, MISSING),
                theirs.get(key, MISSING),
                mine.get(key, MISSING),
                (*path, key),
            )
            for key in sorted(start.keys() | theirs.keys() | mine.keys())
        }
        return {key: value for key, value in merged.items() if value is not MISSING}

    def _elements(
        self,
        base: Json,
        theirs: list[Json],
        mine: list[Json],
        path: Tokens,
        fields: tuple[str, ...],
    ) -> list[Json]:
        """Two arrays of keyed objects, key by key: their order, my new ones after what stands before them in mine."""
        start = [] if base is MISSING else base
        before, present, wanted = (keyed(each, fields) for each in (start, theirs, mine))
        if before is None or present is None or wanted is None:
            raise Clash("structure")
        only_mine = [key for key in wanted if key not in present]
        places = present | {key: len(theirs) + n for n, key in enumerate(only_mine)}
        merged = {
            key: self.at(
                start[before[key]] if key in before else MISSING,
                theirs[present[key]] if key in present else MISSING,
                mine[wanted[key]] if key in wanted else MISSING,
                (*path, str(place)),
            )
            for key, place in places.items()
        }
        following: dict[Key | None, list[Json]] = {None: []}
        last: Key | None = None
        for key in wanted:
            if merged[key] is MISSING:
                continue
            if key in present:
                last = key
            else:
                following.setdefault(last, []).append(merged[key])
        result = following[None]
        for key in present:
            if merged[key] is not MISSING:
                result.append(merged[key])
            result += following.get(key, [])
        return result
