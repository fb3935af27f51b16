"""The write-ahead log: appending, and when it must stop."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from state.persistence.codec import Codec
from state.persistence.file.checkpoint import pack
from state.persistence.file.disk import Disk, Unsynced
from state.persistence.file.frames import frame
from state.persistence.file.places import Places
from state.persistence.tables.changes import Change
from state.refusals import OutcomeUnknown, StoreDown

_logger = logging.getLogger(__name__)

#: A frame takes changes until it has so many bytes.
_FRAME_BYTES = 8 * 1024 * 1024


class Log:
    """The part of the log that is being written; for one thread at a time."""

    def __init__(self, disk: Disk, places: Places, codec: Codec, *, number: int, last: int) -> None:
        """`number` is that of the part, `last` that of its last frame. Raises OSError."""
        self._disk = disk
        self._places = places
        self._codec = codec
        self.number = number
        self.last = last
        path = places.log(number)
        new = not path.exists()
        self._fd = disk.open(path)
        if new:
            disk.sync_directory(places.wal)
        self.size = path.stat().st_size
        #: Frames since the log began or rotated.
        self.frames = 0
        #: Why nothing is written any more.
        self.broken = ""

    def append(self, changes: Iterable[Change]) -> None:
        """Make the changes durable, each one whole or not at all.

        Raises StoreDown when nothing was written, OutcomeUnknown when the sync failed; then the log is closed for
        good, since after a failed sync nobody can tell what the disk holds.
        """
        self.require_sound()
        frames = [
            frame(number, self._codec.seal(content, "wal", number))
            for number, content in enumerate(pack(changes, _FRAME_BYTES), start=self.last + 1)
        ]
        data = b"".join(frames)
        try:
            self._disk.write(self._fd, data)
        except OSError as error:
            self._take_back(error)
        try:
            self._disk.sync(self._fd)
        except Unsynced as error:
            self.close_for_writing(error)
            raise OutcomeUnknown(extra={"outcome_unknown": True}) from error
        self.size += len(data)
        self.last += len(frames)
        self.frames += len(frames)

    def _take_back(self, cause: OSError) -> None:
        """Cut off what a failed write left. Raises StoreDown."""
        try:
            self._disk.truncate(self._fd, self.size)
        except OSError as error:
            self.broken = f"A failed write could not be taken back: {error}."
        raise StoreDown(f"The disk refused the write ({cause}); nothing was written.") from cause

    def close_for_writing(self, cause: Unsynced) -> None:
        """Write nothing any more: nobody can tell what the disk holds."""
        self.broken = self.broken or f"A sync failed: {cause}."
        _logger.critical("%s is closed for writing. %s", self._places.root, self.broken)

    def require_sound(self) -> None:
        """Raise StoreDown when the log is closed for writing."""
        if self.broken:
            raise StoreDown(f"The store can only be read. {self.broken} Nothing was written.")

    def rotate(self) -> None:
        """Begin the next part; what was written stays in the part before. Raises OSError; then nothing happened."""
        self.require_sound()
        try:
            # A write that was taken back must not come again: only the last part may have a torn end.
            self._disk.sync(self._fd)
            path = self._places.log(self.number + 1)
            fd = self._disk.open(path)
            try:
                self._disk.sync_directory(self._places.wal)
            except OSError:
                self._disk.close(fd)
                raise
        except Unsynced as error:
            self.close_for_writing(error)
            raise
        self._disk.close(self._fd)
        self._fd = fd
        self.number += 1
        self.size = path.stat().st_size
        self.frames = 0

    def close(self) -> None:
        """Let go of the file; idempotent."""
        if self._fd >= 0:
            self._disk.close(self._fd)
            self._fd = -1
