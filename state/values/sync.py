"""Connections of agents, sync tasks, how syncing is configured and what is counted (shared-state 1.10, 1.12)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from state.values.configs import Count, Duration
from state.values.enums import ConflictResolution, ConsistencyLevel, SyncStatus
from state.values.states import Json, StateUpdate


class ConnectionType(StrEnum):
    """Which way data flow."""

    PUSH = "push"  # to the agent only: by socket, or by webhook to its address
    PULL = "pull"  # the agent asks; nothing comes unasked
    BIDIRECTIONAL = "bidirectional"


class ConnectionStatus(StrEnum):
    """Where a connection stands."""

    CONNECTING = "connecting"  # hello was sent
    CONNECTED = "connected"
    RECONNECTING = (
        "reconnecting"  # two heartbeats missed or the socket gone; session and cursor are kept
    )
    DISCONNECTED = "disconnected"
    ERROR = "error"  # a fault of protocol or authentication: it is not resumed by itself


class SyncTaskType(StrEnum):
    """Whom a sync task serves, and with what."""

    BROADCAST = "broadcast"  # all subscribers of the state when it starts
    UNICAST = "unicast"  # exactly one agent
    MULTICAST = "multicast"  # those that are named
    FULL_SYNC = "full_sync"  # the state as it stands, to each
    DELTA_SYNC = "delta_sync"  # what each has not acknowledged


class TaskStatus(StrEnum):
    """Where a sync task, or one target of it, stands; the last three are terminal."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TargetStatus(StrEnum):
    """Where one target of a sync task stands; all but the first two are terminal."""

    PENDING = "pending"
    SENT = "sent"  # delivered, not yet acknowledged
    COMPLETED = "completed"  # acknowledged
    DEFERRED = "deferred"  # offline: served when it resumes
    FAILED = "failed"
    CANCELLED = "cancelled"


#: Statuses that a connection comes back from by itself, and in which its cursor is kept.
LIVE: Final = frozenset(
    {ConnectionStatus.CONNECTING, ConnectionStatus.CONNECTED, ConnectionStatus.RECONNECTING}
)
#: Statuses that a sync task does not leave.
ENDED: Final = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED})
#: Statuses that a target of a sync task does not leave.
SERVED: Final = frozenset(TargetStatus) - {TargetStatus.PENDING, TargetStatus.SENT}


class StateLag(msgspec.Struct, frozen=True, kw_only=True):
    """How a subscriber stands to one state."""

    state_id: str
    status: SyncStatus
    version: int
    #: Of the space, in which the state changed last.
    revision: int
    #: Versions that the subscriber has not acknowledged.
    behind: int = 0


class AgentConnection(msgspec.Struct, frozen=True, kw_only=True):
    """One connection of an agent to a space, as it stands (the seed's shape). It outlives sockets."""

    #: The session's.
    id: str
    space: str
    #: The principal: "agent:w1", "human:ada".
    agent: str
    name: str = ""
    #: A webhook's; "" for sockets and polling.
    address: str = ""
    #: Ids, or prefixes like "notes/*".
    subscribed_states: tuple[str, ...] = ()
    connection_type: ConnectionType = ConnectionType.BIDIRECTIONAL
    status: ConnectionStatus = ConnectionStatus.CONNECTING
    last_heartbeat: datetime
    metadata: dict[str, Json] = {}
    #: By state; filled in when a connection is looked at.
    sync_status: dict[str, SyncStatus] = {}
    states: tuple[StateLag, ...] = ()
    #: What was not acknowledged, from the log: the first ones, filled in when one connection is looked at.
    pending_updates: tuple[StateUpdate, ...] = ()
    conflict_count: int = 0
    #: Revision up to which everything was acknowledged (the least of its subscriptions), and where the space stands.
    acked: int = 0
    head: int = 0
    #: It does not keep up: only its place is kept until it acknowledges.
    parked: bool = False
    #: Since when it is connected, and until when a session without a socket is kept.
    connected_at: datetime
    expires_at: datetime | None = None
    error: str = ""


