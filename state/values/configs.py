"""How states are kept and managed, and what is counted; checked when made, so that a wrong setting stops the start."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from state.values.enums import ConflictResolution, ConsistencyLevel, PersistenceType

#: 0 or longer.
Duration = Annotated[timedelta, Meta()]
Count = Annotated[int, Meta(ge=1)]


class PersistenceConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where and how states are kept (the seed's shape).

    Keys of encryption are not in here but in the keyring of the environment (`persistence.keyring`), so that no
    copy of the configuration can tell them.
    """

    type: PersistenceType = PersistenceType.DATABASE
    #: file: a directory; redis: a URL; database: a Django alias ("" = default); memory: unused.
    connection_string: str = ""
    #: Of each call.
    timeout: Duration = timedelta(seconds=20)
    #: Calls that may be under way at once.
    max_connections: Count = 64
    #: Rows per flush and per page of internal reads.
    batch_size: Annotated[int, Meta(ge=1, le=10_000)] = 500
    compression: bool = True
    encryption: bool = False
    #: State type or "*": how long history and tombstones stay (never current data); 0: only the head.
    retention: dict[str, Duration] = {}
    #: Entries of a space that stay whatever their age.
    min_entries: Annotated[int, Meta(ge=0)] = 1000


class StateManagerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How states are managed (the seed's shape; the meanings are those of shared-state 1.10)."""

    #: Tick of journal and sweep; not a delay of durability.
    sync_interval: Duration = timedelta(seconds=5)
    #: Of transient failures, exponential with full jitter from `retry_delay`, at most 30 s.
    max_retries: Annotated[int, Meta(ge=0, le=20)] = 3
    retry_delay: Duration = timedelta(seconds=0.5)
    #: False: memory only.
    enable_persistence: bool = True
    persistence_type: PersistenceType = PersistenceType.DATABASE
    #: How long a commit waits for company; at most 5 ms.
    flush_interval: Duration = timedelta()
    #: Defaults of a space.
    consistency_level: ConsistencyLevel = ConsistencyLevel.WEAK
    conflict_resolution: ConflictResolution = ConflictResolution.MERGE
    enable_metrics: bool = True
    #: Also reads and denials leave an event.
    enable_audit: bool = False


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request and a space may hold; each has its own refusal."""

    ops_per_request: Count = 100
    states_per_transaction: Count = 32
    states_per_space: Count = 10_000
    document_bytes: Count = 1024 * 1024
    document_depth: Count = 64
    request_bytes: Count = 1024 * 1024
    entries_per_page: Count = 1000
    #: Per agent and process, with a burst.
    writes_per_second: Count = 200
    writes_burst: Count = 400


class StateMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Counters since the process began, and gauges of the store (the seed's shape; shared-state 1.10)."""

    total_states: int = 0
    active_states: int = 0
    pending_operations: int = 0
    sync_errors: int = 0
    conflicts: int = 0
    #: Successful ones only.
    read_ops: int = 0
    write_ops: int = 0
    delete_ops: int = 0
    #: Seconds from a commit until all live subscribers have acknowledged it, and from a journalled operation's
    #: acceptance to its end: mean over five minutes, and of the same.
    average_sync_time: float = 0.0
    sync_time_p50: float = 0.0
    sync_time_p95: float = 0.0
    sync_time_p99: float = 0.0
    last_sync_time: datetime | None = None
    #: Of the store: those that wait for somebody.
    open_conflicts: int = 0
    #: Seconds that writes waited for their commit to begin, and how many share one: over five minutes.
    average_lane_wait: float = 0.0
    lane_wait_p99: float = 0.0
    average_batch_size: float = 0.0
    #: "type/resolution" to how many.
    conflicts_by: dict[str, int] = {}
