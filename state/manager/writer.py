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

from state.errors import StarsError, Unavailable
from state.manager.answers import refusal_outcome
from state.manager.jobs import Draft, Job, View
from state.persistence.base import PersistenceLayer
from state.refusals import OperationExpired, StoreDown
from state.values import (
    TERMINAL,
    Committed,
    Mismatch,
    OperationStatus,
    Replayed,
    Result,
    Transaction,
)

#: A job, what the store made of it, and the refusal that it was judged to.
_End = tuple[Job, Result, StarsError | None]

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
            if losses >= OPTIMISTIC + HELD:
                raise StoreDown("Others wrote these states all the time; nothing was written.")
            if losses >= OPTIMISTIC or _need_hold(waiting):
                with self._store.hold(space, ids):
                    ends = self._round(space, ids, waiting)
            else:
                ends = self._round(space, ids, waiting)
            losses += self._settle(
                ends
            )  # not within a hold: what is committed there stands when it ends
            waiting = [job for job in waiting if not job.settled]

    def _round(self, space: str, ids: list[str], jobs: list[Job]) -> list[_End]:
        """Judge and commit; those that have to be judged on what this commits are left out."""
        now = self._clock()
        view = View(self._store, space, ids, now)
        drafted: list[tuple[Job, Transaction, StarsError | None]] = []
        touched: set[str] = set()
        #: What one agent asked of a state is done in the order in which it was asked.
        behind: set[tuple[str, str]] = set()
        for job in jobs:
            line = {(job.caller.name, state_id) for state_id in job.ids}
            waits = bool(touched.intersection(job.ids))
            if (waits and job.alone) or behind.intersection(line):
                behind |= line
                continue
            error: StarsError | None = None
            draft = None
            try:
                draft = job.judge(view)
                transaction = job.transaction(draft, now)
            except Unavailable:
                raise  # the store's word, and no verdict
            except StarsError as refusal:
                error = refusal
                transaction = _refused(job, refusal, view, now)
            except Exception as failure:
                if not job.journalled:
                    if waits:
                        behind |= line
                    else:
                        job.fail(failure)
                    continue
                # Nobody waits for its answer, and tried for ever it would block all that are queued behind it.
                logger.exception("a queued operation failed unexpectedly")
                error = StarsError("Something went wrong in Stars; its log says what.")
                transaction = _refused(job, error, view, now)
            if waits and (draft is None or not draft.writes):
                behind |= line
                continue  # judged by what is not committed yet: asked again in the next round
            if draft is not None:
                view.take(draft.writes)
                touched |= set(job.ids) if job.alone else {each.state.id for each in draft.writes}
            drafted.append((job, transaction, error))
        batch = [transaction for _, transaction, _ in drafted if _is_something(transaction)]
        results = iter(self._store.commit(space, batch) if batch else ())
        return [
            (job, next(results) if _is_something(transaction) else self._known(job), error)
            for job, transaction, error in drafted
        ]

    def _known(self, job: Job) -> Result:
        """The end of a job that leaves nothing behind, which may be the twin of one that did."""
        caller = job.caller
        known = job.op_id and self._store.find_op(caller.space, caller.name, job.op_id)
        return Replayed(op=known) if known and known.status in TERMINAL else Committed()

    def _settle(self, ends: Sequence[_End]) -> int:
        """Tell everyone how it ended; jobs that were overtaken stay unsettled. Returns 1 if there were such."""
        lost = 0
        for job, result, error in ends:
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


def _need_hold(jobs: Sequence[Job]) -> bool:
    """Whether several writes on one state build upon each other. Were another process to write between, the first would
    be overtaken and the second not notice: the version that it expects would be there, with somebody else's data."""
    named = [state_id for job in jobs for state_id in job.ids]
    return len(named) > len(set(named)) or any(job.alone for job in jobs)


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
