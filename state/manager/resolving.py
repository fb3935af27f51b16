"""Settling a parked conflict: a write like any other, that also closes the conflict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from state import jsonvalue, merge, schema
from state.errors import Invalid
from state.manager import settings
from state.manager.answers import WriteStatus
from state.manager.drafting import drafted, entry_of
from state.manager.jobs import Draft, View
from state.manager.writes import Base, StateJob, within
from state.policy import Caller, Right, canonical, require, rights
from state.refusals import ConflictClosed, ConflictNotFound, Frozen, NotPermitted
from state.values import (
    AuditRecord,
    ConflictRecord,
    ConflictStatus,
    EntryKind,
    EventType,
    Json,
    Limits,
    Operation,
    SharedState,
    StateEvent,
)

NOT_IN_CONFLICT: Final = "This path is not in conflict."
CHOOSE: Final = "Choose 'mine', 'theirs' or 'base', or give a value."
ONE_CHOICE: Final = "Choose one of the three, or give a value."


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How somebody settles a conflict: exactly one of these."""

    #: The whole document as it shall be.
    value: dict[str, Json] | None = None
    #: Operations on the present document.
    ops: tuple[Operation, ...] = ()
    #: Conflicting path to "mine" (the parked write's), "theirs" (what stands) or "base" (what stood before both).
    picks: Mapping[str, merge.Pick] | None = None
    #: With `picks` or alone: conflicting path to a value that shall stand there instead of any of the three.
    values: Mapping[str, Json] | None = None
    #: The parked write is dropped.
    dismiss: bool = False


def may_resolve(record: ConflictRecord, state: SharedState, caller: Caller) -> bool:
    """Whoever the conflict asks, and admins of the state."""
    asked = bool(record.resolver) and canonical(record.resolver) in caller.known_as
    return Right.ADMIN in rights(state, caller) or (asked and not caller.read_only)


class Resolve(StateJob):
    """Writes the settlement (if it changes anything) and closes the conflict."""

    #: Whether the conflict is still open shows in no version.
    alone = True

    def __init__(
        self,
        caller: Caller,
        state_id: str,
        conflict_id: str,
        answer: Answer,
        base: Base,
        *,
        limits: Limits,
        expired: bool = False,
        **identity: Any,
    ) -> None:
        super().__init__(caller, state_id, **identity)
        self.conflict_id, self.given, self.base = conflict_id, answer, base
        self.limits, self.expired = limits, expired

    def judge(self, view: View) -> Draft:
        """Raises ConflictNotFound, ConflictClosed, NotPermitted, Stale, Conflicting, Frozen, Invalid, Unprocessable,
        DocumentTooLarge."""
        record = view.store.find_conflict(view.space, self.conflict_id)
        head = view.get(self.state_id)
        if record is None or head is None:
            raise ConflictNotFound
        if not self.expired:
            require(head, self.caller, Right.READ)
            if not may_resolve(record, head, self.caller):
                raise NotPermitted(extra={"required": "admin"})
        if record.status is not ConflictStatus.OPEN:
            raise ConflictClosed(extra={"resolved_by": record.resolved_by})
        if self.given.dismiss or head.deleted or head.uid != record.uid:
            return self._closed(view, record, head)
        self.base.check(head)
        if head.frozen:
            raise Frozen
        data = self._settled(record, head)
        settings.check_data(head, data)
        within(self.limits, data)
        if jsonvalue.json_equal(data, head.data):
            return self._closed(view, record, head, status=ConflictStatus.RESOLVED)
        state = msgspec.structs.replace(head, data=data, timestamp=view.now)
        entry = entry_of(
            self,
            state,
            EntryKind.UPDATE,
            view,
            base_version=self.base.version,
            ops=jsonvalue.diff(head.data, data),
            conflict={
                "conflict_id": record.conflict_id,
                "type": str(record.type),
                "resolution": "custom",
                "paths": list(record.paths),
            },
        )
        written = drafted(state, entry, expect=head.version)
        self._result(written.state, WriteStatus.APPLIED, conflict=entry.conflict)
        closed = msgspec.structs.replace(
            record,
            status=ConflictStatus.RESOLVED,
            resolved_at=view.now,
            resolved_by=self.caller.name,
            version=written.state.version,
        )
        return Draft(
            writes=(written,), conflicts=(closed,), audit=(self._audit(view, closed, head),)
        )

    def _settled(self, record: ConflictRecord, head: SharedState) -> dict[str, Json]:
        given = self.given
        if given.value is not None:
            return given.value
        if given.ops:
            return cast(dict[str, Json], jsonvalue.apply(head.data, given.ops))
        picks, values = dict(given.picks or {}), dict(given.values or {})
        chosen = {**picks, **values}
        fields = {path: [NOT_IN_CONFLICT] for path in chosen if path not in record.paths}
        fields |= {path: [CHOOSE] for path in record.paths if path not in chosen}
        fields |= {path: [ONE_CHOICE] for path in picks if path in values}
        if fields:
            raise Invalid("Every conflicting path needs a choice, and no other.", fields=fields)
        strategy = schema.strategies(head.schema, head.merge)
        return merge.picked(record.base or {}, head.data, record.incoming, picks, values, strategy)[
            0
        ]

    def _closed(
        self,
        view: View,
        record: ConflictRecord,
        head: SharedState,
        status: ConflictStatus = ConflictStatus.REJECTED,
    ) -> Draft:
        closed = msgspec.structs.replace(
            record, status=status, resolved_at=view.now, resolved_by=self.caller.name
        )
        self._result(head, WriteStatus.UNCHANGED, conflict={"conflict_id": record.conflict_id})
        checks = {} if head.deleted else {head.id: head.version}
        return Draft(checks=checks, conflicts=(closed,), audit=(self._audit(view, closed, head),))

    def _audit(self, view: View, closed: ConflictRecord, head: SharedState) -> AuditRecord:
        return AuditRecord(
            event=StateEvent(
                type=EventType.CONFLICT_RESOLVED,
                timestamp=view.now,
                space=view.space,
                state_id=head.id,
                uid=head.uid,
                version=closed.version or head.version,
                agent_id=self.caller.name,
                op_id=closed.op_id,
                metadata={
                    "conflict_id": closed.conflict_id,
                    "conflict_type": str(closed.type),
                    "status": str(closed.status),
                    "paths": list(closed.paths),
                    "reason": "expired" if self.expired else "",
                },
            )
        )
