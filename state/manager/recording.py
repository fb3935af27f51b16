"""Facts that belong to a space and come from elsewhere, kept in its audit trail."""

from __future__ import annotations

from state.manager.jobs import Draft, Job, View
from state.persistence.base import PersistenceLayer
from state.policy import system
from state.values import AuditRecord, Committed, Json, StateEvent


class Record(Job):
    """Keeps a durable event that spends no revision."""

    def __init__(self, event: StateEvent) -> None:
        super().__init__(system(event.space))
        self.event = event

    @property
    def ids(self) -> tuple[str, ...]:
        """It sees none."""
        return ()

    def judge(self, view: View) -> Draft:
        """Always."""
        return Draft(audit=(AuditRecord(event=self.event),))

    def answer(self, committed: Committed) -> None:
        """Nobody asks."""

    def replay(self, outcome: dict[str, Json], store: PersistenceLayer) -> None:
        """It has no op_id."""

    def outcome(self, draft: Draft) -> dict[str, Json]:
        """It has no op_id."""
        return {}
