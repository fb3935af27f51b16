"""Operations on the data of a state: where conflicts are found, merged, parked or refused."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from state import conflicts, jsonvalue
from state.errors import Conflict, StarsError
from state.manager.answers import AS_OPERATION, WriteStatus
from state.manager.drafting import (
    DAY,
    audit_conflict,
    drafted,
    entry_of,
)
from state.manager.jobs import Draft, View, plain
from state.manager.reading import written
from state.manager.writes import Base, StateJob, within
from state.policy import Caller, Right, require, rights
from state.refusals import (
    BaseRequired,
    Conflicting,
    Frozen,
    OperationExpired,
    Stale,
    StateNotFound,
)
from state.values import (
    AuditRecord,
    Cause,
    ConflictInfo,
    ConflictRecord,
    ConsistencyLevel,
    EntryKind,
    Incoming,
    Json,
    Limits,
    OperationStatus,
    SharedState,
)

#: Entries in which the last writer of a conflicting path is looked for.
LOOK_BACK: Final = 100


class WaitsInJournal(Exception):
    """The state is eventual: the write is to be journalled and answered."""

    def __init__(self, state: SharedState) -> None:
        super().__init__(state.id)
        self.state = state


class Update(StateJob):
    """Operations on the data of a state."""

    def __init__(
        self,
        caller: Caller,
        state_id: str,
        incoming: Incoming,
        base: Base,
        *,
        detector: conflicts.ConflictDetector,
        limits: Limits,
        **identity: Any,
    ) -> None:
        super().__init__(caller, state_id, **identity)
        self.incoming, self.base = incoming, base
        self.detector, self.limits = detector, limits
        #: It has no precondition, so an eventual state takes it into its journal instead.
        self.may_wait = False
        #: It waited too long in the journal.
        self.expired = False

    def judge(self, view: View) -> Draft:
        """Raises the refusals of shared-state 1.5 to 1.8."""
        if self.expired:
            raise OperationExpired
        head = view.get(self.state_id)
        if head is None or (head.deleted and self.base.version is None):
            raise StateNotFound
        require(head, self.caller, Right.WRITE)
        if head.frozen:
            raise Frozen
        if self.may_wait and head.consistency is ConsistencyLevel.EVENTUAL and not head.deleted:
            raise WaitsInJournal(head)
        if (
            head.consistency is ConsistencyLevel.STRONG
            and self.base.version is None
            and not (self.base.blind or self.journalled)
        ):
            raise BaseRequired
        incoming = self._with_past(view, head)
        decision = conflicts.decide(incoming, head, self.detector)
        match decision:
            case conflicts.Unchanged():
                brief, audit = self._settlement(view, head, decision)
                self._result(head, WriteStatus.UNCHANGED, conflict=brief)
                return Draft(audit=audit)
            case conflicts.Apply():
                return self._apply(view, head, decision)
            case conflicts.Park():
                return self._park(view, head, incoming, decision)
            case conflicts.Refuse():
                raise self.refusal(head, self._signed(view, head, decision.conflict))

    def _with_past(self, view: View, head: SharedState) -> Incoming:
        version = self.base.version
        if version is None or not 0 < version < head.version or head.deleted:
            return msgspec.structs.replace(self.incoming, at=view.now)
        if version < head.compacted_version:  # where that matters, the detector says so
            return msgspec.structs.replace(self.incoming, at=view.now)
        if self.base.exact:  # refused whatever was written between; the last entry tells by whom
            last = view.since(self.state_id, head.version - 1)
            return msgspec.structs.replace(self.incoming, at=view.now, since=last)
        return msgspec.structs.replace(
            self.incoming,
            at=view.now,
            base_data=view.data_at(self.state_id, version),
            since=view.since(self.state_id, version),
        )

    def _signed(self, view: View, head: SharedState, found: ConflictInfo) -> ConflictInfo:
        """The conflict with who wrote what stands, also where the writer named no base to look back to."""
        if all(cause.by for cause in found.causes):
            return found
        entries = view.store.latest(view.space, head.id, limit=LOOK_BACK)

        def signed(cause: Cause) -> Cause:
            for entry in () if cause.by else entries:
                if any(jsonvalue.overlap(cause.path, path) for path in written(entry)):
                    return msgspec.structs.replace(cause, by=entry.agent, version=entry.version)
            return cause

        return msgspec.structs.replace(found, causes=tuple(map(signed, found.causes)))

    def _settlement(
        self, view: View, head: SharedState, decision: conflicts.Apply | conflicts.Unchanged
    ) -> tuple[dict[str, Json] | None, tuple[AuditRecord, ...]]:
        """What is told of a conflict that was found and settled at once: in the answer, and in the audit trail."""
        found = decision.conflict
        if found is None:
            return None, ()
        brief: dict[str, Json] = {
            "conflict_id": found.conflict_id,
            "type": str(found.type),
            "resolution": str(decision.settled or ""),
            "paths": list(found.metadata.get("paths", ())),
        }
        return brief, tuple(
            audit_conflict(self, head, found, view, settled=settled) for settled in (False, True)
        )

    def _apply(self, view: View, head: SharedState, decision: conflicts.Apply) -> Draft:
        within(self.limits, decision.data)
        brief, audit = self._settlement(view, head, decision)
        state = msgspec.structs.replace(head, data=decision.data, timestamp=view.now)
        written = drafted(
            state,
            entry_of(
                self,
                state,
                EntryKind.UPDATE,
                view,
                base_version=self.base.version,
                ops=decision.ops,
                overwrote=decision.overwrote,
                conflict=brief,
                metadata=self.incoming.metadata,
            ),
            expect=head.version,
        )
        status = WriteStatus.MERGED if decision.merged else WriteStatus.APPLIED
        if brief is not None and decision.overwrote:
            brief = {**brief, "overwrote": plain(decision.overwrote)}
        self._result(written.state, status, conflict=brief)
        return Draft(writes=(written,), audit=audit, status=AS_OPERATION[status])

    def _park(
        self, view: View, head: SharedState, incoming: Incoming, decision: conflicts.Park
    ) -> Draft:
        found = decision.conflict
        states = found.states
        record = ConflictRecord(
            conflict_id=found.conflict_id,
            space=head.space,
            state_id=head.id,
            uid=head.uid,
            type=found.type,
            resolver=decision.resolver,
            agent=self.caller.name,
            op_id=incoming.op_id,
            base_version=incoming.base_version or head.version,
            head_version=head.version,
            paths=tuple(found.metadata.get("paths", ())),
            causes=found.causes,
            # With the writer's own earlier writes in it, which the picks are merged upon.
            base=states["base"].data if "base" in states else incoming.base_data,
            current=head.data,
            incoming=states["incoming"].data if "incoming" in states else {},
            ops=incoming.ops,
            created_at=view.now,
            expires_at=view.now + DAY,
        )
        brief: dict[str, Json] = {
            "conflict_id": found.conflict_id,
            "type": str(found.type),
            "resolution": "park",
            "paths": list(record.paths),
            "resolver": decision.resolver,
        }
        self._result(head, WriteStatus.PARKED, conflict=brief)
        return Draft(
            conflicts=(record,),
            audit=(audit_conflict(self, head, found, view, settled=False),),
            status=OperationStatus.CONFLICT,
        )

    def refusal(self, head: SharedState, found: ConflictInfo) -> Conflict:
        """The conflict as the writer gets it: 412 for a precondition in a header, else 409."""
        visible = Right.READ in rights(head, self.caller)
        extra = conflicts.problem(found, head=head, visible=visible)
        stale = self.base.header and found.causes[0].kind in ("stale", "deleted", "future", "uid")
        return (Stale if stale else Conflicting)(found.description, extra=extra)

    def audit_of(self, error: StarsError, view: View) -> tuple[AuditRecord, ...]:
        """What a refused write leaves in the audit trail (no revision is spent)."""
        head = view.get(self.state_id)
        if head is None or "causes" not in error.extra:
            return ()
        return (audit_conflict(self, head, None, view, settled=False, extra=error.extra),)
