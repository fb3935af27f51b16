"""The one thread of a worker process that writes: what is queued when a commit ends goes into the next one.

Agents are set to work as soon as their claim is written, before it is committed; what they answer at once joins the
same transaction. So a commit stands before anything is published or reported, but not between plan and subtasks.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from django.db import Error, InterfaceError, OperationalError, connection, transaction

from groups.services import recovery
from groups.services.subtasks import Batch, Claiming, Step, Work

logger = logging.getLogger(__name__)

#: Seconds a transaction may be kept open for answers that come at once.
LINGER: Final = 0.025
#: Seconds to wait for the event loop to have started what was claimed.
SETTLE: Final = 0.005
#: Runs in one transaction at most, so that none waits long for another's commit.
GROUP: Final = 64
#: Writes of one run that may fail for a reason of its own before the run is failed.
GIVE_UP: Final = 5


class Agents(Protocol):
    """The side of the engine that has agents at work (thread-safe)."""

    def launch(self, works: list[Work]) -> threading.Event:
        """Start them; the event is set when those that answer at once have answered."""
        ...

    def abandon(self, works: list[Work]) -> None:
        """Stop them: their claim could not be committed."""
        ...

    def settled(self, batch: Batch) -> None:
        """The batch is committed."""
        ...


class Writer(threading.Thread):
    """Takes steps from any thread and commits them in groups."""

    def __init__(self, agents: Agents, claiming: Claiming) -> None:
        super().__init__(name="stars-writer", daemon=True)
        self._agents = agents
        self._claiming = claiming
        self._steps: dict[uuid.UUID, Step] = {}
        self._calls: list[Callable[[], None]] = []
        self._bell = threading.Condition()
        self._stopping = False
        #: How often each run could not be written, for a reason that lies in the run.
        self._failures: Counter[uuid.UUID] = Counter()

    def submit(self, step: Step) -> None:
        """Queue a step; several of one run become one."""
        with self._bell:
            waiting = self._steps.get(step.run_id)
            if waiting is None:
                self._steps[step.run_id] = step
            else:
                waiting.merge(step)
            self._bell.notify()

    def call(self, function: Callable[[], None]) -> None:
        """Have `function` called between two groups, with the thread's own database connection."""
        with self._bell:
            self._calls.append(function)
            self._bell.notify()

    def stop(self) -> None:
        """Write what is queued, then end."""
        with self._bell:
            self._stopping = True
            self._bell.notify()

    def run(self) -> None:
        """The thread's life."""
        try:
            while True:
                with self._bell:
                    while not (self._steps or self._calls or self._stopping):
                        self._bell.wait()
                    steps = [self._steps.pop(run_id) for run_id in list(self._steps)[:GROUP]]
                    calls, self._calls = self._calls, []
                if not (steps or calls):
                    return
                for function in calls:
                    self._guarded(function)
                if steps:
                    self._write(steps)
        finally:
            connection.close()

    def _guarded(self, function: Callable[[], None]) -> None:
        try:
            function()
        except Error:
            logger.exception("a query between two groups failed")
            connection.close()
        except Exception:
            logger.exception("a call between two groups failed")

    def _write(self, steps: list[Step], *, linger: float = LINGER) -> None:
        """Commit these steps together; what cannot be written together is written run by run.

        Then without lingering: a claim must stand, and so count as a try, though its answer cannot be written.
        """
        pause = 0.05
        while True:
            try:
                return self._commit(steps, linger)
            except (OperationalError, InterfaceError) as error:
                # The server is away or busy. Leases bound how long it pays to insist; the sweep heals the rest.
                connection.close()
                if pause > self._claiming.lease.total_seconds() or self._stopping:
                    logger.error("gave up writing", extra={"runs": len(steps), "error": str(error)})
                    return None
                logger.warning("database away, trying again", extra={"error": str(error)})
                time.sleep(pause)
                pause *= 2
            except Exception:
                if not linger:
                    logger.exception("run not written", extra={"run": str(steps[0].run_id)})
                    return self._count_failure(steps[0].run_id)
                for step in steps:
                    self._write([step], linger=0.0)
                return None

    def _count_failure(self, run_id: uuid.UUID) -> None:
        """A run that cannot be written again and again is failed, rather than rung for without end."""
        self._failures[run_id] += 1
        if self._failures[run_id] >= GIVE_UP:
            del self._failures[run_id]
            self._guarded(partial(recovery.give_up, run_id))

    def _commit(self, steps: list[Step], linger: float) -> None:
        """One transaction. When it fails, what it had claimed is abandoned and `steps` holds all that came."""
        launched: list[Work] = []
        committed: list[bool] = []
        batch = Batch(self._claiming)
        try:
            with transaction.atomic():
                transaction.on_commit(lambda: committed.append(True))
                batch.open(steps)
                until = time.monotonic() + linger
                todo = steps[:]
                while todo:
                    works = batch.apply(todo)
                    todo = []
                    if works:
                        launched += works
                        answered = self._agents.launch(works)
                        if time.monotonic() < until:
                            answered.wait(SETTLE)
                            todo = self._more(batch.opened)
                            steps += todo
                batch.store()
        except BaseException as error:
            lost = isinstance(error, (OperationalError, InterfaceError)) and batch.stored
            if not (committed or (lost and self._landed(batch))):
                self._agents.abandon(launched)
                _drop(steps, {work.token for work in launched})
                raise
            # The log stands; whoever was not told of it reads it (viewers) or is rung for by the sweep (workers).
            logger.error("committed, but not announced", exc_info=error)
        self._agents.settled(batch)

    def _landed(self, batch: Batch) -> bool:
        """Whether a COMMIT whose answer was lost took place, so that its events are not logged twice."""
        pause = 0.05
        while pause < self._claiming.lease.total_seconds():
            connection.close()
            try:
                return batch.ledger.landed()
            except (OperationalError, InterfaceError):
                time.sleep(pause)
                pause *= 2
        return False

    def _more(self, runs: set[uuid.UUID]) -> list[Step]:
        """Queued steps of runs that the open transaction holds."""
        with self._bell:
            return [self._steps.pop(run_id) for run_id in runs & self._steps.keys()]


def _drop(steps: list[Step], tokens: set[uuid.UUID]) -> None:
    """Forget reports under leases that never came to be, and make one step per run of the rest."""
    merged: dict[uuid.UUID, Step] = {}
    for step in steps:
        step.reports = [report for report in step.reports if report.token not in tokens]
        if step.run_id in merged:
            merged[step.run_id].merge(step)
        else:
            merged[step.run_id] = step
    steps[:] = merged.values()
