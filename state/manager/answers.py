"""What the manager answers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from state.errors import StarsError
from state.values import Json, OperationStatus, SharedState


class WriteStatus(StrEnum):
    """How a write ended."""

    APPLIED = "applied"
    MERGED = "merged"
    UNCHANGED = "unchanged"  # the data were like that already: no version, no revision, no event
    QUEUED = "queued"  # journalled; `operation` tells the outcome later
    PARKED = "parked"  # collided, and somebody is asked


#: How the journal names it.
AS_OPERATION = {
    WriteStatus.APPLIED: OperationStatus.APPLIED,
    WriteStatus.MERGED: OperationStatus.MERGED,
    WriteStatus.UNCHANGED: OperationStatus.APPLIED,
    WriteStatus.PARKED: OperationStatus.CONFLICT,
}


class WriteResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a write that was not refused."""

    status: WriteStatus
    state_id: str
    uid: str
    version: int
    revision: int
    op_id: str = ""
    #: Recorded earlier under the same op_id; nothing was done now.
    replayed: bool = False
    #: A conflict that was settled or parked: conflict_id, type, resolution, paths, overwrote.
    conflict: dict[str, Json] | None = None
    #: The state as it stands now; not part of a recorded outcome.
    state: SharedState | None = None

    @property
    def changed(self) -> bool:
        """Whether there is a new version."""
        return self.status in (WriteStatus.APPLIED, WriteStatus.MERGED)

    @property
    def merged(self) -> bool:
        """Whether it was joined with what others had written meanwhile."""
        return self.status is WriteStatus.MERGED

    def outcome(self) -> dict[str, Json]:
        """What is recorded under the op_id."""
        found: dict[str, Json] = msgspec.to_builtins(msgspec.structs.replace(self, state=None))
        return {key: found[key] for key in found if key not in ("state", "replayed")}


class TransactionResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a transaction over several states, all at one revision."""

    revision: int
    results: tuple[WriteResult, ...]
    op_id: str = ""
    replayed: bool = False

    def outcome(self) -> dict[str, Json]:
        """What is recorded under the op_id."""
        return {
            "revision": self.revision,
            "op_id": self.op_id,
            "results": [each.outcome() for each in self.results],
        }


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between two versions; None stands for nothing there when the other flag says so."""

    path: str
    kind: str  # "added", "removed", "changed"
    old: Json = None
    new: Json = None


class OperationState(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a journalled operation."""

    op_id: str
    agent: str
    state_id: str
    status: OperationStatus
    retry: int
    error: str
    at: datetime
    done_at: datetime | None
    outcome: dict[str, Json] | None


class Recorded(StarsError):
    """This was refused before, under the same op_id."""

    def __init__(self, outcome: dict[str, Any]) -> None:
        """The refusal as it was recorded by `refusal_outcome`."""
        super().__init__(
            outcome["message"],
            fields=outcome.get("fields"),
            extra={**outcome.get("extra", {}), "replayed": True},
        )
        self.reason = outcome["reason"]  # type: ignore[misc]  # an instance's own word
        self.status = outcome["http"]  # type: ignore[misc]


def refusal_outcome(error: StarsError) -> dict[str, Json]:
    """A refusal as it is recorded under an op_id."""
    return {
        "refused": True,
        "http": error.status,
        "reason": error.reason,
        "message": error.message,
        "fields": error.fields,
        "extra": error.extra,
    }
