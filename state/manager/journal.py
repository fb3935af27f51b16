"""Eventual writes: journalled and answered at once, applied in order soon after, each to one terminal outcome."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from state.bus.threads import fresh_connections, no_connections
from state.errors import Unavailable
from state.manager.drafting import DAY
from state.manager.jobs import Job
from state.manager.metrics import Counts
from state.persistence.base import PersistenceLayer
from state.policy import Caller
from state.refusals import OpIdReuse
from state.values import Json, OperationStatus, OpRecord, StateManagerConfig

logger = logging.getLogger(__name__)

#: The longest wait between two tries, in seconds.
MOST: Final = 30.0


class Journal:
    """Keeps queued operations and drains them on a thread of its own; the tick is the net below it."""

    def __init__(
        self,
        store: PersistenceLayer,
        config: StateManagerConfig,
        counts: Counts,
        submit: Callable[[Sequence[Job]], None],
        job_of: Callable[[OpRecord], Job],
    ) -> None:
        """`job_of` makes a job of a queued request, `submit` carries jobs out in their order."""
        self._store, self._config, self._counts = store, config, counts
        self._submit, self._job_of = submit, job_of
        self._wanted = threading.Condition()
        self._spaces: set[str] = set()
        self._thread: threading.Thread | None = None
        self._closed = False
        #: States whose queue is being drained, and errors of the last drain, both by (space, state).
        self.draining: set[tuple[str, str]] = set()
        self.errors: dict[tuple[str, str], str] = {}
        self._drain_lock = threading.Lock()

    def accept(
        self, caller: Caller, state_id: str, op_id: str, digest: str, request: dict[str, Json]
    ) -> OpRecord:
        """Keep the request durably and have it applied soon. Raises OpIdReuse; a known op_id gives its record."""
        record = OpRecord(
            space=caller.space,
            agent=caller.name,
            op_id=op_id,
            digest=digest,
            status=OperationStatus.QUEUED,
            state_id=state_id,
            request={**request, "caller": msgspec.to_builtins(caller)},
            at=datetime.now(UTC),
        )
        kept = self._store.enqueue(record)
        if kept.digest != digest:
            raise OpIdReuse
        if kept.status is OperationStatus.QUEUED:
            self.want(caller.space)
        return kept

    def want(self, space: str) -> None:
        """Drain this space's queue soon, on the journal's thread."""
        with self._wanted:
            if self._closed:
                return
            self._spaces.add(space)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="stars-journal", daemon=True
                )
                self._thread.start()
            self._wanted.notify()

    def drain(self, space: str) -> int:
        """Apply what is queued now; how many came to an end. Raises what the store raises, so Unavailable."""
        ended = 0
        with self._drain_lock:
            while records := self._store.queued(space, limit=100):
                jobs = [self._job_of(self._aged(record)) for record in records]
                busy = {(space, record.state_id) for record in records}
                self.draining |= busy
                try:
                    self._submit(jobs)
                finally:
                    self.draining -= busy
                now = datetime.now(UTC)
                for record, job in zip(records, jobs, strict=True):
                    if job.stranded and job.error is not None:
                        self._failed(record, str(job.error))
                        raise job.error
                    self.errors.pop((space, record.state_id), None)
                    self._counts.synced((now - record.at).total_seconds(), now)
                ended += len(records)
        return ended

    def close(self, seconds: float = 5.0) -> None:
        """Stop the thread; what is still queued is applied by whoever comes next."""
        with self._wanted:
            self._closed = True
            self._wanted.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _aged(self, record: OpRecord) -> OpRecord:
        """A request that has waited for a day is not carried out any more."""
        if datetime.now(UTC) - record.at <= DAY:
            return record
        return msgspec.structs.replace(record, error="expired")

    def _failed(self, record: OpRecord, text: str) -> None:
        self._counts.add("sync_errors")
        self.errors[(record.space, record.state_id)] = text
        try:
            self._store.note_retry(record, text)
        except Unavailable:
            logger.warning("a retry cannot be noted, the store is away", extra={"op": record.op_id})

    def _work(self) -> None:
        tries: dict[str, int] = {}
        while True:
            with self._wanted:
                while not self._spaces and not self._closed:
                    self._wanted.wait()
                if self._closed:
                    return
                space = self._spaces.pop()
            fresh_connections()
            try:
                self.drain(space)
                tries.pop(space, None)
            except Unavailable as error:
                tries[space] = tries.get(space, 0) + 1
                if tries[space] > self._config.max_retries:
                    logger.warning("the journal of %s waits for its next tick: %s", space, error)
                    tries.pop(space)
                    continue
                self._pause(tries[space])
                self.want(space)
            except Exception:
                logger.exception("the journal of %s cannot be drained", space)
            finally:
                no_connections()

    def _pause(self, tries: int) -> None:
        most = min(self._config.retry_delay.total_seconds() * 2 ** (tries - 1), MOST)
        with self._wanted:
            self._wanted.wait_for(lambda: self._closed, timeout=random.uniform(0, most))
