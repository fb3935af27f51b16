"""A space's lane in this process: writers queue, and whoever comes to the front commits for all who wait.

Commits of one space follow each other anyway (the space's revision is one row), so what piles up during one commit
shares the next, as in a database's group commit (and etcd's batching; shared-state 3.3).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from state.errors import Unavailable
from state.manager.jobs import Job
from state.refusals import OutcomeUnknown

#: Jobs of one commit.
BATCH = 64


class Lane:
    """Hands batches to `commit`, one at a time and in the order of arrival."""

    def __init__(
        self,
        commit: Callable[[Sequence[Job]], None],
        *,
        linger: float = 0.0,
        waited: Callable[[Sequence[float]], None] | None = None,
    ) -> None:
        """`commit` must settle every job it is given; `linger` seconds are waited for company before each. `waited`
        hears before each how many seconds its jobs have waited."""
        self._commit = commit
        self._linger = linger
        self._waited = waited
        #: Guards what waits, and tells when a commit has ended.
        self._turn = threading.Condition()
        self._waiting: deque[tuple[float, Job]] = deque()
        self._busy = False

    def submit(self, *jobs: Job) -> None:
        """Returns when all of them are settled, by this thread or by another one; errors are the jobs' own."""
        came = time.monotonic()
        with self._turn:
            self._waiting.extend((came, job) for job in jobs)
        while self._my_turn(jobs):
            try:
                self._commit_next()
            finally:
                with self._turn:
                    self._busy = False
                    self._turn.notify_all()

    def _my_turn(self, jobs: Sequence[Job]) -> bool:
        """Wait until these are settled (False), or nobody commits and this thread is to (True).

        Whoever waits stands in no queue of threads: all whose jobs a commit has settled go at once, and with what they
        ask next fill the one that follows.
        """
        with self._turn:
            self._turn.wait_for(lambda: not self._busy or all(job.settled for job in jobs))
            if all(job.settled for job in jobs):
                return False
            self._busy = True
            return True

    def _commit_next(self) -> None:
        if self._linger:
            time.sleep(self._linger)
        with self._turn:
            taken = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        batch = [job for _, job in taken]
        if self._waited is not None:
            now = time.monotonic()
            self._waited([now - came for came, _ in taken])
        try:
            self._commit(batch)
        except Unavailable as error:
            self._strand(batch, error)
        except Exception:
            self._one_by_one(batch)
        except BaseException:
            self._strand(batch, OutcomeUnknown(extra={"outcome_unknown": True}))
            raise

    def _one_by_one(self, batch: Sequence[Job]) -> None:
        """Something is wrong with one of them, and not the others' fault."""
        for job in batch:
            if not job.settled:
                try:
                    self._commit([job])
                except Exception as error:
                    job.strand(error)

    def _strand(self, batch: Sequence[Job], error: Exception) -> None:
        """Nobody behind a batch that failed goes before it: who queues for one agent keeps its order."""
        with self._turn:
            behind = [job for _, job in self._waiting]
            self._waiting.clear()
        for job in (*batch, *behind):
            job.strand(error)
