"""What is done from time to time: expire what has outlived its purpose, settle old conflicts, give up old history."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from state.errors import Conflict, NotFound
from state.manager.jobs import Job
from state.manager.resolving import Answer, Resolve
from state.manager.settings import LIFETIMES
from state.manager.writes import Base, Delete
from state.persistence.base import PersistenceLayer
from state.policy import system
from state.values import ConflictStatus, Filters, Limits, SharedState, StateType

logger = logging.getLogger(__name__)

#: Outcomes of operations are known this long under their op_id.
OUTCOMES = LIFETIMES[StateType.SESSION]


class Keeper:
    """The chores of one store."""

    def __init__(
        self,
        store: PersistenceLayer,
        limits: Limits,
        submit: Callable[[Sequence[Job]], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._store, self._limits, self._submit, self._clock = store, limits, submit, clock

    def expire(self, space: str) -> int:
        """Leave tombstones of states whose lifetime is over; how many."""
        now, count = self._clock(), 0
        for kind, lifetime in LIFETIMES.items():
            for state in self._all(space, Filters(type=kind)):
                ended = state.frozen or kind is StateType.SESSION
                own = state.retention if state.retention is not None else lifetime.total_seconds()
                if ended and (now - state.timestamp).total_seconds() > own:
                    base = Base(version=state.version)
                    job = Delete(system(space), state.id, base, reason="expired")
                    count += self._done(job)
        return count

    def settle_conflicts(self, space: str) -> int:
        """Reject parked conflicts that nobody has settled in time; how many."""
        now, count = self._clock(), 0
        for record in self._store.conflicts(space, status=ConflictStatus.OPEN, limit=1000):
            if record.expires_at <= now:
                count += self._done(
                    Resolve(
                        system(space),
                        record.state_id,
                        record.conflict_id,
                        Answer(dismiss=True),
                        Base(),
                        limits=self._limits,
                        expired=True,
                    )
                )
        return count

    def forget(self, space: str) -> int:
        """Outcomes older than a day; how many."""
        return self._store.forget_ops(space, before=self._clock() - OUTCOMES)

    def _done(self, job: Job) -> int:
        try:
            self._submit([job])
            job.result_or_raise()
        except (Conflict, NotFound) as error:  # somebody was quicker
            logger.debug("left alone: %s", error)
            return 0
        return 1

    def _all(self, space: str, filters: Filters) -> Iterator[SharedState]:
        after = ""
        while True:
            page = self._store.list_states(space, filters, limit=500, after=after)
            yield from page.states
            if not page.next:
                return
            after = page.next
