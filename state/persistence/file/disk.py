"""All that the file layer does to a disk, in one place: tests put a failing, forgetful disk here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


class Unsynced(OSError):
    """A sync failed. What was written may be lost, and a second sync might say that all is well: never retry."""


class Disk:
    """The real one. Every call may raise OSError; nothing is certain to survive a crash before it is synced."""

    def open(self, path: Path) -> int:
        """A file to append to, made when there is none. A new one's name is certain after `sync_directory`."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, fd: int, data: bytes) -> None:
        """Append all of it; after an error some of it may be there."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file to so many bytes."""
        os.ftruncate(fd, size)

    def sync(self, fd: int) -> None:
        """Wait until the file's content would survive a crash (fdatasync, which includes its length)."""
        try:
            os.fdatasync(fd)
        except OSError as error:
            raise Unsynced(*error.args) from error

    def close(self, fd: int) -> None:
        """Let go of the file."""
        os.close(fd)

    def replace(self, source: Path, target: Path) -> None:
        """Rename, in the place of what is there; certain after `sync_directory`."""
        source.replace(target)

    def unlink(self, path: Path) -> None:
        """Remove; nothing happens when there is none."""
        path.unlink(missing_ok=True)

    def sync_directory(self, path: Path) -> None:
        """Wait until the names in a directory would survive a crash."""
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        except OSError as error:
            raise Unsynced(*error.args) from error
        finally:
            os.close(fd)


def write_whole(disk: Disk, path: Path, parts: Iterable[bytes]) -> None:
    """Put a file in the place of another: after a crash there is the old one or the new one, whole."""
    draft = path.with_name(path.name + DRAFT)
    disk.unlink(draft)
    fd = disk.open(draft)
    try:
        for part in parts:
            disk.write(fd, part)
        disk.sync(fd)
    except OSError:
        disk.unlink(draft)
        raise
    finally:
        disk.close(fd)
    disk.replace(draft, path)
    disk.sync_directory(path.parent)


#: What the names of files end with that are not whole yet.
DRAFT = ".tmp"
