"""How a store's directory becomes tables again after whatever happened, and what is refused."""

from __future__ import annotations

import logging
from itertools import pairwise

import msgspec

from state.persistence.codec import Codec
from state.persistence.file import checkpoint
from state.persistence.file.disk import Disk
from state.persistence.file.frames import Break, Fault, read
from state.persistence.file.places import Current, Places
from state.persistence.tables.space import Tables
from state.refusals import Damaged

_logger = logging.getLogger(__name__)


class Recovered(msgspec.Struct):
    """The store as it was committed."""

    spaces: dict[str, Tables]
    #: The part of the log to go on with, and its last frame.
    number: int
    last: int
    #: The checkpoint that it was built from is not the newest one: make another.
    fell_back: bool = False


def recover(disk: Disk, places: Places, codec: Codec) -> Recovered | None:
    """The newest valid checkpoint and all that was logged after it; None for a directory without a store.

    An unfinished last write was never acknowledged and is cut off. Any other damage is refused: raises Damaged
    naming file and offset, or WrongKey.
    """
    if not places.current.exists():
        _require_fresh(places)
        return None
    current = places.read_current()
    try:
        found = _from(disk, places, codec, current.checkpoint)
    except Damaged:
        older = _fall_back(disk, places, codec, current)
        if older is None:
            raise
        found = older
    if found.last < current.frame:
        raise Damaged(f"{places.wal} ends at frame {found.last}, before frame {current.frame}.")
    for space in found.spaces.values():
        if not space.is_whole():
            raise Damaged(f"The log of space {space.info.id!r} in {places.root} has gaps.")
    return found


def _require_fresh(places: Places) -> None:
    """A store that was never finished is begun anew; one that has lost its CURRENT is not."""
    written = any(places.log(n).stat().st_size for n in places.logs())
    if written or any(n > 1 for n in places.checkpoints()):
        raise Damaged(f"{places.current} is missing.")


def _fall_back(disk: Disk, places: Places, codec: Codec, current: Current) -> Recovered | None:
    """The store from an older checkpoint with all the log since then, if a crash left them there."""
    for number in reversed(places.checkpoints()):
        if number < current.checkpoint:
            try:
                found = _from(disk, places, codec, number)
            except Damaged:
                continue
            if found.last >= current.frame:
                _logger.error("Checkpoint %s of %s is damaged.", current.checkpoint, places.root)
                found.fell_back = True
                return found
    return None


def _from(disk: Disk, places: Places, codec: Codec, number: int) -> Recovered:
    """The store from that checkpoint on. Raises Damaged, WrongKey."""
    spaces, last = checkpoint.load(places.checkpoint(number), codec, number)
    parts = [n for n in places.logs() if n >= number]
    for before, part in pairwise([number - 1, *parts]):
        if part != before + 1:
            raise Damaged(f"{places.log(before + 1)} is missing.")
    if not parts:
        raise Damaged(f"{places.log(number)} is missing.")
    for part in parts:
        last = _replay(disk, places, codec, part, spaces, last, final=part == parts[-1])
    return Recovered(spaces, parts[-1], last)


def _replay(
    disk: Disk,
    places: Places,
    codec: Codec,
    part: int,
    spaces: dict[str, Tables],
    last: int,
    *,
    final: bool,
) -> int:
    """Apply one part of the log that follows upon frame `last`; the number of its own last frame."""
    path = places.log(part)
    for found in read(path.read_bytes(), last + 1):
        if isinstance(found, Break):
            if found.fault is Fault.TORN and final:
                _cut(disk, places, part, found.offset)
                break
            raise Damaged(
                f"{path} is damaged at offset {found.offset} ({found.fault}: frame {last + 1})."
            )
        try:
            for change in checkpoint.unpack(codec.open(found.content, "wal", found.number)):
                checkpoint.apply(spaces, change)
        except (Damaged, msgspec.DecodeError, KeyError) as error:
            raise Damaged(f"{path} is damaged at offset {found.offset}: {error}") from error
        last = found.number
    return last


def _cut(disk: Disk, places: Places, part: int, size: int) -> None:
    """Cut off an unfinished write."""
    path = places.log(part)
    _logger.warning("%s ends with an unfinished write, cut off at offset %s.", path, size)
    fd = disk.open(path)
    try:
        disk.truncate(fd, size)
        disk.sync(fd)
    finally:
        disk.close(fd)
