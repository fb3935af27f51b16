"""What persistence layers keep beside states and entries, and what they are asked to commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from state.values.conflicts import ConflictRecord
from state.values.enums import OperationStatus, StateType, SyncStatus
from state.values.events import StateEvent
from state.values.states import Entry, Json, Operation, SharedState


class SpaceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A space as it stands. `epoch` names the lineage of its history; another one makes all old tokens void."""

    id: str
    epoch: str
    #: Of the last committed transaction; 0: none yet.
    revision: int = 0
    #: Entries up to this revision may be gone.
    compact_revision: int = 0
    #: Number of the last audit record.
    audit: int = 0


class OpRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is known under an op_id: a request that waits in the journal, or the outcome of one that was settled."""

    space: str
    agent: str
    op_id: str
    #: Of the request: the same op_id with another one is refused.
    digest: str
    status: OperationStatus
    state_id: str = ""
    #: Order in the journal of the space; 0: it never waited.
    n: int = 0
    #: The request as it waits; None once settled.
    request: dict[str, Json] | None = None
    #: What was answered, without `replayed`; None while it waits. {"status": HTTP status, …}
    outcome: dict[str, Json] | None = None
    retry: int = 0
    error: str = ""
    at: datetime
    done_at: datetime | None = None


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A durable event that spends no revision, numbered gap-free per space by the store (0: not yet)."""

    n: int = 0
    event: StateEvent


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """One state's next version.

    `state` is whole, at `version` expect+1; the store fills in `revision`. `expect` is the version that must be
    the current one (a tombstone's counts), 0: no such state may ever have existed.
    """

    state: SharedState
    expect: int
    #: The store fills in `revision` and `seq`.
    entry: Entry


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """What is committed together in one space, all or nothing; with `writes` it takes one revision, else none."""

    writes: tuple[Write, ...] = ()
    #: States that are only compared: id to the version they must have (0: absent or deleted).
    checks: Mapping[str, int] = {}
    #: The outcome to keep under the op_id; it must be terminal. If the journal has it queued, this settles it.
    op: OpRecord | None = None
    #: Conflicts to keep, new or changed.
    conflicts: tuple[ConflictRecord, ...] = ()
    audit: tuple[AuditRecord, ...] = ()


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """It stands, durably."""

    #: 0 when it had no writes.
    revision: int = 0
    states: tuple[SharedState, ...] = ()
    entries: tuple[Entry, ...] = ()
    audit: tuple[AuditRecord, ...] = ()


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing of it was written: these states have other versions than expected (0: none)."""

    versions: dict[str, int]


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing of it was written: the op_id was settled before, like this."""

    op: OpRecord


Result = Committed | Mismatch | Replayed


class Filters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which states to list; all given ones must hold."""

    type: StateType | None = None
    #: Any of these.
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sync_status: SyncStatus | None = None
    updated_since: datetime | None = None
    #: Ids that begin so.
    prefix: str = ""
    #: Words that all stand in the id, the name, the tags or the owners, upper and lower case alike.
    text: str = ""
    #: Tombstones instead of living states.
    deleted: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The words of `text`, as they are looked for in what `searched` gives."""
        return tuple(self.text.casefold().split())


def searched(id: str, name: str, tags: Sequence[str], owners: Sequence[str]) -> str:
    """What the words of a filter are looked for in."""
    return "\n".join((id, name, *tags, *owners)).casefold()


class StatePage(msgspec.Struct, frozen=True, kw_only=True):
    """States in the order of their ids, all as of `revision`; `next` continues after the last, "" at the end."""

    states: tuple[SharedState, ...]
    revision: int
    next: str = ""


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """Whole revisions of a space's log, read at one moment with where the space stood then."""

    space: SpaceInfo
    entries: tuple[Entry, ...]
    #: Whether there are later ones.
    more: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a backup: `kind` is space, state, entry, snapshot, op, conflict or audit."""

    kind: str
    value: dict[str, Any]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A state's data at a version, from which later ones are replayed."""

    space: str
    state_id: str
    version: int
    data: dict[str, Json]


__all__ = [
    "AuditRecord",
    "Committed",
    "Filters",
    "LogPage",
    "Mismatch",
    "OpRecord",
    "Operation",
    "Replayed",
    "Result",
    "Row",
    "Snapshot",
    "SpaceInfo",
    "StatePage",
    "Transaction",
    "Write",
    "searched",
]
