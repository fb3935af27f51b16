"""Checkpoints: all tables of a store as frames of sealed changes that build them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from state.persistence.codec import Codec
from state.persistence.file.frames import Break, Frame, frame, read
from state.persistence.file.places import Places
from state.persistence.tables.changes import Change, Drop, Put
from state.persistence.tables.space import Tables
from state.refusals import Damaged
from state.values import SpaceInfo

#: A frame takes changes until it has so many bytes.
_FRAME_BYTES: Final = 1024 * 1024
_FORMAT: Final = 1

_changes = msgspec.json.Decoder(list[Change])


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first frame of a checkpoint, and the last; never sealed, so that a repair needs no key."""

    format: int
    checkpoint: int
    #: The last frame of the log that is in it.
    frame: int
    #: How many frames came before this one.
    frames: int = 0


def pack(changes: Iterable[Change], size: int = _FRAME_BYTES) -> Iterator[bytes]:
    """The changes as JSON lists of about that size; each change is whole in one."""
    group: list[bytes] = []
    length = 0
    for change in changes:
        group.append(msgspec.json.encode(change))
        length += len(group[-1])
        if length >= size:
            yield b"[" + b",".join(group) + b"]"
            group, length = [], 0
    if group:
        yield b"[" + b",".join(group) + b"]"


def unpack(content: bytes) -> list[Change]:
    """What `pack` packed. Raises msgspec.DecodeError."""
    return _changes.decode(content)


def apply(spaces: dict[str, Tables], change: Change) -> None:
    """Bring the tables of a store to where the change leads; its spaces come and go. Raises KeyError."""
    if isinstance(change, Drop):
        spaces.pop(change.space, None)
        return
    if change.space not in spaces and isinstance(change, Put) and change.info is not None:
        spaces[change.space] = Tables(SpaceInfo(id=change.space, epoch=change.info.epoch))
    spaces[change.space].apply(change)


def frames_of(
    spaces: Mapping[str, Tables], codec: Codec, number: int, last: int
) -> Iterator[bytes]:
    """The checkpoint of that number as frames; `last` is the last frame of the log that it holds."""
    head = Header(format=_FORMAT, checkpoint=number, frame=last)
    yield frame(0, msgspec.json.encode(head))
    count = 1
    for content in pack(change for tables in spaces.values() for change in _changes_of(tables)):
        yield frame(count, codec.seal(content, "snap", number, count))
        count += 1
    tail = msgspec.structs.replace(head, frames=count)
    yield frame(count, msgspec.json.encode(tail))


def _changes_of(tables: Tables) -> Iterator[Put]:
    """What builds these tables, row by row."""
    space = tables.info.id
    yield Put(space=space, info=tables.info, journal=tables.journal)
    for state in map(tables.states.__getitem__, tables.ids):
        yield Put(space=space, states=((msgspec.Raw(state.raw), msgspec.Raw(state.data)),))
    for entry in tables.log:
        yield Put(space=space, entries=(msgspec.Raw(entry.raw),))
    for state_id, versions in tables.snapshots.items():
        for version, data in versions.items():
            yield Put(space=space, snapshots=((state_id, version, msgspec.Raw(data)),))
    for op in tables.ops.values():
        yield Put(space=space, ops=(msgspec.Raw(op.raw),))
    for conflict in tables.conflicts.values():
        yield Put(space=space, conflicts=(msgspec.Raw(conflict.raw),))
    for raw in tables.audit:
        yield Put(space=space, audit=(msgspec.Raw(raw),))


def load(path: Path, codec: Codec, number: int) -> tuple[dict[str, Tables], int]:
    """The tables of a checkpoint and the last frame of the log in it. Raises Damaged naming the place, WrongKey."""
    head, frames = parts(path, number)
    spaces: dict[str, Tables] = {}
    for found in frames:
        try:
            for change in unpack(codec.open(found.content, "snap", number, found.number)):
                apply(spaces, change)
        except (Damaged, msgspec.DecodeError, KeyError) as error:
            raise Damaged(f"{path} is damaged at offset {found.offset}: {error}") from error
    return spaces, head.frame


def parts(path: Path, number: int) -> tuple[Header, list[Frame]]:
    """The header of a checkpoint and its sealed frames. Raises Damaged naming the place."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Damaged(f"{path} is missing.") from None
    frames: list[Frame] = []
    for found in read(data, 0):
        if isinstance(found, Break):
            raise Damaged(f"{path} is damaged at offset {found.offset}.")
        frames.append(found)
    try:
        head, tail = (msgspec.json.decode(frames[at].content, type=Header) for at in (0, -1))
    except (msgspec.DecodeError, IndexError) as error:
        raise Damaged(f"{path} is damaged at offset {len(data)}: it is not whole.") from error
    if (head.format, head.checkpoint, tail.frames) != (_FORMAT, number, len(frames) - 1):
        raise Damaged(f"{path} is damaged at offset 0: it is not this checkpoint.")
    return head, frames[1:-1]


def sealed_in(places: Places) -> Iterator[bytes]:
    """All that is sealed in a store's directory. Raises Damaged."""
    for number in places.checkpoints():
        yield from (each.content for each in parts(places.checkpoint(number), number)[1])
    for number in places.logs():
        found = read(places.log(number).read_bytes(), None)
        yield from (each.content for each in found if isinstance(each, Frame))