class SyncTarget(msgspec.Struct, frozen=True, kw_only=True):
    """One agent that a sync task serves."""

    agent: str
    status: TargetStatus = TargetStatus.PENDING
    #: Revision that it has to acknowledge.
    revision: int = 0
    retry_count: int = 0
    error: str = ""
    acked_at: datetime | None = None


class SyncTask(msgspec.Struct, frozen=True, kw_only=True):
    """A tracked push of a state to agents (the seed's shape)."""

    id: str
    space: str
    type: SyncTaskType
    #: 0 to 9, higher first; +1 for every 30 s that it waits.
    priority: int = 1
    state_id: str
    #: Principals.
    target_agents: tuple[str, ...] = ()
    #: What the task delivers, from the log: filled in when one task is looked at.
    updates: tuple[StateUpdate, ...] = ()
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    status: TaskStatus = TaskStatus.PENDING
    retry_count: int = 0
    max_retries: int = 3
    error: str = ""
    metadata: dict[str, Json] = {}
    created_by: str = ""
    targets: tuple[SyncTarget, ...] = ()


class SyncConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How syncing is done (the seed's shape). There is no key in it: sockets are encrypted by TLS, what is kept by
    the keyring (`persistence.keyring`)."""

    #: Tick of the sweep that looks for changes whose poke was lost, and of the queue of tasks.
    sync_interval: Annotated[timedelta, Meta()] = timedelta(seconds=1)
    #: Of a webhook or a task's target, exponential with full jitter from `retry_delay`, at most 30 s.
    max_retries: Annotated[int, Meta(ge=0, le=20)] = 3
    retry_delay: Duration = timedelta(seconds=0.5)
    #: For each acknowledgement.
    timeout: Duration = timedelta(seconds=30)
    #: Entries per delta at most; whole revisions, so that one revision may exceed it.
    batch_size: Annotated[int, Meta(ge=1, le=1000)] = 64
    #: How long changes wait for company before they are sent.
    flush_interval: Duration = timedelta()
    #: Of states that are created over a sync socket and do not say; None: as StateManagerConfig and their type say.
    consistency_level: ConsistencyLevel | None = None
    conflict_strategy: ConflictResolution | None = None
    #: Whether frames of more than 1 KiB may be compressed for clients that ask for it.
    compression: bool = True
    compression_type: Annotated[str, Meta(pattern="^(deflate)$")] = "deflate"
    #: Whether sockets without TLS are refused (behind a proxy, with STARS_HTTPS: by X-Forwarded-Proto).
    encryption: bool = False
    #: Tasks carried out at once.
    max_concurrent_syncs: Count = 4
    #: Entries that may be unacknowledged per connection before it is parked.
    queue_buffer_size: Annotated[int, Meta(ge=1, le=10_000)] = 256


class SyncMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Counters since the process began, and gauges (the seed's shape; shared-state 1.10)."""

    #: Terminal tasks: successful + failed.
    total_syncs: int = 0
    successful_syncs: int = 0
    failed_syncs: int = 0
    conflicts: int = 0
    pending_tasks: int = 0
    active_connections: int = 0
    #: Seconds from sending to acknowledgement, mean over five minutes.
    average_latency: float = 0.0
    last_sync_time: datetime | None = None
    #: Entries acknowledged per second, over a minute.
    throughput_per_sec: float = 0.0
    #: Seconds, of the same acknowledgements.
    latency_p50: float = 0.0
    latency_p95: float = 0.0
    latency_p99: float = 0.0
    parked: int = 0
    #: Entries that the subscriber furthest behind has not acknowledged.
    max_lag: int = 0
    #: "compacted", "epoch" …: how many.
    resets: dict[str, int] = {}
    #: Hashes that did not fit, as clients reported them; must be 0.
    integrity_errors: int = 0
    #: Entries and bytes given to sockets and webhooks, and entries that were acknowledged.
    entries_sent: int = 0
    bytes_sent: int = 0
    entries_acked: int = 0
