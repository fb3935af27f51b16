"""What can become of a write: nothing to do, commit this, refuse it, or ask somebody."""

from __future__ import annotations

import msgspec

from state.values import ConflictInfo, ConflictResolution, Json, Operation, Overwritten


class Unchanged(msgspec.Struct, frozen=True, kw_only=True):
    """The result equals what stands there: no version is spent."""

    #: Set when there was a conflict and its settlement left everything as it is (fallback "theirs").
    conflict: ConflictInfo | None = None
    settled: ConflictResolution | None = None


class Apply(msgspec.Struct, frozen=True, kw_only=True):
    """Commit `data`."""

    data: dict[str, Json]
    #: For the log: `jsonvalue.apply(head.data, ops)` gives exactly `data`.
    ops: tuple[Operation, ...]
    #: Values that were replaced although the writer had not seen them.
    overwrote: tuple[Overwritten, ...] = ()
    #: Data of others that the writer had not seen were merged with its own by a merge strategy or three-way.
    merged: bool = False
    #: The conflict that was found and is settled by this, and by which resolution.
    conflict: ConflictInfo | None = None
    settled: ConflictResolution | None = None


class Refuse(msgspec.Struct, frozen=True, kw_only=True):
    """Write nothing; the writer reads the conflict."""

    conflict: ConflictInfo
    #: Paths that nothing could settle.
    unresolved: tuple[str, ...] = ()


class Park(msgspec.Struct, frozen=True, kw_only=True):
    """Write nothing yet; `resolver`, a principal ("": the state's admins), is asked."""

    conflict: ConflictInfo
    resolver: str = ""


#: How a conflict was settled, or was not.
Settlement = Unchanged | Apply | Refuse | Park
#: What the manager is told to do with a write.
Decision = Settlement
