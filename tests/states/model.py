"""What a space of shared states is, as plainly as it can be said: the model that the machine holds every store to.

Documents here have one level of objects below the root, so that merging needs no more than these few lines; nothing
is shared with the code that is tested.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

MISSING: Final = object()

#: What a call comes to: ("written", version), ("unchanged", version), ("queued",) or ("refused", status).
Outcome = tuple[Any, ...]
#: An operation: its word, its path, its value, and for "cas" what is expected there (or "version" with a number).
Op = tuple[Any, ...]


Came = dict[str, Any] | None


class Refused(Exception):
    """With its HTTP status."""


@dataclass
class Version:
    """One version of a state."""

    data: dict[str, Any]
    kind: str
    revision: int


@dataclass
class State:
    """All that a state's id has ever been."""

    consistency: str
    resolution: str
    versions: dict[int, Version] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    frozen: bool = False
    #: The version that this life began with, and the oldest one that can be read.
    born: int = 1
    oldest: int = 1

    @property
    def version(self) -> int:
        return max(self.versions)

    @property
    def head(self) -> Version:
        return self.versions[self.version]

    @property
    def deleted(self) -> bool:
        return self.head.kind == "delete"


@dataclass
class Queued:
    """A write that waits in the journal."""

    op_id: str
    state_id: str
    ops: list[Op]
    base: int | None


class Model:
    """A space."""

    def __init__(self) -> None:
        self.states: dict[str, State] = {}
        self.revision = 0
        self.floor = 0
        self.journal: list[Queued] = []

    # -- what is asked --------------------------------------------------------------------------------------------

    def create(self, state_id: str, data: dict[str, Any], kind: tuple[str, str]) -> Outcome:
        known = self.states.get(state_id)
        if known is not None and not known.deleted:
            raise Refused(409)
        self.revision += 1
        self._create(state_id, data, kind)
        return ("written", self.states[state_id].version)

    def write(
        self,
        state_id: str,
        ops: list[Op],
        base: int | None,
        op_id: str,
        came: Came = None,
        *,
        queued: bool = False,
    ) -> Outcome:
        """`came` is the document that the manager's write led to; None: it was refused."""
        state = self.states.get(state_id)
        if state is None or (state.deleted and base is None):
            raise Refused(404)
        if state.frozen:
            raise Refused(423)
        plain = all(op[0] != "cas" for op in ops)
        if state.consistency == "eventual" and plain and not state.deleted and not queued:
            self.journal.append(Queued(op_id, state_id, ops, base))
            return ("queued",)
        if state.consistency == "strong" and base is None:
            raise Refused(428)
        return self._commit(state, self._judged(state, ops, base, came), "update")

    def delete(self, state_id: str, base: int | None) -> Outcome:
        state = self._living(state_id)
        if base is not None and base != state.version:
            raise Refused(409)
        if state.frozen:
            raise Refused(423)
        if state.consistency == "strong" and base is None:
            raise Refused(428)
        self.revision += 1
        self._put(state, {}, "delete")
        return ("written", state.version)

    def configure(self, state_id: str, *, tags: tuple[str, ...] | None, frozen: bool) -> Outcome:
        state = self._living(state_id)
        wanted = state.tags if tags is None else tags
        if (wanted, frozen) == (state.tags, state.frozen):
            return ("unchanged", state.version)
        state.tags, state.frozen = wanted, frozen
        self.revision += 1
        self._put(state, state.head.data, "config")
        return ("written", state.version)

    def restore_version(self, state_id: str, version: int, base: int | None) -> Outcome:
        state = self._living(state_id)
        if state.frozen:
            raise Refused(423)
        if base is not None and base != state.version:
            raise Refused(409)
        if state.consistency == "strong" and base is None:
            raise Refused(428)
        return self._commit(state, self.shown_at(state_id, version), "restore")

    def transact(self, compare: dict[str, int], ops: dict[str, list[Op]]) -> Outcome:
        before = copy.deepcopy((self.states, self.revision))
        try:
            return self._transact(compare, ops)
        except Refused:
            self.states, self.revision = before
            raise

    def drain(self, came: Callable[[str], Came]) -> dict[str, str]:
        """How each queued operation ended: written, conflict or rejected."""
        ends = {}
        for each in self.journal:
            try:
                self.write(
                    each.state_id, each.ops, each.base, each.op_id, came(each.op_id), queued=True
                )
                ends[each.op_id] = "written"
            except Refused as refusal:
                ends[each.op_id] = "conflict" if refusal.args == (409,) else "rejected"
        self.journal = []
        return ends

    def compact(self, floor: int) -> None:
        self.floor = max(self.floor, min(floor, self.revision))
        for state in self.states.values():
            old = [n for n, each in state.versions.items() if each.revision <= self.floor]
            state.oldest = max([state.oldest, *old])

    def data_at(self, state_id: str, version: int) -> dict[str, Any]:
        state = self.states[state_id]
        if version not in state.versions:
            raise Refused(404)
        if version < state.oldest:
            raise Refused(410)
        return state.versions[version].data

    def shown_at(self, state_id: str, version: int) -> dict[str, Any]:
        """The data as whoever is no admin of the space gets them: of the present life only."""
        data = self.data_at(state_id, version)
        if version < self.states[state_id].born:
            raise Refused(404)
        return data

    # -- what it means --------------------------------------------------------------------------------------------

    def _living(self, state_id: str) -> State:
        state = self.states.get(state_id)
        if state is None or state.deleted:
            raise Refused(404)
        return state

    def _create(self, state_id: str, data: dict[str, Any], kind: tuple[str, str]) -> None:
        state = State(*kind)
        known = self.states.get(state_id)
        if known is not None:
            state.versions, state.oldest = known.versions, known.oldest
            state.born = known.version + 1
        self.states[state_id] = state
        self._put(state, data, "create")

    def _put(self, state: State, data: dict[str, Any], kind: str) -> None:
        version = max(state.versions, default=0) + 1
        state.versions[version] = Version(copy.deepcopy(data), kind, self.revision)

    def _commit(self, state: State, data: dict[str, Any], kind: str) -> Outcome:
        if data == state.head.data:
            return ("unchanged", state.version)
        self.revision += 1
        self._put(state, data, kind)
        return ("written", state.version)

    def _judged(self, state: State, ops: list[Op], base: int | None, came: Came) -> dict[str, Any]:
        """The document that these operations make of the head, or why they do not."""
        head = state.head.data
        if base is not None and base != state.version:
            if state.deleted or base > state.version:
                raise Refused(409)
            if (state.consistency, state.resolution) == ("strong", "reject"):
                raise Refused(409)
            if base < state.oldest:
                raise Refused(410)
            if base < state.born:
                raise Refused(409)
        elif state.deleted:
            raise Refused(409)
        if any(op[0] == "cas" and not holds(op, head, state.version) for op in ops):
            raise Refused(409)
        if base is None or state.resolution == "last_write" or any(op[0] == "cas" for op in ops):
            return applied(head, ops)
        return stands(state.versions[base].data, head, ops, came)

    def _transact(self, compare: dict[str, int], ops: dict[str, list[Op]]) -> Outcome:
        for state_id, version in compare.items():
            state = self.states.get(state_id)
            if version != (0 if state is None or state.deleted else state.version):
                raise Refused(409)
        self.revision += 1
        before = self.revision
        changed = 0
        for state_id, own in ops.items():
            state, base = self.states.get(state_id), compare.get(state_id)
            if own == [("delete", "")]:
                self.delete(state_id, base or None)
            elif (state is None or state.deleted) and base == 0:
                self._create(state_id, applied({}, own), ("weak", "merge"))
            else:
                outcome = self.write(state_id, own, base, "", queued=True)
                changed -= outcome[0] == "unchanged"
            changed += 1
            self.revision = before
        if not changed:
            self.revision -= 1
            return ("unchanged",)
        for state_id in ops:  # what was written above counted its own revisions
            for each in self.states[state_id].versions.values():
                each.revision = min(each.revision, before)
        return ("written",)


