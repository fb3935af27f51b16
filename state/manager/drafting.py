"""Small parts of which all writes are made: next versions, entries, audit records."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import msgspec

from state import jsonvalue
from state.manager.jobs import Job, View
from state.persistence.base import PersistenceLayer
from state.values import (
    AuditRecord,
    ConflictInfo,
    Entry,
    EntryKind,
    EventType,
    SharedState,
    StateEvent,
    Write,
)

DAY: Final = timedelta(hours=24)


def entry_of(job: Job, state: SharedState, kind: EntryKind, view: View, **more: Any) -> Entry:
    """The entry of a change that leads to `state`; `drafted` numbers it."""
    return Entry(
        space=state.space,
        state_id=state.id,
        uid=state.uid,
        version=state.version,
        kind=kind,
        agent=job.caller.name,
        op_id=job.op_id,
        at=view.now,
        **more,
    )


def drafted(state: SharedState, entry: Entry, *, expect: int) -> Write:
    """The write that makes `state` the version after `expect`."""
    version = expect + 1
    same_data = entry.kind is EntryKind.CONFIG and state.hash
    digest = state.hash if same_data else jsonvalue.digest(state.data)
    return Write(
        state=msgspec.structs.replace(state, version=version, hash=digest, written_by=entry.agent),
        expect=expect,
        entry=msgspec.structs.replace(entry, version=version, hash=digest),
    )


def recorded_revision(store: PersistenceLayer, space: str, state_id: str, version: int) -> int:
    """The revision in which that version was committed; 0 when history no longer tells."""
    found = store.history(space, state_id, after=version - 1, until=version, limit=1)
    return found[0].revision if found else 0


def audit_conflict(
    job: Job,
    head: SharedState,
    found: ConflictInfo | None,
    view: View,
    *,
    settled: bool,
    extra: dict[str, Any] | None = None,
) -> AuditRecord:
    """A conflict that was detected or settled, without the documents (they may be large, and secret)."""
    metadata: dict[str, Any] = dict(found.metadata if found else {})
    metadata.pop("blame", None)
    if extra is not None:
        kept = ("conflict_id", "conflict_type", "base_version", "head_version", "resolution")
        metadata |= {key: extra[key] for key in kept if key in extra}
        metadata["paths"] = sorted({cause.get("path", "") for cause in extra.get("causes", ())})
    if found is not None:
        metadata |= {
            "conflict_id": found.conflict_id,
            "conflict_type": str(found.type),
            "resolution": str(found.resolution),
        }
    return AuditRecord(
        event=StateEvent(
            type=EventType.CONFLICT_RESOLVED if settled else EventType.CONFLICT_DETECTED,
            timestamp=view.now,
            space=head.space,
            state_id=head.id,
            uid=head.uid,
            version=head.version,
            agent_id=job.caller.name,
            op_id=job.op_id,
            metadata=metadata,
        )
    )
