"""What all parts of the StateManager share: the store, the lanes, what is told after a commit."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from state import conflicts, jsonvalue
from state.bus import EventBus, event_of, event_of_audit
from state.errors import Invalid, StarsError
from state.manager import settings
from state.manager.answers import (
    WriteResult,
)
from state.manager.jobs import Job, request_digest
from state.manager.journal import Journal
from state.manager.keeping import Keeper
from state.manager.lane import Lane
from state.manager.metrics import Counts
from state.manager.writer import Writer
from state.manager.writes import StateJob
from state.persistence.base import PersistenceLayer
from state.policy import Caller, Right, require
from state.refusals import (
    SpaceNotFound,
    StateNotFound,
)
from state.values import (
    Committed,
    EntryKind,
    EventType,
    Json,
    Limits,
    Operation,
    OperationType,
    OpRecord,
    SharedState,
    StateEvent,
    StateManagerConfig,
)

logger = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Core(ABC):
    """Reads and writes the states of all spaces of one store. Thread-safe; one per process and store.

    All methods may raise StateNotFound for what the caller may not see, NotPermitted for what it may see and not do,
    and Unavailable when the store is away. It must not be called inside a database transaction of the caller's.
    """

    def __init__(
        self,
        config: StateManagerConfig,
        bus: EventBus,
        store: PersistenceLayer,
        *,
        limits: Limits | None = None,
        detector: conflicts.ConflictDetector | None = None,
        clock: Callable[[], datetime] = _now,
        poke: Callable[[str, int, tuple[str, ...]], None] | None = None,
        held: Callable[[str], int | None] | None = None,
        announced: Mapping[str, Any] | None = None,
    ) -> None:
        """`poke(space, revision, state ids)` is called after every commit, and with revision 0 when the space was
        dropped: what it says is a hint, and may be lost.

        `held(space)` is the revision after which somebody still needs the log, None where nobody does; `announced` is
        configuration of others that `announce_config` tells of, by name, without secrets.
        """
        self.config, self.bus, self.store = config, bus, store
        self.limits = limits or Limits()
        self.detector = detector or conflicts.ConflictDetector(bus)
        self._clock, self._poke = clock, poke
        self._held, self._announced = held, dict(announced or {})
        self.counts = Counts(enabled=config.enable_metrics)
        self._writer = Writer(store, clock=clock, committed=self._committed, refused=self._refused)
        self._lanes: dict[str, Lane] = {}
        self._spaces: set[str] = set()
        #: What the batch under way on a space's lane has committed: its last revision, and which states.
        self._news: dict[str, tuple[int, set[str]]] = {}
        self._lanes_lock = threading.Lock()
        self.journal = Journal(store, config, self.counts, self._carry_out, self._queued_job)
        self.keeper = Keeper(store, self.limits, self._carry_out, clock)
        self._publish(StateEvent(type=EventType.SYSTEM_STARTED, timestamp=clock()))

    def _opened(self, space: str) -> PersistenceLayer:
        """The store, with that space in it: spaces begin when they are first looked at."""
        if space not in self._spaces:
            self.store.open_space(space)
            self._spaces.add(space)
        return self.store

    def _lane(self, space: str) -> Lane:
        with self._lanes_lock:
            lane = self._lanes.get(space)
            if lane is None:
                linger = min(self.config.flush_interval.total_seconds(), 0.005)
                lane = self._lanes[space] = Lane(
                    self._commit, linger=linger, waited=self.counts.batch
                )
            return lane

    def _commit(self, jobs: Sequence[Job]) -> None:
        """One batch on its lane; whoever watches the space is told of it once."""
        try:
            self._writer.commit(jobs)
        finally:
            news = self._news.pop(jobs[0].caller.space, None)
            if news is not None and self._poke is not None:
                self._poke(jobs[0].caller.space, news[0], tuple(sorted(news[1])))

    def _carry_out(self, jobs: Sequence[Job]) -> None:
        space = jobs[0].caller.space
        if not all(settings.may_be_id(state_id) for job in jobs for state_id in job.ids):
            raise StateNotFound
        self._opened(space)
        self._lane(space).submit(*jobs)
        again = [job for job in jobs if job.stranded and isinstance(job.error, SpaceNotFound)]
        if again:  # it was removed since, and begins anew
            self._spaces.discard(space)
            self._opened(space)
            for job in again:
                job.again()
            self._lane(space).submit(*again)

    def _result(self, job: StateJob) -> WriteResult:
        self._carry_out([job])
        job.result_or_raise()
        return job.result

    def _digest(self, op_id: str, action: str, state_id: str, **parts: Any) -> str:
        if not op_id:
            return ""
        if len(op_id) > 100 or not op_id.isprintable():
            raise Invalid(fields={"op_id": ["An op_id has 1 to 100 printable characters."]})
        return request_digest(action=action, state_id=state_id, **parts)

    def _readable(self, caller: Caller, state_id: str, *, tombstone: bool = False) -> SharedState:
        if not settings.may_be_id(state_id):
            raise StateNotFound
        state = self._opened(caller.space).load_states(caller.space, [state_id]).get(state_id)
        if state is None or (state.deleted and not tombstone):
            raise StateNotFound
        try:
            require(state, caller, Right.READ)
        except StateNotFound as denial:
            self._denied(caller, state_id, denial)
            raise
        return state

    def _committed(self, job: Job, result: Committed) -> None:
        """Called in the order of commits, under the space's lane."""
        for entry in result.entries:
            self.counts.add("delete_ops" if entry.kind is EntryKind.DELETE else "write_ops")
            self._publish(event_of(entry))
        for record in result.audit:
            event = event_of_audit(job.caller.space, record)
            if event.type is EventType.CONFLICT_DETECTED:
                kind = str(event.metadata.get("conflict_type", ""))
                self.counts.conflict(kind, str(event.metadata.get("resolution", "")))
            self._publish(event)
        if result.entries or result.audit:
            revision, states = self._news.get(job.caller.space, (0, set()))
            states |= {entry.state_id for entry in result.entries}
            self._news[job.caller.space] = (max(revision, result.revision), states)

    def _refused(self, job: Job, error: StarsError) -> None:
        if error.status in (403, 404):
            self._denied(job.caller, job.ids[0] if job.ids else "", error)

    def _denied(self, caller: Caller, state_id: str, error: StarsError) -> None:
        if self.config.enable_audit:
            event = StateEvent(
                type=EventType.STATE_READ,
                timestamp=self._clock(),
                space=caller.space,
                state_id=state_id,
                agent_id=caller.name,
                metadata={"denied": error.reason},
            )
            self._publish(event)

    def _publish(self, event: StateEvent) -> None:
        """A bus that is full or closed must not fail a write that stands."""
        try:
            self.bus.publish_async(event)
        except StarsError as error:
            logger.warning("an event was not delivered: %s", error, extra={"type": event.type})

    def _operations(
        self, updates: Mapping[str, Json] | Sequence[Operation]
    ) -> tuple[Operation, ...]:
        if isinstance(updates, Mapping):
            ops = tuple(
                Operation(OperationType.SET, jsonvalue.seed_key(key), value)
                for key, value in updates.items()
            )
        else:
            ops = tuple(updates)
        jsonvalue.check_ops(ops, self.limits)
        whole = [op for op in ops if op.op is OperationType.DELETE and op.path == ""]
        if whole and len(ops) > 1:
            raise Invalid(fields={"ops": ["Deleting the state stands alone."]})
        return ops

    @abstractmethod
    def _queued_job(self, record: OpRecord) -> Job:
        """The job of a journalled request."""