def holds(op: Op, data: dict[str, Any], version: int) -> bool:
    """Whether a cas may go on."""
    kind, expected = op[3], op[4]
    if kind == "version":
        return bool(version == expected)
    found = at(data, op[1])
    if kind == "absent":
        return found is MISSING
    return bool(found == expected)


def at(data: dict[str, Any], path: str) -> Any:
    """What stands there."""
    found: Any = data
    for key in path.split("/")[1:]:
        found = found.get(key, MISSING) if isinstance(found, dict) else MISSING
    return found


def applied(before: dict[str, Any], ops: list[Op]) -> dict[str, Any]:
    """The document after these operations."""
    data = copy.deepcopy(before)
    for op in ops:
        *above, last = op[1].split("/")[1:]
        node = data
        if op[0] == "delete":
            node = node if not above else node.get(above[0], {})
            node.pop(last, None)
            continue
        if above:
            node = data.setdefault(above[0], {})
        if op[0] == "merge" and isinstance(op[2], dict):
            known = node[last] if isinstance(node.get(last), dict) else {}
            kept = {key: value for key, value in known.items() if key not in op[2]}
            node[last] = kept | {key: value for key, value in op[2].items() if value is not None}
        else:
            node[last] = copy.deepcopy(op[2])
    return data


def stands(
    seen: dict[str, Any], head: dict[str, Any], ops: list[Op], came: dict[str, Any] | None
) -> dict[str, Any]:
    """The head with these operations of somebody who saw an earlier document; `came` is what the manager made of it
    (None: a conflict), asked where these few lines do not know better and may only say what would be wrong."""
    mine, theirs = applied(seen, ops), list(changed(seen, head))
    meets = {one for op in ops for one in written(op) if any(overlap(one, p) for p in theirs)}
    if not meets:
        return applied(head, ops)
    try:
        return merged(seen, head, mine)  # type: ignore[no-any-return]
    except Refused:
        if came is None:
            raise
    # Nothing of theirs is overwritten: where both wrote, both came to the same.
    assert all(at(mine, one) == at(head, one) for one in meets)
    return applied(head, ops)


def written(op: Op) -> list[str]:
    """The paths that an operation writes."""
    leaves = op[0] == "merge" and op[2]
    return [f"{op[1]}/{key}" for key in op[2]] if leaves else [op[1]]


def changed(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """The paths that differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {*old, *new}:
            yield from changed(old.get(key, MISSING), new.get(key, MISSING), f"{path}/{key}")
    elif old != new:
        yield path


def overlap(one: str, other: str) -> bool:
    """Equal, or one above the other."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def merged(base: Any, theirs: Any, mine: Any) -> Any:
    """Three-way; refused where both changed the same thing differently."""
    if theirs == mine or base == mine:
        return theirs
    if base == theirs:
        return mine
    if isinstance(theirs, dict) and isinstance(mine, dict):
        old = base if isinstance(base, dict) else {}
        keys = {*old, *theirs, *mine}
        found = {
            key: merged(old.get(key, MISSING), theirs.get(key, MISSING), mine.get(key, MISSING))
            for key in keys
        }
        return {key: value for key, value in found.items() if value is not MISSING}
    raise Refused(409)
