"""What a space's log and audit trail say, as events and as the seed's updates; pure."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from state.values import AuditRecord, Entry, EntryKind, EventType, Json, StateEvent, StateUpdate

_TYPES = {EntryKind.CREATE: EventType.STATE_CREATED, EntryKind.DELETE: EventType.STATE_DELETED}
_OF_ENTRIES = frozenset({EventType.STATE_CREATED, EventType.STATE_UPDATED, EventType.STATE_DELETED})


def event_of(entry: Entry) -> StateEvent:
    """The event of a committed entry; its id is "space:revision:seq".

    `metadata` has `kind` and, where the entry has them, `base_version`, `note` (the writer's), `config`, `conflict`
    and `overwrote`, all JSON values.
    """
    told: dict[str, Json] = {
        "note": entry.metadata,
        "config": entry.config,
        "conflict": entry.conflict,
        "overwrote": [msgspec.structs.asdict(each) for each in entry.overwrote],
    }
    metadata: dict[str, Json] = {"kind": str(entry.kind)}
    if entry.base_version is not None:
        metadata["base_version"] = entry.base_version
    metadata |= {key: value for key, value in told.items() if value}
    return StateEvent(
        type=_TYPES.get(entry.kind, EventType.STATE_UPDATED),
        timestamp=entry.at,
        id=f"{entry.space}:{entry.revision}:{entry.seq}",
        space=entry.space,
        state_id=entry.state_id,
        uid=entry.uid,
        version=entry.version,
        revision=entry.revision,
        agent_id=entry.agent,
        op_id=entry.op_id,
        ops=entry.ops,
        metadata=metadata,
    )


def event_of_audit(space: str, record: AuditRecord) -> StateEvent:
    """The event of a numbered audit record; its id is "space:a<number>"."""
    return msgspec.structs.replace(record.event, id=f"{space}:a{record.n}", space=space)


def updates_of(event: StateEvent) -> list[StateUpdate]:
    """The operations of an entry's event, one update each; of other events none.

    `old_value` is what the operation replaced without its writer having seen it, as far as the entry kept it.
    """
    if event.type not in _OF_ENTRIES:
        return []
    replaced = {each["path"]: each["value"] for each in event.metadata.get("overwrote", ())}
    return [
        StateUpdate(
            id=event.id,
            state_id=event.state_id,
            agent_id=event.agent_id,
            type=op.op,
            key=op.path,
            old_value=replaced.get(op.path),
            new_value=None if op.value is UNSET else op.value,
            version=event.version,
            timestamp=event.timestamp,
            metadata=dict(event.metadata.get("note", {})),
        )
        for op in event.ops
    ]
