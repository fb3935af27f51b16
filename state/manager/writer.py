"""The one place where writes are judged and committed: a batch at a time, on the states as they stand.

Judged in Python against what was just read, committed on condition that it still holds; what was overtaken by another
process is judged again, and after two losses in a row under the store's lock, so that a slow writer is not overtaken
for ever (shared-state 1.6).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from state.errors import StarsError
from state.manager.answers import refusal_outcome
from state.manager.jobs import Draft, Job, View
from state.persistence.base import PersistenceLayer
from state.refusals import OperationExpired, StoreDown
from state.values import Committed, Mismatch, OperationStatus, Transaction

logger = logging.getLogger(__name__)

#: Rounds without the lock, and with it.
OPTIMISTIC: Final = 2
HELD: Final = 8
#: Families of refusals that say something of the request and the state, and are recorded under an op_id: the same
#: request would be refused again. Others (no right, no store, too many) may be otherwise next time.
_LASTING: Final = (400, 404, 409, 410, 412, 413, 422, 423)


class Writer:
    """Commits batches of jobs of one space; the lane sees to it that there is one batch at a time."""

    def __init__(
        self,
        store: PersistenceLayer,
        *,
        clock: Callable[[], datetime],
        committed: Callable[[Job, Committed], None],
        refused: Callable[[Job, StarsError], None],
    ) -> None:
        """`committed` and `refused` hear of every job's end, in the order of commits."""
        self._store = store
        self._clock = clock
        self._committed = committed
        self._refused = refused

    def commit(self, jobs: Sequence[Job]) -> None:
        """Settle every job. Raises what the store raises; jobs unsettled then are the caller's to fail."""
        waiting = list(jobs)
        losses = 0
        while waiting:
            space = waiting[0].caller.space
            ids = sorted({state_id for job in waiting for state_id in job.ids})
            if losses < OPTIMISTIC:
                lost = self._round(space, ids, waiting)
            elif losses < OPTIMISTIC + HELD:
                with self._store.hold(space, ids):
                    lost = self._round(space, ids, waiting)
            else:
                raise StoreDown("Others wrote these states all the time; nothing was written.")
            losses += lost
            waiting = [job for job in waiting if not job.settled]

    def _round(self, space: str, ids: list[str], jobs: list[Job]) -> int:
        """Judge and commit; jobs that were overtaken stay unsettled. Returns 1 if there were such."""
        now = self._clock()
        view = View(self._store, space, ids, now)
        drafted: list[tuple[Job, Transaction, StarsError | None]] = []
        touched: set[str] = set()
        for job in jobs:
            error: StarsError | None = None
            draft = None
            try:
                draft = job.judge(view)
                transaction = job.transaction(draft, now)
            except StarsError as refusal:
                error = refusal
                transaction = _refused(job, refusal, view, now)
            except Exception as failure:
                if not job.journalled:
                    job.fail(failure)
                    continue
                # Nobody waits for its answer, and tried for ever it would block all that are queued behind it.
                logger.exception("a queued operation failed unexpectedly")
                error = StarsError("Something went wrong in Stars; its log says what.")
                transaction = _refused(job, error, view, now)
            if (draft is None or not draft.writes) and touched.intersection(job.ids):
                continue  # judged by what is not committed yet: asked again in the next round
            if draft is not None:
                view.take(draft.writes)
                touched |= {write.state.id for write in draft.writes}
            drafted.append((job, transaction, error))
        batch = [transaction for _, transaction, _ in drafted if _is_something(transaction)]
        results = iter(self._store.commit(space, batch) if batch else ())
        lost = 0
        for job, transaction, error in drafted:
            result = next(results) if _is_something(transaction) else Committed()
            if isinstance(result, Mismatch):
                lost = 1
                continue
            if error is None or not isinstance(result, Committed):
                job.settle(result, self._store)
            else:
                job.fail(error)
            self._tell(job, result)
        return lost

    def _tell(self, job: Job, result: object) -> None:
        if isinstance(result, Committed):
            self._committed(job, result)
        if isinstance(job.error, StarsError):
            self._refused(job, job.error)


def _is_something(transaction: Transaction) -> bool:
    return bool(
        transaction.writes
        or transaction.checks
        or transaction.op
        or transaction.conflicts
        or transaction.audit
    )


def _refused(job: Job, error: StarsError, view: View, now: datetime) -> Transaction:
    """What a refusal leaves behind: its outcome under the op_id, and a conflict's audit record."""
    audit = job.audit_of(error, view)
    op = None
    if job.op_id and (error.status in _LASTING or job.journalled):
        status = OperationStatus.CONFLICT if audit else OperationStatus.REJECTED
        if isinstance(error, OperationExpired):
            status = OperationStatus.EXPIRED
        op = job.record(status, refusal_outcome(error), now)
    return Transaction(op=op, audit=audit)


__all__ = ["Draft", "Writer"]
