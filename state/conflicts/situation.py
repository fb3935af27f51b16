"""A write and the state it meets, as documents: what its writer saw, what it made of that, what stands there now."""

from __future__ import annotations

from functools import cached_property
from typing import Final
from uuid import UUID, uuid5

from msgspec import UNSET

from state import jsonvalue, merge, schema
from state.jsonvalue import MISSING
from state.refusals import Compacted, Damaged, Unprocessable
from state.values import (
    ConflictResolution,
    Entry,
    EntryKind,
    Incoming,
    Json,
    Operation,
    OperationType,
    SharedState,
)

#: From the strictest to the loosest.
STRICTNESS: Final = (
    ConflictResolution.REJECT,
    ConflictResolution.CUSTOM,
    ConflictResolution.MERGE,
    ConflictResolution.LAST_WRITE,
)


def plain(op: Operation) -> Operation:
    """The operation as it is applied and logged: a `cas` whose condition has been judged is a `set`."""
    return Operation(OperationType.SET, op.path, op.value) if op.op is OperationType.CAS else op


def same(a: Json, b: Json) -> bool:
    """JSON equality, where MISSING equals itself only."""
    if a is MISSING or b is MISSING:
        return a is b
    return jsonvalue.json_equal(a, b)


def replay(doc: Json, ops: tuple[Operation, ...], entry: Entry) -> Json:
    """The document after operations of the log. Raises Damaged when they do not fit: they did once."""
    try:
        return jsonvalue.apply(doc, ops)
    except jsonvalue.Inapplicable as error:
        raise Damaged(
            f"The log of state {entry.state_id!r} cannot be replayed at version {entry.version}."
        ) from error


class Situation:
    """The documents of one write. Pure; everything is computed once, when it is first asked for."""

    def __init__(self, incoming: Incoming, head: SharedState) -> None:
        """Raises Unprocessable for an operation that deletes the whole state: a tombstone is no document."""
        self.incoming = incoming
        self.head = head
        self.base_version = head.version if incoming.base_version is None else incoming.base_version
        self.ops = tuple(plain(op) for op in incoming.ops)
        for number, op in enumerate(incoming.ops):
            if op.op is OperationType.DELETE and not op.path:
                raise Unprocessable(
                    "The state itself is deleted by a request of its own.",
                    fields={f"ops[{number}].path": ["Name a path within the document."]},
                )

    @cached_property
    def conflict_id(self) -> str:
        """The same for every try of the same request; an op_id is its agent's own, others may use it too."""
        return str(uuid5(UUID(self.head.uid), f"{self.incoming.agent}\n{self.incoming.op_id}"))

    @cached_property
    def resolution(self) -> ConflictResolution:
        """The state's, or the stricter one asked for. Raises Unprocessable for a looser one without allow_override."""
        asked, own = self.incoming.resolution, self.head.resolution
        if asked is None or asked is own:
            return own
        if STRICTNESS.index(asked) > STRICTNESS.index(own) and not self.head.allow_override:
            raise Unprocessable(
                fields={"resolution": [f"This state allows “{own}” or a stricter resolution only."]}
            )
        return asked

    # -- the base -----------------------------------------------------------------------------------------------------

    @property
    def stale(self) -> bool:
        """The writer has not seen the present version."""
        return self.base_version != self.head.version

    @cached_property
    def strange(self) -> str:
        """Why the base cannot be compared with the head at all: deleted, future or uid; "" when it can."""
        given, head = self.incoming, self.head
        if head.deleted:
            return "deleted"
        if not 0 <= self.base_version <= head.version:
            return "future"
        if given.base_uid is not None and given.base_uid != head.uid:
            return "uid"
        lives = (EntryKind.CREATE, EntryKind.DELETE)
        since_then = any(entry.uid != head.uid or entry.kind in lives for entry in given.since)
        return "uid" if since_then else ""

    @property
    def blind(self) -> bool:
        """Nothing but its version is known of the base."""
        return bool(self.strange) or (self.stale and self.incoming.base_data is None)

    def require_past(self) -> None:
        """Raises Compacted when paths must be compared and the base's data are gone."""
        if self.blind:
            raise Compacted(
                extra={"compacted_version": self.head.compacted_version, "snapshot": None}
            )

    def own(self, entry: Entry) -> bool:
        """Whether it is one of the writer's own pipelined writes, which it knows of."""
        given = self.incoming
        return bool(entry.op_id) and entry.op_id in given.after and entry.agent == given.agent

    @cached_property
    def others(self) -> tuple[Entry, ...]:
        """What others have committed since the base."""
        return tuple(entry for entry in self.incoming.since if not self.own(entry))

    # -- documents ----------------------------------------------------------------------------------------------------

    @cached_property
    def strategy_of(self) -> merge.StrategyOf:
        """The merge strategy of each path, as the state's schema and default say."""
        return schema.strategies(self.head.schema, self.head.merge)

    @cached_property
    def seen(self) -> dict[str, Json]:
        """What the writer saw: the base, its own pipelined writes, and what its cas conditions say of the head."""
        if self.blind or not self.stale:
            return self.head.data
        seen = self._with_own_writes(self.incoming.base_data or {})
        for path in sorted(self.asserted, key=lambda path: len(jsonvalue.parse(path))):
            value = jsonvalue.get(self.head.data, path)
            gone = value is MISSING
            op = (
                Operation(OperationType.DELETE, path)
                if gone
                else Operation(OperationType.SET, path, value)
            )
            try:
                seen = jsonvalue.apply(seen, (op,))
            except jsonvalue.Inapplicable:
                continue  # there was no place for it then; it is compared as it was
        return seen

    def _with_own_writes(self, base: dict[str, Json]) -> dict[str, Json]:
        if not any(self.own(entry) for entry in self.incoming.since):
            return base
        seen = before = base
        for entry in self.incoming.since:
            after = replay(before, entry.ops, entry)
            if self.own(entry):
                # What the entry did to the document it met, done to the one the writer had before it.
                found = merge.merge(before, seen, after, self.strategy_of)
                seen = merge.settle(found, lambda conflict: conflict.mine)
            before = after
        return seen

    @cached_property
    def mine(self) -> dict[str, Json]:
        """What the writer made of what it saw. Raises Inapplicable (422) where its operations do not fit that."""
        made: dict[str, Json] = jsonvalue.apply(self.seen, self.ops)
        return made

    @cached_property
    def three_way(self) -> merge.Merged:
        """What was seen, what stands there and what the writer made of it, merged as whole documents."""
        return merge.merge(self.seen, self.head.data, self.mine, self.strategy_of)

    # -- cas ----------------------------------------------------------------------------------------------------------

    @cached_property
    def asserted(self) -> tuple[str, ...]:
        """Paths of which a `cas` says what stands there; its condition is the only check of them."""
        return tuple(op.path for op in self.incoming.ops if op.op is OperationType.CAS)

    def is_asserted(self, path: str) -> bool:
        """Whether the path is at or under one of them."""
        tokens = jsonvalue.parse(path)
        return any(tokens[: len(above)] == above for above in map(jsonvalue.parse, self.asserted))

    def holds(self, op: Operation) -> bool:
        """Whether the condition of a `cas` is true of the head."""
        if op.expect_version is not None:
            return op.expect_version == self.head.version
        actual = jsonvalue.get(self.head.data, op.path)
        if op.expect_absent or op.expect is UNSET:
            return actual is MISSING
        return same(actual, op.expect)
