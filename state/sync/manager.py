"""StateSyncManager: the one door to connections of agents and to sync tasks (shared-state 1.12, 1.13)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from django.db.models import Min, Q, QuerySet

from state.bus import EventBus
from state.bus.events_of import event_of, updates_of
from state.errors import Unavailable
from state.manager import StateManager
from state.models import Connection
from state.models import SyncTask as TaskRow
from state.models.sync import WORK_STATUSES
from state.policy import Caller, canonical
from state.refusals import NotPermitted
from state.sync import connecting, sessions
from state.sync.connecting import Connected
from state.sync.lags import Lags, plain
from state.sync.metrics import counts
from state.sync.protocol.limits import SUPERSEDED
from state.sync.refusals import ConnectionNotFound, NotYourConnection, SyncTaskNotFound
from state.sync.sessions import Sessions, now_utc
from state.sync.tasks import Queue, Runner, Webhooks, deferred, making
from state.sync.tasks.recipients import Callers, acked
from state.sync.tasks.webhooks import Send
from state.sync.webhooks import sending
from state.values import (
    AgentConnection,
    ConnectionStatus,
    ConnectionType,
    Json,
    StateUpdate,
    SyncConfig,
    SyncMetrics,
    SyncTask,
    SyncTaskType,
    TaskStatus,
)

logger = logging.getLogger(__name__)

#: Of a connection that is looked at: entries that it has not acknowledged, the first ones.
UNSEEN: Final = 100
#: Connections and tasks on one page.
PAGE: Final = 1000
#: Seconds that one call of `work` goes on.
TURN: Final = 20.0


class StateSyncManager:
    """Connections and sync tasks of all spaces. Thread-safe; blocks; one per process.

    Callers see what is their own; the leader, and owners of the space, see all. What a caller may not see does not
    exist for it. Django's DatabaseError is raised when the site's database is away.
    """

    def __init__(
        self,
        state_manager: StateManager,
        event_bus: EventBus,
        config: SyncConfig,
        *,
        callers: Callers,
        allowed: Sequence[str] = (),
        clock: Callable[[], datetime] = now_utc,
        send: Send = sending.send,
        threads: int = 0,
    ) -> None:
        """`callers` tells who acts through a connection now; `allowed`: hosts and networks of webhooks that may be
        private; `threads`: as Webhooks."""
        self.states, self.bus, self.config = state_manager, event_bus, config
        publish = event_bus.publish_async
        self.sessions = Sessions(publish, clock=clock, parting=self._parting)
        self.queue = Queue(
            publish, state_manager.record, clock, at_once=config.max_concurrent_syncs
        )
        self.webhooks = Webhooks(
            state_manager,
            self.sessions,
            config,
            callers,
            publish,
            clock,
            allowed=allowed,
            send=send,
            threads=threads,
        )
        self._runner = Runner(
            self.queue, state_manager.store, config, callers, self.webhooks, clock
        )
        self._allowed, self._clock = allowed, clock

    # -- connections -------------------------------------------------------------------------------------------------

    def connect_agent(
        self,
        caller: Caller,
        agent_id: str = "",
        name: str = "",
        address: str = "",
        type: ConnectionType = ConnectionType.PUSH,
        states: Sequence[str] = ("*",),
        *,
        user_id: Any = None,
        metadata: Mapping[str, Json] | None = None,
    ) -> Connected:
        """A webhook at `address` (http or https; type push), or without one a connection of type pull, for the caller
        itself (`agent_id` is its own or ""). `user_id`: the user that stands behind it, and with whom it ends.

        States that are not there for it are named in the answer and subscribed all the same. Raises NotYourAgent,
        ConnectionInvalid, BadPattern, AddressInvalid, AddressPrivate, TooManyConnections.
        """
        return connecting.connect(
            self.states,
            caller,
            agent_id,
            name=name,
            address=address,
            type=type,
            states=states,
            user_id=user_id,
            metadata=metadata or {},
            allowed=self._allowed,
            now=self._clock(),
        )

    def disconnect_agent(self, caller: Caller, session_or_agent: str) -> int:
        """End a connection by its id, or all of an agent; how many it ended. Sockets are told to close, subscriptions
        are freed; what has ended already stays so. Raises ConnectionNotFound, NotYourConnection."""
        rows = Connection.objects.filter(space=caller.space)
        if session_or_agent.startswith("s_"):
            rows = self._seen(caller, rows).filter(pk=session_or_agent)
            if not rows.exists():
                raise ConnectionNotFound
        else:
            rows = rows.filter(agent=canonical(session_or_agent))
            if canonical(session_or_agent) != canonical(caller.name) and not _may_end(caller):
                raise NotYourConnection
        if not _may_end(caller):
            rows = rows.filter(agent=caller.name)
        total = 0
        while ended := self.sessions.end(rows, code=SUPERSEDED, reason="disconnected"):
            total += len(ended)
        return total

    def get_agent_connection(self, caller: Caller, connection_id: str) -> AgentConnection:
        """One connection with its states and what it has not acknowledged. Raises ConnectionNotFound."""
        row = self._seen(caller, Connection.objects.filter(pk=connection_id)).first()
        if row is None:
            raise ConnectionNotFound
        lags = self._lags(caller, [row])
        readable = {each.id for each in lags.readable(row)}
        unseen = [
            entry
            for entry in lags.entries
            if entry.state_id in readable
            and (place := acked(row, entry.state_id)) is not None
            and place < entry.revision
        ]
        updates = (update for each in unseen[:UNSEEN] for update in updates_of(event_of(each)))
        return msgspec.structs.replace(lags.of(row), pending_updates=tuple(updates))

    def list_agent_connections(
        self, caller: Caller, *, agent: str = "", with_states: bool = True, limit: int = PAGE
    ) -> list[AgentConnection]:
        """Connections that the caller may see, those included that ended within the day, by agent and name; with how
        they stand to each state. A constant number of reads."""
        rows = self._seen(caller, Connection.objects.all())
        if agent:
            rows = rows.filter(agent=canonical(agent))
        rows = rows.defer("secret").order_by("agent", "name", "-connected_at", "pk")
        found = list(rows[: max(1, min(limit, PAGE))])
        if not with_states or not found:
            return [plain(each) for each in found]
        lags = self._lags(caller, found)
        return [lags.of(each) for each in found]

    def _lags(self, caller: Caller, rows: Sequence[Connection]) -> Lags:
        self.states.store.open_space(caller.space)
        return Lags(self.states.store, caller, rows)

    def _seen(self, caller: Caller, rows: QuerySet[Connection]) -> QuerySet[Connection]:
        rows = rows.filter(space=caller.space)
        return rows if making.may_lead(caller) else rows.filter(agent=caller.name)

    # -- sync tasks --------------------------------------------------------------------------------------------------

    def create_sync_task(
        self,
        caller: Caller,
        type: SyncTaskType,
        state_id: str,
        target_agents: Sequence[str] = (),
        updates: Sequence[StateUpdate] = (),
        *,
        priority: int = 1,
        max_retries: int | None = None,
        metadata: Mapping[str, Json] | None = None,
    ) -> SyncTask:
        """Have a state pushed to agents, and keep track of it: to all who subscribe (broadcast), to one (unicast), to
        those named (multicast), what each has not acknowledged (delta_sync) or the whole state (full_sync), the last
        two to those named or else to all. They must come to the state as it is when the task starts; with `updates`,
        changes from its log, to the last of those.

        For who may write the state, the leader and owners of the space. Raises StateNotFound, NotPermitted,
        SyncTaskInvalid.
        """
        state = self.states.get_state(caller, state_id)
        making.require_right(caller, state)
        retries = self.config.max_retries if max_retries is None else max_retries
        row, agents = making.checked(
            caller,
            type,
            state,
            target_agents,
            updates,
            priority=priority,
            max_retries=retries,
            metadata=metadata or {},
        )
        self.queue.add(row, agents)
        return making.value(row)

    def list_sync_tasks(
        self,
        caller: Caller,
        *,
        status: TaskStatus | None = None,
        state_id: str = "",
        limit: int = 100,
    ) -> list[SyncTask]:
        """Newest first: all for the leader and owners, else those the caller made or is a target of. Two queries."""
        rows = self._own(caller)
        if status is not None:
            rows = rows.filter(status=status)
        if state_id:
            rows = rows.filter(key=state_id)
        rows = rows.prefetch_related("targets")[: max(1, min(limit, PAGE))]
        return [making.value(each) for each in rows]

    def get_sync_task(self, caller: Caller, task_id: str) -> SyncTask:
        """One task, with what it delivers. Raises SyncTaskNotFound."""
        row = self._task(caller, task_id)
        return making.value(row, making.updates(self.states, caller, row))

    def cancel_sync_task(self, caller: Caller, task_id: str) -> SyncTask:
        """End a task between two targets; nothing happens to one that has ended. For who made it, the leader and
        owners. Raises SyncTaskNotFound, NotPermitted."""
        row = self._task(caller, task_id)
        if row.created_by != caller.name:
            _require_leading(caller)
        self.queue.cancel(row.pk)
        return self.get_sync_task(caller, task_id)

    def _own(self, caller: Caller) -> QuerySet[TaskRow]:
        rows = TaskRow.objects.filter(space=caller.space)
        if making.may_lead(caller):
            return rows
        return rows.filter(Q(created_by=caller.name) | Q(targets__agent=caller.name)).distinct()

    def _task(self, caller: Caller, task_id: str) -> TaskRow:
        known = making.id_of(task_id)
        row = None if known is None else self._own(caller).filter(pk=known).first()
        if row is None:
            raise SyncTaskNotFound
        return row

    # -- numbers -----------------------------------------------------------------------------------------------------

    def get_metrics(self) -> SyncMetrics:
        """Counters of this process, gauges of all. Three reads."""
        pending = TaskRow.objects.filter(status__in=WORK_STATUSES).count()
        # Who is away has its place, but nobody waits for it.
        least = sessions.live(self._clock()).filter(
            acked__isnull=False, status=ConnectionStatus.CONNECTED
        )
        places = least.order_by().values_list("space").annotate(least=Min("acked"))
        heads = {info.id: info.revision for info in self.states.store.spaces()}
        lags = (heads.get(space, place) - place for space, place in places)
        return counts.read(pending_tasks=pending, max_lag=max([0, *lags]))

    # -- work --------------------------------------------------------------------------------------------------------

    def work(self, seconds: float = TURN) -> None:
        """Carry out what is due: steps of sync tasks, for about so many seconds, and webhooks. Any number of processes
        may be at it."""
        until = time.monotonic() + seconds
        self.queue.tell_failures()
        while time.monotonic() < until and (task := self.queue.claim()) is not None:
            self._runner.step(task)
        try:
            deferred.settle(self.states.store, self._clock())
        except Unavailable as error:
            logger.warning("who is back is looked for later: %s", error)
        self.webhooks.work()

    def _parting(self, session: str) -> None:
        deferred.settle(self.states.store, self._clock(), session=session)

    def close(self) -> None:
        """Begin nothing more; idempotent."""
        self.webhooks.close()

    def sweep(self) -> dict[str, int]:
        """The rarer chores: silent and expired sessions, old rows; how many of each."""
        return {**self.sessions.sweep(), "tasks": self.queue.forget()}


def _may_end(caller: Caller) -> bool:
    """Whether the caller may end what others have made."""
    return making.may_lead(caller) and not caller.read_only


def _require_leading(caller: Caller) -> None:
    """Raises NotPermitted unless the caller may end what others have made."""
    if not _may_end(caller):
        raise NotPermitted(extra={"required": "admin"})
