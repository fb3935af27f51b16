"""Operations that wait or were settled, parked conflicts, the audit trail."""

from __future__ import annotations

from datetime import datetime

import msgspec
from django.db import transaction
from django.db.models import F, Q

from state.models import Audit, Conflict, Op
from state.models.journal import WAITING
from state.persistence.database.committing import Committing
from state.persistence.database.judging import op_key
from state.persistence.database.rows import AUDIT, CONFLICT, OP
from state.persistence.database.statements import send
from state.values import AuditRecord, ConflictRecord, ConflictStatus, OpRecord


class Journal(Committing):
    """What is kept beside states and their log."""

    def find_op(self, space: str, agent: str, op_id: str) -> OpRecord | None:
        """As the contract says."""
        query = Op.objects.using(self.alias).filter(space=space, agent=agent, op_id=op_id)
        with self._call():
            row = self._read(query.values(*OP).first)
        return self._rows.op_of(row) if row else None

    def enqueue(self, op: OpRecord) -> OpRecord:
        """As the contract says."""
        with self._call():
            return self._run(lambda: self._enqueue(op))

    def _enqueue(self, op: OpRecord) -> OpRecord:
        with self._transaction(limited=False) as connection:
            claimed, _ = self._lock(connection, op.space, set(), [op])
            known = claimed.before.get(op_key(op))
            if known is not None:
                transaction.set_rollback(True, using=self.alias)
                return known
            _, _, n = self._numbers(connection, op.space, journal=1)
            row_id = claimed.ids[op_key(op)]
            send(connection, [("UPDATE state_op SET n = %s WHERE id = %s", [n, row_id])])
        return msgspec.structs.replace(op, n=n)

    def queued(
        self, space: str, *, state_id: str | None = None, limit: int = 100
    ) -> list[OpRecord]:
        """As the contract says."""
        query = Op.objects.using(self.alias).filter(space=space, status__in=WAITING).order_by("n")
        if state_id is not None:
            query = query.filter(key=state_id)
        with self._call():
            rows = self._read(lambda: list(query.values(*OP)[:limit]))
        return [self._rows.op_of(row) for row in rows]

    def note_retry(self, op: OpRecord, error: str) -> None:
        """As the contract says."""
        query = Op.objects.using(self.alias).filter(
            space=op.space, agent=op.agent, op_id=op.op_id, status__in=WAITING
        )
        with self._call():
            self._run(lambda: self._change(lambda: query.update(retry=F("retry") + 1, error=error)))

    def forget_ops(self, space: str, *, before: datetime) -> int:
        """As the contract says."""
        query = (
            Op.objects.using(self.alias)
            .filter(space=space)
            .exclude(status__in=WAITING)
            .filter(Q(done_at__lt=before) | Q(done_at=None, at__lt=before))
        )
        with self._call():
            return self._delete_in_parts(query)

    # -- conflicts and audit ------------------------------------------------------------------------------------------

    def find_conflict(self, space: str, conflict_id: str) -> ConflictRecord | None:
        """As the contract says."""
        query = Conflict.objects.using(self.alias).filter(space=space, conflict_id=conflict_id)
        with self._call():
            row = self._read(query.values(*CONFLICT).first)
        return self._rows.conflict_of(row) if row else None

    def conflicts(
        self,
        space: str,
        *,
        status: ConflictStatus | None = None,
        state_id: str | None = None,
        limit: int = 100,
    ) -> list[ConflictRecord]:
        """As the contract says."""
        query = Conflict.objects.using(self.alias).filter(space=space)
        if status is not None:
            query = query.filter(status=status)
        if state_id is not None:
            query = query.filter(key=state_id)
        with self._call():
            newest = query.order_by("-created_at", "-id").values(*CONFLICT)
            rows = self._read(lambda: list(newest[:limit]))
        return [self._rows.conflict_of(row) for row in rows]

    def read_audit(self, space: str, *, after: int, limit: int) -> list[AuditRecord]:
        """As the contract says."""
        query = Audit.objects.using(self.alias).filter(space=space, n__gt=after).order_by("n")
        with self._call():
            rows = self._read(lambda: list(query.values(*AUDIT)[:limit]))
        return [self._rows.audit_of(row) for row in rows]
