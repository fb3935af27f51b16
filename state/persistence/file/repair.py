"""What to do with a damaged store when there is no backup: keep a copy, give up what cannot be read."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from state.persistence.file import checkpoint
from state.persistence.file.disk import Disk, write_whole
from state.persistence.file.frames import Fault, Frame, read
from state.persistence.file.lock import DirectoryLock
from state.persistence.file.places import Current, Places
from state.refusals import Damaged


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair did."""

    #: Where the directory was copied to before anything was touched; None: there was nothing to do.
    copy: Path | None = None
    #: One sentence for each thing given up.
    given_up: tuple[str, ...] = ()


def repair(directory: Path, disk: Disk) -> Repaired:
    """Cut a store back to what can be read without a gap; needs no key.

    Its spaces get new epochs when it is opened next, since what is cut off had been acknowledged.
    Raises Damaged when no checkpoint can be read, StoreDown when the store is in use.
    """
    places = Places(directory)
    if not directory.is_dir():
        raise Damaged(f"{directory} is no directory.")
    lock = DirectoryLock(places.lock)
    try:
        return _repair(places, disk)
    finally:
        lock.release()


def _repair(places: Places, disk: Disk) -> Repaired:
    given_up: list[str] = []
    promised = _promised(places, given_up)
    number, start = _readable_checkpoint(places, promised.checkpoint, given_up)
    cuts, last = _cuts(places, number, start, given_up)
    if last < promised.frame:
        given_up.append(f"Frames {last + 1} to {promised.frame} of the log are gone.")
    if not given_up:
        return Repaired()
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    copy = places.root.with_name(f"{places.root.name}.damaged-{stamp}")
    shutil.copytree(places.root, copy)
    write_whole(disk, places.rewound, ["\n".join(given_up).encode()])
    for path, size in cuts:
        _cut(disk, path, size)
    for later in places.checkpoints():
        if later > number:
            disk.unlink(places.checkpoint(later))
    disk.sync_directory(places.wal)
    places.write_current(disk, Current(number, frame=start))
    return Repaired(copy=copy, given_up=tuple(given_up))


def _promised(places: Places, given_up: list[str]) -> Current:
    """What CURRENT says; without it, the newest checkpoint."""
    try:
        return places.read_current()
    except Damaged as error:
        given_up.append(error.message)
        return Current(max(places.checkpoints(), default=0), frame=0)


def _readable_checkpoint(places: Places, newest: int, given_up: list[str]) -> tuple[int, int]:
    """The newest checkpoint that can be read, and the last frame in it."""
    for number in reversed(places.checkpoints()):
        if number <= newest:
            try:
                return number, checkpoint.parts(places.checkpoint(number), number)[0].frame
            except Damaged as error:
                given_up.append(error.message)
    raise Damaged(f"{places.snap} holds no checkpoint that can be read; restore a backup.")


def _cuts(
    places: Places, number: int, last: int, given_up: list[str]
) -> tuple[list[tuple[Path, int | None]], int]:
    """Which parts of the log to cut to which size (None: remove), and the last frame that stays."""
    cuts: list[tuple[Path, int | None]] = []
    parts = [n for n in places.logs() if n >= number]
    whole = True
    for expected, part in enumerate(parts, start=number):
        path = places.log(part)
        whole = whole and part == expected
        if not whole:
            cuts.append((path, None))
            given_up.append(f"{path} follows upon what is missing.")
            continue
        for found in read(path.read_bytes(), last + 1):
            if isinstance(found, Frame):
                last = found.number
            elif found.fault is not Fault.TORN or part != parts[-1]:  # else opening cuts it
                whole = False
                cuts.append((path, found.offset))
                given_up.append(f"{path} is damaged at offset {found.offset}.")
    if number not in parts:
        cuts.append((places.log(number), 0))
        given_up.append(f"{places.log(number)} is missing.")
    return cuts, last


def _cut(disk: Disk, path: Path, size: int | None) -> None:
    if size is None:
        disk.unlink(path)
        return
    fd = disk.open(path)
    try:
        disk.truncate(fd, size)
        disk.sync(fd)
    finally:
        disk.close(fd)
