"""Everything of the seed's state half has its counterpart, under the seed's name in Python spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
import pytest

from state import bus, conflicts, manager, persistence, values
from state.bus import EventBus, EventHandler, InMemoryEventBus, StateEventHandler
from state.conflicts import ConflictDetector, ConflictRule, DefaultConflictRule
from state.manager import StateManager
from state.persistence.base import PersistenceLayer
from state.sync.manager import StateSyncManager

#: Type to its values, as the seed's constants have them.
CONSTANTS = {
    "ConflictResolution": "last_write merge reject custom",
    "ConflictType": "write_write read_write version schema custom",
    "ConsistencyLevel": "strong weak eventual",
    "EventType": "state_created state_updated state_deleted state_read sync_started sync_completed sync_failed"
    " sync_conflict conflict_detected conflict_resolved agent_connected agent_disconnected agent_heartbeat"
    " system_started system_shutdown config_changed",
    "OperationType": "set delete merge cas",
    "PersistenceType": "memory file database redis",
    "StateType": "global session workflow task agent resource",
    "ConnectionStatus": "connected disconnected connecting error reconnecting",
    "ConnectionType": "push pull bidirectional",
    "SyncTaskType": "broadcast unicast multicast full_sync delta_sync",
    "TaskStatus": "pending running completed failed cancelled",
    "SyncStatus": "synced pending conflict error syncing",
}
#: Type to its fields, by the seed's JSON names.
FIELDS = {
    "AccessPolicy": "read_allow write_allow delete_allow admin_allow public",
    "ConflictInfo": "conflict_id type description states operations resolution resolved_at resolved_by metadata",
    "PendingOperation": "id type key value old_value timestamp agent_id retry metadata",
    "PersistenceConfig": "type connection_string timeout max_connections batch_size compression encryption retention",
    "SharedState": "id name type owners readers data version timestamp metadata tags last_sync sync_status pending_ops"
    " access_policy",
    "StateEvent": "type state_id state agent_id operation conflict timestamp metadata",
    "StateManagerConfig": "sync_interval max_retries retry_delay enable_persistence persistence_type flush_interval"
    " consistency_level conflict_resolution enable_metrics enable_audit",
    "StateMetrics": "total_states active_states pending_operations sync_errors conflicts read_ops write_ops delete_ops"
    " average_sync_time last_sync_time",
    "AgentConnection": "id name address subscribed_states connection_type status last_heartbeat metadata sync_status"
    " pending_updates conflict_count",
    # Without `encryption_key`, see below.
    "SyncConfig": "sync_interval max_retries retry_delay timeout batch_size flush_interval consistency_level"
    " conflict_strategy compression compression_type encryption max_concurrent_syncs queue_buffer_size",
    "SyncMetrics": "total_syncs successful_syncs failed_syncs conflicts pending_tasks active_connections"
    " average_latency last_sync_time throughput_per_sec",
    "SyncTask": "id type priority state_id target_agents updates created_at started_at completed_at status retry_count"
    " max_retries error metadata",
    "StateUpdate": "id state_id agent_id type key old_value version timestamp metadata new_value",
}
#: Class to its functions, as Go spells them.
FUNCTIONS: dict[type, str] = {
    ConflictDetector: "AddRule DetectConflict ResolveConflict",
    ConflictRule: "DetectConflict ResolveConflict",
    DefaultConflictRule: "DetectConflict ResolveConflict",
    EventBus: "Subscribe Unsubscribe Publish PublishAsync Close",
    EventHandler: "Handle",
    InMemoryEventBus: "Subscribe Unsubscribe Publish PublishAsync Close",
    PersistenceLayer: "SaveState LoadState UpdateState DeleteState ListStates Backup Restore Close",
    StateEventHandler: "Handle",
    StateManager: "CreateState GetState UpdateState DeleteState GetMetrics",
    StateSyncManager: "ConnectAgent DisconnectAgent GetAgentConnection ListAgentConnections CreateSyncTask GetMetrics",
}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def words(table: dict[str, str]) -> Iterable[tuple[str, list[str]]]:
    return [(name, text.split()) for name, text in table.items()]


@pytest.mark.parametrize(("name", "expected"), words(CONSTANTS))
def test_enums_keep_the_seeds_values(name: str, expected: list[str]) -> None:
    assert sorted(getattr(values, name)) == sorted(expected)


@pytest.mark.parametrize(("name", "expected"), words(FIELDS))
def test_types_keep_the_seeds_fields(name: str, expected: list[str]) -> None:
    kind: type[msgspec.Struct] = getattr(values, name)
    assert set(expected) <= set(kind.__struct_fields__)


@pytest.mark.parametrize(
    ("kind", "function"),
    [(kind, name) for kind, names in FUNCTIONS.items() for name in names.split()],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_functions_keep_the_seeds_names(kind: type, function: str) -> None:
    assert callable(getattr(kind, snake(function)))


@pytest.mark.parametrize("name", ["Memory", "File", "Database", "Redis"])
def test_every_persistence_layer_has_its_class(name: str) -> None:
    module = __import__(f"state.persistence.{name.lower()}", fromlist=[name])
    assert issubclass(getattr(module, f"{name}Persistence"), PersistenceLayer)


def test_the_key_of_encryption_is_not_a_field_that_could_be_told() -> None:
    assert "encryption_key" not in values.PersistenceConfig.__struct_fields__
    assert "encryption_key" not in values.SyncConfig.__struct_fields__


def test_constructors_have_their_counterparts() -> None:
    assert callable(persistence.new_persistence_layer)
    assert all(
        isinstance(kind, type)
        for kind in (
            StateSyncManager,
            manager.StateManager,
            bus.InMemoryEventBus,
            conflicts.ConflictDetector,
        )
    )
