"""What happens to tables: plain values that can be kept in a log and applied again."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec import Raw

from state.values import SpaceInfo


class Put(msgspec.Struct, frozen=True, kw_only=True, tag="put", omit_defaults=True):
    """Rows of one space, each in the place of an earlier one or added."""

    space: str
    info: SpaceInfo | None = None
    #: New versions: state without data, data, entry.
    writes: tuple[tuple[Raw, Raw, Raw], ...] = ()
    ops: tuple[Raw, ...] = ()
    conflicts: tuple[Raw, ...] = ()
    audit: tuple[Raw, ...] = ()
    # Only when tables are built from a checkpoint or a backup:
    states: tuple[tuple[Raw, Raw], ...] = ()
    entries: tuple[Raw, ...] = ()
    #: State, version, data.
    snapshots: tuple[tuple[str, int, Raw], ...] = ()
    #: The number that the journal gave out last.
    journal: int = 0


class Forget(msgspec.Struct, frozen=True, kw_only=True, tag="forget"):
    """Operations that are no longer known: (agent, op_id)."""

    space: str
    ops: tuple[tuple[str, str], ...]


class Compact(msgspec.Struct, frozen=True, kw_only=True, tag="compact"):
    """History up to and including `floor` is given up."""

    space: str
    floor: int


class Drop(msgspec.Struct, frozen=True, kw_only=True, tag="drop"):
    """The space is gone."""

    space: str


Change: TypeAlias = Put | Forget | Compact | Drop
