"""The file store with a disk that refuses, its checkpoints while in use, and its directory's one owner."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from state.persistence.file import FilePersistence
from state.persistence.file.disk import Disk, Unsynced
from state.refusals import Closed, ConfigInvalid, OutcomeUnknown, SpaceNotFound, StoreDown
from state.values import PersistenceConfig, PersistenceType
from tests.persistence.backends import PLAIN, at_once
from tests.persistence.build import SPACE, a_write, an_op, grow, put
from tests.persistence.forgetful import QuickDisk, everything, store


class FailingDisk(QuickDisk):
    """Fails in the calls that are named in `fails`, with that error; of a write, half is done."""

    def __init__(self) -> None:
        self.fails: dict[str, int] = {}
        self.calls: list[str] = []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.fails:
            raise OSError(self.fails[name], os.strerror(self.fails[name]))

    def open(self, path: Path) -> int:
        self._call("open")
        return super().open(path)

    def write(self, fd: int, data: bytes) -> None:
        try:
            self._call("write")
        except OSError:
            super().write(fd, data[: len(data) // 2])
            raise
        super().write(fd, data)

    def truncate(self, fd: int, size: int) -> None:
        self._call("truncate")
        super().truncate(fd, size)

    def sync(self, fd: int) -> None:
        try:
            self._call("sync")
        except OSError as error:
            raise Unsynced(*error.args) from error

    def sync_directory(self, path: Path) -> None:
        try:
            self._call("sync_directory")
        except OSError as error:
            raise Unsynced(*error.args) from error

    def replace(self, source: Path, target: Path) -> None:
        self._call("replace")
        super().replace(source, target)

    def unlink(self, path: Path) -> None:
        self._call("unlink")
        super().unlink(path)


@pytest.fixture
def disk() -> FailingDisk:
    return FailingDisk()


@pytest.fixture
def layer(tmp_path: Path, disk: FailingDisk) -> Iterator[FilePersistence]:
    """A store with "plan" at version 2."""
    opened = store(tmp_path / "store", disk=disk)
    opened.open_space(SPACE)
    grow(opened, until=2)
    yield opened
    disk.fails = {}
    opened.close()


def version(layer: FilePersistence) -> int:
    return layer.load_state(SPACE, "plan").version


def again(layer: FilePersistence, tmp_path: Path) -> FilePersistence:
    layer.close()
    return store(tmp_path / "store")


# -- no space ---------------------------------------------------------------------------------------------------------


def test_a_commit_is_one_write_and_one_sync_however_many_transactions(
    layer: FilePersistence, disk: FailingDisk
) -> None:
    disk.calls = []
    grow(layer, until=40)
    assert disk.calls == ["write", "sync"]


def test_without_space_nothing_is_written_all_is_readable_and_later_it_works_again(
    layer: FilePersistence, disk: FailingDisk, tmp_path: Path
) -> None:
    before = everything(layer)
    disk.fails = {"write": errno.ENOSPC}
    writes: list[Callable[[], object]] = [
        lambda: grow(layer, until=3),
        lambda: layer.enqueue(an_op()),
        lambda: layer.open_space("Bay"),
        lambda: layer.compact(SPACE, 1),
        lambda: layer.drop_space(SPACE),
        lambda: layer.fill({SPACE: list(layer.dump(SPACE))}, replace=True),
        layer.checkpoint,
    ]
    for write in writes:
        with pytest.raises(StoreDown, match="No space left"):
            write()
        assert everything(layer) == before
    disk.fails = {}
    grow(layer, until=3)
    assert layer.enqueue(an_op()).n == 1
    assert version(again(layer, tmp_path)) == 3


def test_a_failed_write_that_cannot_be_taken_back_ends_all_writing(
    layer: FilePersistence, disk: FailingDisk, tmp_path: Path
) -> None:
    disk.fails = {"write": errno.EIO, "truncate": errno.EIO}
    with pytest.raises(StoreDown):
        grow(layer, until=3)
    disk.fails = {}
    with pytest.raises(StoreDown, match="can only be read"):
        grow(layer, until=3)
    assert version(layer) == 2
    assert version(again(layer, tmp_path)) == 2


def test_a_checkpoint_that_finds_no_space_costs_nothing_but_the_checkpoint(
    layer: FilePersistence, disk: FailingDisk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layer.checkpoint_frames = 1
    disk.fails = {"replace": errno.ENOSPC}
    grow(layer, until=3)
    assert "No checkpoint" in caplog.text
    disk.fails = {}
    grow(layer, until=4)
    assert len(list((tmp_path / "store" / "wal").iterdir())) == 1
    assert not list((tmp_path / "store").rglob("*.tmp"))
    assert version(again(layer, tmp_path)) == 4


# -- syncs that fail --------------------------------------------------------------------------------------------------


def test_a_failed_sync_ends_all_writing_is_never_retried_and_leaves_all_readable(
    layer: FilePersistence, disk: FailingDisk, tmp_path: Path
) -> None:
    before = everything(layer)
    disk.fails = {"sync": errno.EIO}
    with pytest.raises(OutcomeUnknown) as unknown:
        grow(layer, until=3)
    assert unknown.value.extra == {"outcome_unknown": True}
    disk.fails, disk.calls = {}, []
    writes: list[Callable[[], object]] = [
        lambda: grow(layer, until=3),
        lambda: layer.enqueue(an_op()),
        lambda: layer.open_space("Bay"),
        lambda: layer.drop_space(SPACE),
        lambda: layer.fill({SPACE: []}, replace=True),
        layer.checkpoint,
    ]
    for write in writes:
        with pytest.raises(StoreDown, match="can only be read"):
            write()
    assert everything(layer) == before
    assert layer.open_space(SPACE).revision == 2
    layer.close()
    assert disk.calls == []
    assert version(again(layer, tmp_path)) in (2, 3)


@pytest.mark.parametrize("call", ["sync", "sync_directory"])
def test_a_failed_sync_of_a_checkpoint_ends_all_writing_too(
    layer: FilePersistence, disk: FailingDisk, tmp_path: Path, call: str
) -> None:
    disk.fails = {call: errno.EIO}
    with pytest.raises(StoreDown):
        layer.checkpoint()
    disk.fails = {}
    with pytest.raises(StoreDown, match="can only be read"):
        grow(layer, until=3)
    assert version(layer) == 2
    assert version(again(layer, tmp_path)) == 2


def test_a_restore_whose_sync_fails_says_that_nobody_knows(
    layer: FilePersistence, disk: FailingDisk, tmp_path: Path
) -> None:
    rows = list(layer.dump(SPACE))
    disk.fails = {"sync_directory": errno.EIO}
    with pytest.raises(OutcomeUnknown):
        layer.fill({"Bay": rows}, replace=True)
    assert [each.id for each in layer.spaces()] == [SPACE]
    disk.fails = {}
    assert version(again(layer, tmp_path)) == 2


# -- checkpoints ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "size"), [("checkpoint_frames", 5), ("checkpoint_bytes", 3000)])
def test_the_log_is_replaced_by_a_checkpoint_when_it_has_grown(
    layer: FilePersistence, tmp_path: Path, limit: str, size: int
) -> None:
    setattr(layer, limit, size)
    for until in range(3, 30):
        grow(layer, until=until)
        assert len(list((tmp_path / "store" / "wal").iterdir())) == 1
        assert len(list((tmp_path / "store" / "snap").iterdir())) == 1
    (path,) = (tmp_path / "store" / "snap").iterdir()
    assert int(path.stem) > 3
    before = everything(layer)
    assert everything(again(layer, tmp_path)) == before


def test_checkpoints_take_nothing_from_those_who_write_and_read(tmp_path: Path) -> None:
    layer = store(tmp_path / "store")
    ended = threading.Event()

    def write(space: str) -> int:
        layer.open_space(space)
        for until in range(1, 60):
            grow(layer, until=until, space=space)
            assert layer.load_state(space, "plan").version == until
        return 1

    def checkpoint() -> int:
        made = 0
        while not ended.is_set():
            layer.checkpoint()
            made += 1
        return made

    def all_writers() -> int:
        try:
            return sum(at_once(*(lambda space=space: write(space) for space in "ABC")))
        finally:
            ended.set()

    written, made = at_once(all_writers, checkpoint)
    assert written == 3
    assert made > 3
    before = everything(layer)
    found = everything(again(layer, tmp_path))
    assert found == before
    assert sorted(found) == ["A", "B", "C"]


def test_what_is_closed_in_order_opens_from_its_checkpoint_alone(
    layer: FilePersistence, tmp_path: Path
) -> None:
    before = everything(layer)
    layer.close()
    layer.close()
    (log,) = (tmp_path / "store" / "wal").iterdir()
    assert log.stat().st_size == 0
    with pytest.raises(Closed):
        layer.checkpoint()
    opened = store(tmp_path / "store")
    assert everything(opened) == before
    opened.close()
    assert [log] == list((tmp_path / "store" / "wal").iterdir()), "nothing new to write down"


# -- the directory ----------------------------------------------------------------------------------------------------


def test_a_store_in_use_is_refused_naming_its_user(layer: FilePersistence, tmp_path: Path) -> None:
    with pytest.raises(StoreDown, match=f"in use by process {os.getpid()} on "):
        store(tmp_path / "store")
    assert version(again(layer, tmp_path)) == 2


def test_a_refused_start_leaves_the_directory_free(tmp_path: Path) -> None:
    disk = FailingDisk()
    disk.fails = {"write": errno.ENOSPC}
    with pytest.raises(StoreDown, match="cannot be used"):
        store(tmp_path / "store", disk=disk)
    layer = store(tmp_path / "store")
    assert layer.spaces() == []
    layer.close()


def test_a_directory_must_be_named() -> None:
    with pytest.raises(ConfigInvalid) as refused:
        FilePersistence(PersistenceConfig(type=PersistenceType.FILE), PLAIN)
    assert "connection_string" in refused.value.fields


def test_only_the_owner_may_read_what_is_kept(layer: FilePersistence, tmp_path: Path) -> None:
    layer.checkpoint()
    paths = [tmp_path / "store", *(tmp_path / "store").rglob("*")]
    assert {oct(path.stat().st_mode & 0o077) for path in paths} == {"0o0"}


def test_the_real_disk_tells_a_failed_sync_from_other_errors(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with pytest.raises(Unsynced):
        Disk().sync(writing)  # a pipe cannot be synced
    os.close(reading)
    os.close(writing)
    with pytest.raises(FileNotFoundError):
        Disk().sync_directory(tmp_path / "nothing")


def test_who_waits_for_a_space_that_is_dropped_learns_it(layer: FilePersistence) -> None:
    def drop() -> str:
        with layer.hold(SPACE, ["plan"]):
            ready.set()
            waiting.wait(5)
            layer.drop_space(SPACE)
        return "dropped"

    def write() -> str:
        ready.wait(5)
        waiting.set()
        with pytest.raises(SpaceNotFound):
            put(layer, a_write("plan", expect=2))
        return "refused"

    ready, waiting = threading.Event(), threading.Event()
    assert at_once(drop, write) == ["dropped", "refused"]
