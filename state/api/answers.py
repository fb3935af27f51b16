"""The bodies of answers."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from state import conflicts
from state.manager import WriteResult, WriteStatus
from state.values import Json, SharedState, StateMetrics, SyncMetrics


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a write came to: the version and revision that now stand."""

    id: str
    uid: str
    version: int
    revision: int
    etag: str
    status: WriteStatus
    changed: bool
    merged: bool
    replayed: bool
    op_id: str
    #: A conflict that was settled or parked: conflict_id, type, resolution, paths, overwrote.
    conflict: dict[str, Json] | None
    #: The document as it stands, when it was merged with what others had written.
    data: dict[str, Json] | UnsetType = UNSET


class TransactionWritten(msgspec.Struct, frozen=True, kw_only=True):
    """What a transaction came to: all its changes have this revision."""

    revision: int
    op_id: str
    replayed: bool
    results: tuple[Written, ...]


class Metrics(StateMetrics, frozen=True, kw_only=True):
    """What is counted of states and (`sync`) of syncing them: counters since the process began, and gauges."""

    sync: SyncMetrics


def written(result: WriteResult) -> Written:
    """The answer to a write."""
    state = result.state
    return Written(
        id=result.state_id,
        uid=result.uid,
        version=result.version,
        revision=result.revision,
        etag=tag(result.uid, result.version),
        status=result.status,
        changed=result.changed,
        merged=result.merged,
        replayed=result.replayed,
        op_id=result.op_id,
        conflict=result.conflict,
        data=state.data if result.merged and state is not None else UNSET,
    )


def tag(uid: str, version: int) -> str:
    """The entity tag of a version, as `conflicts.etag` gives it for a state."""
    return f'"{uid}-{version}"'


def shown(state: SharedState, *, with_data: bool = True) -> dict[str, Any]:
    """A state; `blame` only if it was asked for."""
    found: dict[str, Any] = {**msgspec.to_builtins(state), "etag": conflicts.etag(state)}
    if state.blame is None:
        del found["blame"]
    if not with_data:
        del found["data"]
    return found
