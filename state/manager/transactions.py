"""Writes on several states of one space at one revision, on condition of what they were (etcd's txn)."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from state import conflicts
from state.conflicts.analysis import Analysis
from state.conflicts.causes import cas_causes
from state.conflicts.describing import described
from state.errors import StarsError
from state.manager import settings
from state.manager.answers import TransactionResult, WriteResult
from state.manager.drafting import audit_conflict, recorded_revision
from state.manager.jobs import Draft, Job, View
from state.manager.updating import Update
from state.manager.writes import Base, Create, Delete
from state.persistence.base import PersistenceLayer
from state.policy import Caller, Right, rights
from state.refusals import TransactionRefused
from state.values import (
    AuditRecord,
    Committed,
    Incoming,
    Json,
    Limits,
    Operation,
    OperationType,
    SharedState,
    StateManagerConfig,
    StateType,
    Write,
)


class Compare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A state must have this version; 0: it must not exist."""

    state: str
    version: int


def _stands(head: SharedState | None) -> int:
    """The version that a compare is about: 0 for what is absent or deleted."""
    return 0 if head is None or head.deleted else head.version


class Transact(Job):
    """Operations on several states, all or nothing; states that are only compared are guarded, too."""

    result: TransactionResult

    def __init__(
        self,
        caller: Caller,
        compare: tuple[Compare, ...],
        ops: dict[str, tuple[Operation, ...]],
        *,
        detector: conflicts.ConflictDetector,
        config: StateManagerConfig,
        limits: Limits,
        note: dict[str, Json],
        **identity: Any,
    ) -> None:
        super().__init__(caller, **identity)
        self.compare = {each.state: each.version for each in compare}
        self.ops = ops
        self.detector, self.config, self.limits, self.note = detector, config, limits, note
        self._parts: tuple[WriteResult, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Written and compared ones."""
        return tuple(sorted({*self.ops, *self.compare}))

    def judge(self, view: View) -> Draft:
        """Raises TransactionRefused with all failing compares, and what a write on each state alone would raise."""
        self._compare(view)
        writes, audit, parts = list[Write](), list[Any](), list[WriteResult]()
        made = 0
        for state_id, ops in self.ops.items():
            head = view.get(state_id)
            absent = head is None or head.deleted or Right.READ not in rights(head, self.caller)
            if ops[0].op is OperationType.DELETE and ops[0].path == "":
                delete = Delete(self.caller, state_id, self._base(state_id), note=self.note)
                delete.op_id = self.op_id
                draft, result = delete.judge(view), delete.result
            elif absent and self.compare.get(state_id) == 0:
                draft, result = self._create(view, state_id, ops, made)
                made += 1
            else:
                update = self._update(state_id, ops)
                draft, result = update.judge(view), update.result
                if draft.conflicts:  # a transaction asks nobody: it is refused as a whole
                    raise TransactionRefused("A state of the transaction is in conflict.")
            writes += draft.writes
            audit += draft.audit
            parts.append(result)
        self._parts = tuple(parts)
        self.result = TransactionResult(revision=0, results=self._parts, op_id=self.op_id)
        # What is only compared, and what had nothing to change, must be at the commit as it was seen.
        checks = {key: _stands(view.get(key)) for key in self.compare if key not in self.ops}
        checks |= {part.state_id: part.version for part in parts if not part.changed}
        return Draft(writes=tuple(writes), checks=checks, audit=tuple(audit))

    def _compare(self, view: View) -> None:
        failed = []
        for state_id, version in self.compare.items():
            head = view.get(state_id)
            # What the caller may not see is not there for it.
            hidden = head is not None and Right.READ not in rights(head, self.caller)
            present = 0 if hidden else _stands(head)
            if present != version:
                failed.append({"state": state_id, "expected": version, "version": present})
        if failed:
            raise TransactionRefused(extra={"failed": failed})

    def _base(self, state_id: str) -> Base:
        return Base(version=self.compare.get(state_id) or None, exact=True)

    def _update(self, state_id: str, ops: tuple[Operation, ...]) -> Update:
        base = self._base(state_id)
        incoming = Incoming(
            state_id=state_id,
            agent=self.caller.name,
            op_id=self.op_id or str(uuid.uuid4()),
            ops=ops,
            at=self.made_at,
            base_version=base.version,
            exact=base.version is not None,
            metadata=self.note,
        )
        update = Update(
            self.caller, state_id, incoming, base, detector=self.detector, limits=self.limits
        )
        update.op_id = self.op_id
        return update

    def _create(
        self, view: View, state_id: str, ops: tuple[Operation, ...], ahead: int
    ) -> tuple[Draft, WriteResult]:
        """A state that was said to be absent begins with what is set, as it would alone.

        `ahead`: how many the transaction makes before it.
        """
        kind = StateType.GLOBAL if view.space == settings.GLOBAL_SPACE else StateType.SESSION
        settings.check_id(state_id, kind, view.space)
        create = Create(
            self.caller,
            state_id,
            kind,
            self._first(view, state_id, kind, ops),
            {},
            config=self.config,
            limits=self.limits,
            note=self.note,
            ahead=ahead,
        )
        create.op_id = self.op_id
        return create.judge(view), create.result

    def _first(
        self, view: View, state_id: str, kind: StateType, ops: tuple[Operation, ...]
    ) -> dict[str, Json]:
        """What the operations make of nothing. Raises Inapplicable, and Conflicting for a `cas` that expects more."""
        nothing = SharedState(
            id=state_id,
            space=view.space,
            uid=uuid.uuid4().hex,
            type=kind,
            version=0,
            owners=(self.caller.name,),
            timestamp=view.now,
            created_at=view.now,
            **settings.starting(kind, self.config),
        )
        update = self._update(state_id, ops)
        analysis = Analysis(update.incoming, nothing)
        causes = tuple(cas_causes(analysis))
        if causes:
            refusal = update.refusal(nothing, described(analysis, causes))
            del refusal.extra["etag"]  # there is nothing that it could stand for
            raise refusal
        return analysis.mine

    def answer(self, committed: Committed) -> None:
        """Complete each part with the revision and the state it got."""
        states = {state.id: state for state in committed.states}
        parts = tuple(
            msgspec.structs.replace(
                part, revision=states[part.state_id].revision, state=states[part.state_id]
            )
            if part.state_id in states
            else part
            for part in self._parts
        )
        self.result = TransactionResult(
            revision=committed.revision, results=parts, op_id=self.op_id
        )

    def audit_of(self, error: StarsError, view: View) -> tuple[AuditRecord, ...]:
        """The conflict of the state for which the whole is refused."""
        head = view.get(error.extra.get("state", ""))
        if head is None or "causes" not in error.extra:
            return ()
        return (audit_conflict(self, head, None, view, settled=False, extra=error.extra),)

    def outcome(self, draft: Draft) -> dict[str, Json]:
        """The answer, to be given again."""
        return self.result.outcome()

    def replay(self, outcome: dict[str, Json], store: PersistenceLayer) -> None:
        """As it was answered then."""
        found = msgspec.convert({**outcome, "replayed": True}, TransactionResult)
        changed = [part for part in found.results if part.changed]
        revision = (
            recorded_revision(store, self.caller.space, changed[0].state_id, changed[0].version)
            if changed
            else 0
        )
        self.result = msgspec.structs.replace(found, revision=revision)
