"""What a client keeps in a directory, so that a restarted process goes on where the one before it was.

`replica.json` holds replicas with the tokens that belong to them and is replaced whole; `outbox.ndjson` grows by a line
per write and per answer. Both outlive the process; what the system had not yet written is lost with the machine.
One process at a time may use a directory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec

from state.sync.client.refusals import ForeignStore
from state.sync.client.replica import Saved
from state.sync.protocol import Write

#: Ends in the outbox's file after which it is written anew.
ENDS: Final = 1000


class Kept(msgspec.Struct, kw_only=True):
    """The replicas of a client, by `key_of` their subscriptions."""

    space: str
    agent: str
    session: str | None = None
    replicas: dict[str, Saved] = {}


class _Line(msgspec.Struct, omit_defaults=True):
    """One line of the outbox: a write, or the op_id of one that came to its end."""

    write: Write | None = None
    end: str = ""


_line: Final = msgspec.json.Decoder(_Line)
_kept: Final = msgspec.json.Decoder(Kept)


def key_of(patterns: tuple[str, ...], mode: str) -> str:
    """What a replica is kept under."""
    return msgspec.json.encode([mode, *patterns]).decode()


class Store:
    """See above. Every call may block on the disk."""

    def __init__(self, directory: Path, space: str, agent: str) -> None:
        """Makes the directory. Raises ForeignStore, OSError."""
        directory.mkdir(parents=True, exist_ok=True)
        self._replica, self._outbox = directory / "replica.json", directory / "outbox.ndjson"
        #: A save goes on in its thread when the client that asked for it ends, and saves.
        self._saving = Lock()
        self.kept = Kept(space=space, agent=agent)
        if self._replica.exists():
            self.kept = _kept.decode(self._replica.read_bytes())
            if (self.kept.space, self.kept.agent) != (space, agent):
                raise ForeignStore
        else:
            self.keep(self.kept)
        self.writes = self._read()
        # Without what was cut off, so that a line can follow.
        self._rewrite(self.writes)
        self._ends = 0
        #: Opened by the first line.
        self._lines: FileIO | None = None

    def keep(self, kept: Kept) -> None:
        """Keep the replicas and their tokens, all at once. Raises OSError."""
        with self._saving:
            _replace(self._replica, msgspec.json.encode(kept))

    def add(self, write: Write) -> None:
        """Keep a write before it is sent. Raises OSError: then it is not kept."""
        self._append(_Line(write=write))

    def end(self, op_id: str, open_: Callable[[], tuple[Write, ...]]) -> None:
        """A write came to its end; `open_()` are those that did not. Raises OSError."""
        self._ends += 1
        if self._ends >= ENDS:
            self.close()
            self._rewrite(open_())
            self._ends = 0
        else:
            self._append(_Line(end=op_id))

    def close(self) -> None:
        """Idempotent."""
        if self._lines is not None:
            self._lines.close()
            self._lines = None

    def _append(self, line: _Line) -> None:
        if self._lines is None:
            self._lines = self._outbox.open("ab", buffering=0)
        place = self._lines.seek(0, os.SEEK_END)
        rest = msgspec.json.encode(line) + b"\n"
        try:
            while rest:
                rest = rest[self._lines.write(rest) :]
        except OSError:
            # Half a line would spoil the next one.
            self._lines.truncate(place)
            raise

    def _rewrite(self, writes: tuple[Write, ...]) -> None:
        lines = (msgspec.json.encode(_Line(write=each)) + b"\n" for each in writes)
        _replace(self._outbox, b"".join(lines))

    def _read(self) -> tuple[Write, ...]:
        found: dict[str, Write] = {}
        if self._outbox.exists():
            for raw in self._outbox.read_bytes().splitlines():
                try:
                    line = _line.decode(raw)
                except (
                    msgspec.DecodeError
                ):  # the last one, cut off: nobody was told that it is kept
                    break
                if line.write is not None:
                    found[line.write.op_id] = line.write
                else:
                    found.pop(line.end, None)
        return tuple(found.values())


def _replace(path: Path, content: bytes) -> None:
    """Atomically: a reader finds the old content or the new one."""
    new = path.with_name(path.name + ".new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
