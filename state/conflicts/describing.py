"""A conflict as the world reads it: the seed's ConflictInfo, the members of problem+json (1.8), the ETag."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from state import jsonvalue
from state.conflicts.analysis import Analysis
from state.conflicts.causes import ordered
from state.jsonvalue import MISSING
from state.values import (
    Cause,
    ConflictInfo,
    ConflictType,
    Entry,
    Json,
    Operation,
    OperationStatus,
    PendingOperation,
    SharedState,
)

#: A larger document is not sent along with a refusal, in bytes of JSON.
CURRENT_BYTES: Final = 256 * 1024

_SENTENCES: Final = {
    ConflictType.VERSION: "The state is not what this write expects.",
    ConflictType.SCHEMA: "This write no longer fits the state.",
    ConflictType.WRITE_WRITE: "Others have written the same since.",
    ConflictType.READ_WRITE: "What this write relies on has changed since.",
    ConflictType.CUSTOM: "A rule of this installation forbids this write.",
}


def etag(state: SharedState) -> str:
    """The strong entity tag of a version, quotes included (RFC 9110, 8.8.3)."""
    return f'"{state.uid}-{state.version}"'


def described(analysis: Analysis, causes: Iterable[Cause]) -> ConflictInfo:
    """The conflict with these causes (at least one)."""
    found = ordered(causes)
    head = analysis.head
    states = {"current": head}
    if not analysis.blind:
        states["base"] = _as_of(head, analysis.base_version, analysis.seen)
        states["incoming"] = _as_of(head, analysis.base_version, analysis.mine)
    return with_causes(
        ConflictInfo(
            conflict_id=analysis.conflict_id,
            type=found[0].type,
            description="",
            states=states,
            operations=(*_mine(analysis), *_theirs(analysis)),
            resolution=analysis.resolution,
            metadata={"base_version": analysis.base_version, "head_version": head.version},
        ),
        found,
    )


def with_causes(conflict: ConflictInfo, causes: Iterable[Cause]) -> ConflictInfo:
    """The same conflict for these causes: type, description, paths and blame follow from them."""
    found = ordered(causes)
    first = found[0]
    paths = tuple(dict.fromkeys(each.path for each in found))
    blame = {each.path: {"agent": each.by, "version": each.version} for each in found if each.by}
    description = first.detail if first.type is ConflictType.VERSION else ""
    return msgspec.structs.replace(
        conflict,
        type=first.type,
        description=description or _SENTENCES[first.type],
        causes=found,
        metadata={**conflict.metadata, "paths": paths, "blame": blame},
    )


def _as_of(head: SharedState, version: int, data: dict[str, Json]) -> SharedState:
    return msgspec.structs.replace(head, version=version, data=data, hash="")


def _mine(analysis: Analysis) -> list[PendingOperation]:
    given = analysis.incoming
    return [
        _shown(op, given.op_id, given.agent, analysis.seen, OperationStatus.CONFLICT, given.at)
        for op in given.ops
    ]


def _theirs(analysis: Analysis) -> list[PendingOperation]:
    """The operations of the entries that this write meets; of all that it had not seen when that is unknown."""
    met = {each.entry.version for each in analysis.touches} if not analysis.blind else set()
    return [
        _shown(op, _name(entry), entry.agent, {}, OperationStatus.APPLIED, entry.at)
        for entry in analysis.others
        if not met or entry.version in met
        for op in entry.ops
    ]


def _name(entry: Entry) -> str:
    return entry.op_id or f"{entry.space}:{entry.revision}:{entry.seq}"


def _shown(
    op: Operation, id: str, agent: str, before: Json, status: OperationStatus, at: Any
) -> PendingOperation:
    old = jsonvalue.get(before, op.path)
    return PendingOperation(
        id=id,
        type=op.op,
        key=op.path,
        value=None if op.value is msgspec.UNSET else op.value,
        old_value=None if old is MISSING else old,
        timestamp=at,
        agent_id=agent,
        status=status,
    )


def problem(conflict: ConflictInfo, *, head: SharedState, visible: bool = True) -> dict[str, Any]:
    """The members that a conflict adds to its problem+json.

    With `visible` false (the reader may not read the state) paths, values and document are left out.
    `current_link` (None: for the shell to fill in) stands for a document of more than 256 KiB.
    """
    extra: dict[str, Any] = {
        "conflict_id": conflict.conflict_id,
        "conflict_type": str(conflict.type),
        "state": head.id,
        "base_version": conflict.metadata.get("base_version"),
        "head_version": head.version,
        "etag": etag(head),
        "resolution": str(conflict.resolution),
        "causes": [],
        # Whoever reads the state anew can write again, unless it is no more.
        "retryable": not head.deleted,
    }
    if not visible:
        return extra
    for cause in conflict.causes:
        told = msgspec.to_builtins(cause)
        extra["causes"].append(
            {"type": told["type"], "kind": cause.kind, "path": cause.path} | told
        )
    if head.deleted:
        return extra
    if jsonvalue.size(head.data) <= CURRENT_BYTES:
        extra["current"] = head.data
    else:
        extra["current_link"] = None
    return extra
