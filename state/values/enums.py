"""The enums of shared states, with the seed's names and values."""

from __future__ import annotations

from enum import StrEnum


class StateType(StrEnum):
    """What a state is for; decides its lifetime and its defaults (`values.defaults`)."""

    GLOBAL = "global"
    SESSION = "session"
    WORKFLOW = "workflow"
    TASK = "task"
    AGENT = "agent"
    RESOURCE = "resource"


class SyncStatus(StrEnum):
    """How a state stands to what was asked of it; computed, never stored."""

    SYNCED = "synced"  # nothing is queued
    PENDING = "pending"  # operations wait in the journal
    SYNCING = "syncing"  # they are being applied
    CONFLICT = "conflict"  # a parked conflict waits for somebody
    ERROR = "error"  # the last drain of the journal failed


class ConsistencyLevel(StrEnum):
    """What a client can observe (shared-state 1.4)."""

    STRONG = "strong"  # a write must name its base
    WEAK = "weak"  # the base is optional
    EVENTUAL = "eventual"  # answered once journalled, applied soon after


class ConflictResolution(StrEnum):
    """What happens to a conflicting write (shared-state 1.6)."""

    LAST_WRITE = "last_write"
    MERGE = "merge"
    REJECT = "reject"
    CUSTOM = "custom"


class MergeFallback(StrEnum):
    """What happens to paths that a merge cannot settle."""

    REJECT = "reject"
    OURS = "ours"  # the writer's value
    THEIRS = "theirs"  # the current value
    PARK = "park"  # a person or agent decides


class ReadPolicy(StrEnum):
    """Whether a merge heeds what the writer says it had read."""

    CHECK = "check"
    IGNORE = "ignore"


class ConflictType(StrEnum):
    """In the order in which the first one found names the conflict."""

    VERSION = "version"
    SCHEMA = "schema"
    WRITE_WRITE = "write_write"
    READ_WRITE = "read_write"
    CUSTOM = "custom"


class ConflictStatus(StrEnum):
    """Where a parked conflict stands."""

    OPEN = "open"
    RESOLVED = "resolved"
    REJECTED = "rejected"  # nobody settled it in time, or somebody dismissed it


class OperationType(StrEnum):
    """What one operation does at its path (shared-state 1.3)."""

    SET = "set"
    DELETE = "delete"
    MERGE = "merge"
    CAS = "cas"


class OperationStatus(StrEnum):
    """Where an operation of the journal stands; all but the first two are terminal."""

    QUEUED = "queued"
    APPLYING = "applying"
    APPLIED = "applied"
    MERGED = "merged"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    EXPIRED = "expired"


class EntryKind(StrEnum):
    """What an entry of the log did to its state."""

    CREATE = "create"  # also the new life of a deleted one
    UPDATE = "update"
    DELETE = "delete"  # leaves a tombstone
    CONFIG = "config"  # policy, metadata, freeze …: a version without changed data
    RESTORE = "restore"  # an older version as a new one


class EventType(StrEnum):
    """What the event bus carries (shared-state 1.9)."""

    STATE_CREATED = "state_created"
    STATE_UPDATED = "state_updated"
    STATE_DELETED = "state_deleted"
    STATE_READ = "state_read"
    SYNC_STARTED = "sync_started"
    SYNC_COMPLETED = "sync_completed"
    SYNC_FAILED = "sync_failed"
    SYNC_CONFLICT = "sync_conflict"
    CONFLICT_DETECTED = "conflict_detected"
    CONFLICT_RESOLVED = "conflict_resolved"
    AGENT_CONNECTED = "agent_connected"
    AGENT_DISCONNECTED = "agent_disconnected"
    AGENT_HEARTBEAT = "agent_heartbeat"
    SYSTEM_STARTED = "system_started"
    SYSTEM_SHUTDOWN = "system_shutdown"
    CONFIG_CHANGED = "config_changed"


class PersistenceType(StrEnum):
    """Where states are kept."""

    MEMORY = "memory"
    FILE = "file"
    DATABASE = "database"
    REDIS = "redis"


#: Statuses that an operation does not leave.
TERMINAL = frozenset(OperationStatus) - {OperationStatus.QUEUED, OperationStatus.APPLYING}
#: Events that are written with the commit they tell of, and can be read again later.
DURABLE = frozenset(
    {
        EventType.STATE_CREATED,
        EventType.STATE_UPDATED,
        EventType.STATE_DELETED,
        EventType.CONFLICT_DETECTED,
        EventType.CONFLICT_RESOLVED,
        EventType.CONFIG_CHANGED,
        EventType.SYNC_FAILED,
    }
)
