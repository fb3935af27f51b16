"""Documents side by side: what collides between a base, what stands and what somebody wants, and choices applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from groups.forms.states import text_of
from state import jsonvalue, merge, schema
from state.jsonvalue import MISSING
from state.values import Blame, Json, Operation, OperationType, SharedState

#: Names of the fields in which a choice per path is sent: this and the path.
PICK: Final = "pick:"
MINE: Final = "mine"
THEIRS: Final = "theirs"


@dataclass(frozen=True)
class Side:
    """One colliding path: three values as text (None: nothing stands there) and who wrote what stands."""

    path: str
    base: str | None
    current: str | None
    incoming: str | None
    by: str = ""
    version: int = 0
    picked: str = ""

    @property
    def field(self) -> str:
        """The name of its radio buttons."""
        return PICK + self.path


def picks_in(sent: Mapping[str, Any]) -> dict[str, str]:
    """The choices that were sent, by path."""
    return {
        name.removeprefix(PICK): str(sent[name])
        for name in sent
        if name.startswith(PICK) and sent[name] in (MINE, THEIRS)
    }


def settled(
    base: dict[str, Json],
    theirs: dict[str, Json],
    mine: dict[str, Json],
    picks: Mapping[str, str],
    state: SharedState,
) -> tuple[dict[str, Json], bool]:
    """What both want, joined; where they collide, what was picked, and theirs where nothing was.

    Also whether every collision was decided. Raises Invalid for a pick at what is no path.
    """
    merged = _merged(base, theirs, mine, state)
    used: set[str] = set()

    def choose(conflict: merge.MergeConflict) -> Any:
        at = next((path for path in picks if jsonvalue.overlap(path, conflict.path)), None)
        if at is None:
            return conflict.theirs
        used.add(at)
        return conflict.mine if picks[at] == MINE else conflict.theirs

    result: dict[str, Json] = merge.settle(merged, choose)
    decided = all(any(jsonvalue.overlap(p, c.path) for p in picks) for c in merged.conflicts)
    # Paths that the merge would join by itself, and whoever found the conflict named all the same.
    for path in picks.keys() - used:
        wanted = jsonvalue.get(mine if picks[path] == MINE else theirs, path)
        if not jsonvalue.json_equal(jsonvalue.get(result, path), wanted):
            op = Operation(OperationType.SET, path, wanted)
            if wanted is MISSING:
                op = Operation(OperationType.DELETE, path)
            result = jsonvalue.apply(result, [op])
    return result, decided


def colliding(
    base: dict[str, Json], state: SharedState, mine: dict[str, Json], named: Iterable[str]
) -> list[str]:
    """Paths that collide: those named by whoever found the conflict, and those that a merge leaves open.

    A path below another one is left to it; the whole document only when nothing more exact is known.
    """
    merged = _merged(base, state.data, mine, state)
    paths = {*(path for path in named if path), *(each.path for each in merged.conflicts)}
    found = sorted(path for path in paths if not any(path.startswith(f"{p}/") for p in paths))
    return found


def sides(
    paths: Iterable[str],
    base: dict[str, Json],
    state: SharedState,
    mine: dict[str, Json],
    *,
    blame: Mapping[str, Blame] | None = None,
    picks: Mapping[str, str] | None = None,
) -> list[Side]:
    """These paths in the three documents, with who wrote what stands there."""
    # Elements of keyed arrays stand elsewhere in each document: the merge knows which belong together.
    known = {each.path: each for each in _merged(base, state.data, mine, state).conflicts}
    found = []
    for path in paths:
        at = known.get(path)
        values = (
            [jsonvalue.get(each, path) for each in (base, state.data, mine)]
            if at is None
            else [at.base, at.theirs, at.mine]
        )
        here = [b for where, b in (blame or {}).items() if jsonvalue.overlap(where, path)]
        last = max(here, key=lambda each: each.version, default=None)
        before, now, wanted = (None if value is MISSING else text_of(value) for value in values)
        by, version = (last.agent, last.version) if last else ("", 0)
        picked = (picks or {}).get(path, "")
        found.append(Side(path, before, now, wanted, by=by, version=version, picked=picked))
    return found


def _merged(base: Json, theirs: Json, mine: Json, state: SharedState) -> merge.Merged:
    return merge.merge(base, theirs, mine, schema.strategies(state.schema, state.merge))
