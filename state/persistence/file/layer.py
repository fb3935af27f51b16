"""The file layer: tables in the process, a write-ahead log and checkpoints in a directory."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import msgspec

from state.persistence.codec import Codec
from state.persistence.file import checkpoint
from state.persistence.file.disk import Disk, Unsynced, write_whole
from state.persistence.file.lock import DirectoryLock
from state.persistence.file.log import Log
from state.persistence.file.places import Current, Places
from state.persistence.file.recovery import Recovered, recover
from state.persistence.file.repair import Repaired, repair
from state.persistence.tables import TablesLayer
from state.persistence.tables.changes import Change, Put
from state.persistence.tables.layer import Space
from state.persistence.tables.space import Tables
from state.refusals import Closed, ConfigInvalid, Damaged, OutcomeUnknown, StoreDown
from state.values import PersistenceConfig, PersistenceType

_logger = logging.getLogger(__name__)


class FilePersistence(TablesLayer):
    """Spaces in the directory `config.connection_string`, which one process at a time has open (shared-state 3.8).

    A commit is one frame of the log and one fdatasync; whatever is read is durable. All is held in memory too.
    """

    type: ClassVar[PersistenceType] = PersistenceType.FILE
    #: A checkpoint is made when the log has grown by so many bytes or frames since the last.
    checkpoint_bytes = 16 * 1024 * 1024
    checkpoint_frames = 10_000

    def __init__(self, config: PersistenceConfig, codec: Codec, disk: Disk | None = None) -> None:
        """Opens the directory, made when there is none, and recovers what was committed.

        Raises StoreDown (in use; the disk refuses), Damaged naming file and offset, WrongKey, ConfigInvalid.
        """
        super().__init__(config, codec)
        if not config.connection_string:
            raise ConfigInvalid(fields={"connection_string": ["Name a directory."]})
        self._disk = disk or Disk()
        self._places = Places(Path(config.connection_string))
        #: Of the log, and of all tables while a change goes from the log into them.
        self._log_lock = threading.RLock()
        self._checkpointing = threading.Lock()
        try:
            self._places.make(self._disk)
            self._lock = DirectoryLock(self._places.lock)
        except OSError as error:
            raise StoreDown(f"{self._places.root} cannot be used: {error}.") from error
        try:
            self._log = self._open()
        except OSError as error:
            self._lock.release()
            raise StoreDown(f"{self._places.root} cannot be used: {error}.") from error
        except BaseException:
            self._lock.release()
            raise

    @staticmethod
    def repair(directory: str | Path) -> Repaired:
        """Keep a copy of a damaged store and cut it back to what can be read (`state.persistence.file.repair`)."""
        return repair(Path(directory), Disk())

    # -- opening and closing ----------------------------------------------------------------------------------------

    def _open(self) -> Log:
        places = self._places
        if places.key.exists():
            try:
                self.codec.check_proof(places.key.read_bytes())
            except Damaged as error:
                raise Damaged(f"{places.key} is damaged at offset 0: {error.message}") from error
        found = recover(self._disk, places, self.codec)
        fresh = found is None
        found = found or Recovered({}, number=1, last=0)
        if not places.key.exists() or self.codec.needs_rekey(places.key.read_bytes()):
            write_whole(self._disk, places.key, [self.codec.proof()])
        self._spaces = {space: Space(tables) for space, tables in found.spaces.items()}
        log = Log(self._disk, places, self.codec, number=found.number, last=found.last)
        if fresh:
            self._keep_checkpoint({}, log.number, log.last)
        if places.rewound.exists():
            self._renew_epochs(log)
        if found.fell_back:
            log.rotate()
            tables = {space: each.tables for space, each in self._spaces.items()}
            self._keep_checkpoint(tables, log.number, log.last)
        places.sweep(self._disk, places.read_current().checkpoint)
        return log

    def _renew_epochs(self, log: Log) -> None:
        """A repair gave up what was committed: whoever saw it must not go on from there."""
        changes: list[Change] = [
            Put(space=name, info=msgspec.structs.replace(each.tables.info, epoch=uuid.uuid4().hex))
            for name, each in self._spaces.items()
        ]
        if changes:
            log.append(changes)
        for change in changes:
            self._spaces[change.space].tables.apply(change)
        self._disk.unlink(self._places.rewound)
        self._disk.sync_directory(self._places.root)

    def close(self) -> None:
        """Make a checkpoint, so that the next start is quick, and let the directory go; idempotent."""
        with self._checkpointing:
            if self._closed:
                return
            if self._log.frames and not self._log.broken:
                self._try_checkpoint()
            with self._log_lock:
                super().close()
                self._log.close()
                self._lock.release()

    # -- writing ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _durably(self, changes: Sequence[Change]) -> Iterator[None]:
        with self._taking(self._log_lock):
            if self._closed:
                raise Closed
            self._log.append(changes)
            yield

    @contextmanager
    def _writing(self, space: str, *, states: bool = True) -> Iterator[Space]:
        with super()._writing(space, states=states) as found:
            yield found
        if self._is_due() and self._checkpointing.acquire(blocking=False):
            try:
                if self._is_due():
                    self._try_checkpoint()
            finally:
                self._checkpointing.release()

    def _is_due(self) -> bool:
        log = self._log
        grown = log.size >= self.checkpoint_bytes or log.frames >= self.checkpoint_frames
        return grown and not log.broken and not self._closed

    def _replace_all(self, spaces: dict[str, Tables]) -> None:
        """By a checkpoint that has them: CURRENT turns from the old ones to the new ones at one moment."""
        with self._taking(self._checkpointing, self._log_lock):
            tables = {name: each.tables for name, each in self._spaces.items()} | spaces
            try:
                with self._watching_syncs():
                    self._log.rotate()
                    # It counts as a frame, which no older checkpoint's log can reach.
                    self._keep_checkpoint(tables, self._log.number, self._log.last + 1)
            except Unsynced as error:
                raise OutcomeUnknown(extra={"outcome_unknown": True}) from error
            except OSError as error:
                raise StoreDown(f"The disk refused ({error}); nothing was restored.") from error
            self._log.last += 1
            super()._replace_all(spaces)
            self._sweep()

    # -- checkpoints ------------------------------------------------------------------------------------------------

    def checkpoint(self) -> None:
        """Write all tables to one file and begin a new part of the log, while in use. Raises StoreDown."""
        with self._call(), self._checkpointing:
            try:
                self._checkpoint()
            except OSError as error:
                raise StoreDown(f"The disk refused ({error}); there is no checkpoint.") from error

    def _checkpoint(self) -> None:
        """By whoever has `_checkpointing`. Raises OSError, StoreDown."""
        with self._watching_syncs():
            with self._log_lock:
                self._log.rotate()
                number, last = self._log.number, self._log.last
                tables = {name: each.tables.copy() for name, each in self._spaces.items()}
            self._keep_checkpoint(tables, number, last)
        self._sweep()

    def _try_checkpoint(self) -> None:
        """A checkpoint that fails loses nothing: the log has it all, and the next one is tried after as much again."""
        try:
            self._checkpoint()
        except (OSError, StoreDown) as error:
            _logger.error("No checkpoint of %s could be made: %s", self._places.root, error)

    @contextmanager
    def _watching_syncs(self) -> Iterator[None]:
        """After a sync that failed in the block, nothing is written any more."""
        try:
            yield
        except Unsynced as error:
            self._log.close_for_writing(error)
            raise

    def _keep_checkpoint(self, tables: dict[str, Tables], number: int, last: int) -> None:
        """Write the checkpoint and let it count. Raises OSError; then the one before counts, unless a sync failed."""
        path = self._places.checkpoint(number)
        write_whole(self._disk, path, checkpoint.frames_of(tables, self.codec, number, last))
        try:
            self._places.write_current(self._disk, Current(number, last))
        except Unsynced:
            raise
        except OSError:
            self._disk.unlink(path)
            raise

    def _sweep(self) -> None:
        """Remove what the newest checkpoint replaces; what stays is removed at the next start."""
        try:
            self._places.sweep(self._disk, self._log.number)
        except OSError as error:
            _logger.warning("Old files in %s could not be removed: %s", self._places.root, error)

    def rekey(self) -> int:
        with self._call(), self._checkpointing:
            with self._taking(self._log_lock):
                old = sum(map(self.codec.needs_rekey, checkpoint.sealed_in(self._places)))
            try:
                if old:
                    with self._watching_syncs():
                        write_whole(self._disk, self._places.key, [self.codec.proof()])
                    self._checkpoint()
            except OSError as error:
                raise StoreDown(f"The disk refused ({error}); rekey again.") from error
            return old
