"""A disk that can die at any step and forget whatever was not synced, and a script of work to do on it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from state.persistence.codec import Codec
from state.persistence.file import FilePersistence
from state.persistence.file.disk import Disk
from state.refusals import StoreDown
from state.values import EntryKind, PersistenceConfig, PersistenceType
from tests.persistence.backends import PRIVATE
from tests.persistence.build import (
    SPACE,
    a_conflict,
    a_tx,
    a_write,
    an_audit,
    an_op,
    at,
    commit,
    grow,
    put,
)


class QuickDisk(Disk):
    """Never waits for the machine's disk: for tests in which nothing is killed."""

    def sync(self, fd: int) -> None:
        """Nothing to wait for."""

    def sync_directory(self, path: Path) -> None:
        """Nothing to wait for."""


class Killed(BaseException):
    """The machine stopped."""


class _File:
    def __init__(self, content: bytes = b"") -> None:
        self.content = content
        self.synced = content
        #: What was there before a cut that is not synced.
        self.uncut = b""

    def torn(self) -> bytes:
        """Half of what is not synced."""
        return self.content[: (len(self.synced) + len(self.content)) // 2]

    def garbled(self) -> bytes:
        """Zeros for what is not synced."""
        return self.synced + bytes(max(0, len(self.content) - len(self.synced)))


#: What may be left of a file.
CONTENTS: dict[str, Callable[[_File], bytes]] = {
    "lost": lambda file: file.synced,
    "kept": lambda file: file.content,
    "uncut": lambda file: file.uncut or file.content,
    "torn": _File.torn,
    "garbled": _File.garbled,
}
#: Which contents and names survive: every mixture of both.
SURVIVALS = [(contents, names) for contents in CONTENTS for names in ("lost", "kept")]


class ForgetfulDisk(Disk):
    """Works on a real directory, and knows what of it would survive.

    It dies at step `dies_at` (1: the first), in the middle of a write; `lies` names calls that sync nothing.
    """

    def __init__(self, root: Path, dies_at: int = 0, lies: str = "") -> None:
        self._dies_at = dies_at
        self._lies = lies
        self.steps = 0
        self.full = False
        self._files = {
            path: _File(path.read_bytes()) for path in sorted(root.rglob("*")) if path.is_file()
        }
        self._names = dict(self._files)
        self._opened: dict[int, _File] = {}

    def _step(self) -> None:
        self.steps += 1
        if self.steps == self._dies_at:
            raise Killed

    def open(self, path: Path) -> int:
        self._step()
        fd = super().open(path)
        self._opened[fd] = self._files.setdefault(path, _File())
        return fd

    def write(self, fd: int, data: bytes) -> None:
        half = data[: len(data) // 2]
        try:
            self._step()
        except Killed:
            self._opened[fd].content += half
            raise
        written = half if self.full else data
        super().write(fd, written)
        self._opened[fd].content += written
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")

    def truncate(self, fd: int, size: int) -> None:
        self._step()
        super().truncate(fd, size)
        file = self._opened[fd]
        file.uncut, file.content = file.content, file.content[:size]

    def sync(self, fd: int) -> None:
        self._step()
        if self._lies != "sync":
            file = self._opened[fd]
            file.synced, file.uncut = file.content, b""

    def close(self, fd: int) -> None:
        super().close(fd)
        self._opened.pop(fd)

    def replace(self, source: Path, target: Path) -> None:
        self._step()
        super().replace(source, target)
        self._files[target] = self._files.pop(source)

    def unlink(self, path: Path) -> None:
        self._step()
        super().unlink(path)
        self._files.pop(path, None)

    def sync_directory(self, path: Path) -> None:
        self._step()
        if self._lies != "sync_directory":
            inside = {name: file for name, file in self._files.items() if name.parent == path}
            others = {name: file for name, file in self._names.items() if name.parent != path}
            self._names = others | inside

    def let_go(self) -> None:
        """Close what the dead process had open."""
        for fd in self._opened:
            os.close(fd)
        self._opened = {}

    def leave(self, survival: tuple[str, str], root: Path, target: Path) -> None:
        """Make in `target` what a crash would leave now of what is in `root`."""
        contents, names = survival
        (target / "wal").mkdir(parents=True)
        (target / "snap").mkdir()
        for path, file in (self._names if names == "lost" else self._files).items():
            (target / path.relative_to(root)).write_bytes(CONTENTS[contents](file))


def store(root: Path, codec: Codec = PRIVATE, disk: Disk | None = None) -> FilePersistence:
    """The file layer on that directory."""
    config = PersistenceConfig(
        type=PersistenceType.FILE, connection_string=str(root), timeout=timedelta(seconds=15)
    )
    return FilePersistence(config, codec, disk or QuickDisk())


def abandon(layer: FilePersistence) -> None:
    """Let go of the directory as the end of a process would, with nothing tidied up."""
    layer._log.close()
    layer._lock.release()


def work(layer: FilePersistence, disk: ForgetfulDisk) -> Iterator[None]:
    """All kinds of changes, each done when its turn has come: whoever runs this knows what was acknowledged."""
    layer.open_space(SPACE)
    yield
    put(layer, a_write("plan"), a_write("log", {"long": "tide " * 300}))
    yield
    grow(layer, "plan", until=4)
    yield
    layer.enqueue(an_op("waits"))
    yield
    layer.enqueue(an_op("settled soon"))
    yield
    layer.note_retry(an_op("waits"), "no wind")
    yield
    disk.full = True
    with pytest.raises(StoreDown):
        put(layer, a_write("plan", expect=4))
    disk.full = False
    yield
    layer.checkpoint()
    yield
    op = an_op("settled soon", settled=True)
    tx = a_tx(a_write("plan", expect=4), op=op, conflicts=(a_conflict(),), audit=(an_audit(),))
    commit(layer, tx)
    yield
    put(layer, a_write("log", expect=1, kind=EntryKind.DELETE))
    yield
    layer.compact(SPACE, 3)
    yield
    layer.open_space("Bay")
    yield
    put(layer, a_write("plan", space="Bay"), space="Bay")
    yield
    layer.fill({"Bay": list(layer.dump(SPACE))}, replace=True)
    yield
    put(layer, a_write("plan", expect=5, space="Bay"), space="Bay")
    yield
    layer.forget_ops(SPACE, before=at(60))
    yield
    layer.checkpoint()
    yield
    put(layer, a_write("log", expect=2, kind=EntryKind.CREATE))
    yield
    layer.drop_space("Bay")
    yield
    grow(layer, "plan", until=7)
    yield
    layer.close()
    yield


def everything(layer: FilePersistence) -> dict[str, Any]:
    """All that can be seen in a store; how it is helped by snapshots is its own affair."""
    seen: dict[str, Any] = {}
    for space in layer.spaces():
        rows = [row for row in layer.dump(space.id) if row.kind != "snapshot"]
        states = [row.value for row in rows if row.kind == "state"]
        versions = {
            (each["id"], version): layer.data_at(space.id, each["id"], version)
            for each in states
            for version in range(each["compacted_version"], each["version"] + 1)
        }
        seen[space.id] = {"rows": msgspec.to_builtins(rows), "versions": versions}
    return seen


def without_epochs(seen: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The same without what differs from one run to the next, and that."""
    plain, epochs = dict[str, Any](), dict[str, str]()
    for space, parts in seen.items():
        first, *others = parts["rows"]
        value = {**first["value"], "epoch": ""}
        plain[space] = {**parts, "rows": [{**first, "value": value}, *others]}
        epochs[space] = first["value"]["epoch"]
    return plain, epochs
