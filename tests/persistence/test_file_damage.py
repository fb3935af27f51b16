"""Damage to the files of a store is refused with file and offset, and can be repaired with a copy kept."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from state.persistence.codec import Codec
from state.persistence.file import FilePersistence
from state.persistence.file.frames import Frame, read
from state.persistence.keyring import Keyring
from state.refusals import Damaged, StoreDown, WrongKey
from state.values import PersistenceConfig, PersistenceType
from tests.persistence.backends import PLAIN, PRIVATE
from tests.persistence.build import SPACE, a_write, grow, put
from tests.persistence.forgetful import QuickDisk, store

LOG = Path("wal") / "0000000001.log"


@pytest.fixture(params=["plain", "private"])
def codec(request: pytest.FixtureRequest) -> Codec:
    return PLAIN if request.param == "plain" else PRIVATE


@pytest.fixture
def left(tmp_path: Path, codec: Codec) -> Path:
    """What a killed process left: a log of six frames, the last of which brought "plan" to version 5."""
    layer = store(tmp_path / "killed", codec)
    layer.open_space(SPACE)
    for version in range(1, 6):
        grow(layer, until=version)
    shutil.copytree(tmp_path / "killed", tmp_path / "left")
    layer.close()
    return tmp_path / "left"


def frames_of(path: Path) -> list[Frame]:
    return [each for each in read(path.read_bytes(), None) if isinstance(each, Frame)]


def flip(path: Path, place: int) -> None:
    """Turn over one bit."""
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(data)


def version_in(root: Path, codec: Codec) -> int:
    layer = store(root, codec)
    found = layer.load_states(SPACE, ["plan"])
    layer.close()
    return found["plan"].version if found else 0


def refusal(root: Path, codec: Codec) -> str:
    """What is said when the store is refused; it is refused again, and stays as it is."""
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with pytest.raises(Damaged) as refused:
        store(root, codec)
    with pytest.raises(Damaged):
        store(root, codec)
    assert before.items() <= {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}.items()
    return refused.value.message


# -- the log ----------------------------------------------------------------------------------------------------------


def test_a_write_that_was_torn_anywhere_is_cut_off(left: Path, codec: Codec) -> None:
    frames = frames_of(left / LOG)
    assert len(frames) == 6
    whole = (left / LOG).read_bytes()
    head = range(frames[-1].offset, frames[-1].offset + 24)
    for size in [*head, *range(head.stop, len(whole), 31), len(whole) - 1]:
        (left / LOG).write_bytes(whole[:size])
        assert version_in(copy_of(left), codec) == 4
    (left / LOG).write_bytes(whole)
    assert version_in(copy_of(left), codec) == 5


def test_zeros_after_the_end_are_cut_off(left: Path, codec: Codec) -> None:
    with (left / LOG).open("ab") as log:
        log.write(bytes(5000))
    assert version_in(copy_of(left), codec) == 5
    grown = store(left, codec)
    grow(grown, until=9)
    grown.close()
    assert version_in(left, codec) == 9


def copy_of(root: Path) -> Path:
    """A copy of the directory, in the place of the last one."""
    target = root.with_name("copy")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(root, target)
    return target


def test_any_flipped_bit_before_the_last_frame_is_refused_with_its_place(
    left: Path, codec: Codec
) -> None:
    for each in frames_of(left / LOG)[:-1]:
        places = [*range(each.offset, each.offset + 20, 3), *range(each.offset + 20, each.end, 61)]
        for place in places:
            root = copy_of(left)
            flip(root / LOG, place)
            said = refusal(root, codec) if place == places[0] else said_once(root, codec)
            assert f"{LOG} is damaged at offset {each.offset}" in said


def said_once(root: Path, codec: Codec) -> str:
    with pytest.raises(Damaged) as refused:
        store(root, codec)
    return refused.value.message


def test_a_flipped_bit_in_the_last_frame_never_shows_anything_wrong(
    left: Path, codec: Codec
) -> None:
    last = frames_of(left / LOG)[-1]
    for place in [*range(last.offset, last.offset + 24, 3), *range(last.offset, last.end, 31)]:
        root = copy_of(left)
        flip(root / LOG, place)
        assert version_in(root, codec) == 4


def test_a_frame_that_is_missing_in_the_middle_is_refused(left: Path, codec: Codec) -> None:
    frames = frames_of(left / LOG)
    data = (left / LOG).read_bytes()
    (left / LOG).write_bytes(data[: frames[2].offset] + data[frames[2].end :])
    assert f"offset {frames[2].offset} (missing: frame 3)" in refusal(left, codec)


def test_a_frame_moved_to_another_place_is_refused(left: Path, codec: Codec) -> None:
    frames = frames_of(left / LOG)
    data = (left / LOG).read_bytes()
    second = data[frames[1].offset : frames[1].end]
    (left / LOG).write_bytes(data[: frames[3].offset] + second + data[frames[4].offset :])
    assert "is damaged at offset" in refusal(left, codec)


@pytest.mark.parametrize("gone", [1, 2])
def test_a_part_of_the_log_that_is_missing_is_noticed(tmp_path: Path, gone: int) -> None:
    root = tmp_path / "store"
    layer = parts_without_checkpoints(root)
    names = sorted(path.name for path in (root / "wal").iterdir())
    assert names == ["0000000001.log", "0000000002.log", "0000000003.log"]
    damaged = copy_of(root)
    layer.close()
    (damaged / "wal" / f"000000000{gone}.log").unlink()
    assert f"000000000{gone}.log is missing" in refusal(damaged, PRIVATE)


class NoCheckpoints(QuickDisk):
    """Has no room for checkpoints."""

    refuses = False

    def replace(self, source: Path, target: Path) -> None:
        if self.refuses:
            raise OSError(28, "No space left on device")
        super().replace(source, target)


def parts_without_checkpoints(root: Path) -> FilePersistence:
    """A store whose log has three parts, since two checkpoints failed half way; "plan" has version 6."""
    disk = NoCheckpoints()
    layer = store(root, disk=disk)
    layer.open_space(SPACE)
    disk.refuses = True
    for until in (2, 4):
        grow(layer, until=until)
        with pytest.raises(StoreDown):
            layer.checkpoint()
    grow(layer, until=6)
    disk.refuses = False
    return layer


# -- checkpoints and the rest -----------------------------------------------------------------------------------------


@pytest.fixture
def closed(left: Path, codec: Codec) -> Path:
    """What a store that was closed in order left: one checkpoint with everything."""
    layer = store(left, codec)
    grow(layer, until=70)
    layer.close()
    assert [path.stat().st_size for path in (left / "wal").iterdir()] == [0]
    return left


def only_checkpoint(root: Path) -> Path:
    (found,) = (root / "snap").iterdir()
    return found


def test_any_flipped_bit_of_a_checkpoint_is_refused_with_its_place(
    closed: Path, codec: Codec
) -> None:
    size = only_checkpoint(closed).stat().st_size
    for place in [*range(0, 24, 3), *range(24, size, max(1, size // 30)), size - 1]:
        root = copy_of(closed)
        path = only_checkpoint(root)
        flip(path, place)
        assert f"{path} is damaged at offset" in said_once(root, codec)


def test_a_checkpoint_that_is_cut_short_or_missing_is_refused(closed: Path, codec: Codec) -> None:
    path = only_checkpoint(closed)
    data = path.read_bytes()
    for size in (0, 10, frames_of(path)[-1].offset, len(data) - 1):
        path.write_bytes(data[:size])
        assert str(path) in refusal(closed, codec)
    path.unlink()
    assert f"{path} is missing" in refusal(closed, codec)


def test_a_damaged_or_missing_current_is_refused(closed: Path, codec: Codec) -> None:
    path = closed / "CURRENT"
    data = path.read_bytes()
    for place in range(len(data)):
        flip(path, place)
        assert f"{path} is damaged" in said_once(closed, codec)
        path.write_bytes(data)
    path.unlink()
    assert f"{path} is missing" in refusal(closed, codec)
    path.write_bytes(data)
    assert version_in(closed, codec) == 70


def test_a_missing_log_is_refused(closed: Path, codec: Codec) -> None:
    (path,) = (closed / "wal").iterdir()
    path.unlink()
    assert f"{path} is missing" in refusal(closed, codec)


def test_a_damaged_checkpoint_is_replaced_by_the_one_before_while_its_log_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "store"
    layer = store(root)
    layer.open_space(SPACE)
    grow(layer, until=5)
    older = copy_of(root)
    layer.checkpoint()
    grow(layer, until=8)
    killed = tmp_path / "killed"
    shutil.copytree(root, killed)
    layer.close()
    flip(killed / "snap" / "0000000002.zst", 200)
    both = tmp_path / "both"
    shutil.copytree(killed, both)
    shutil.copytree(older / "wal", both / "wal", dirs_exist_ok=True)
    shutil.copytree(older / "snap", both / "snap", dirs_exist_ok=True)
    assert "0000000002.zst is damaged" in refusal(killed, PRIVATE)
    with caplog.at_level(logging.ERROR):
        assert version_in(both, PRIVATE) == 8
    assert "Checkpoint 2" in caplog.text
    assert version_in(both, PRIVATE) == 8


def test_an_older_checkpoint_without_all_its_log_is_no_way_back(tmp_path: Path) -> None:
    root = tmp_path / "store"
    layer = store(root)
    layer.open_space(SPACE)
    grow(layer, until=5)
    older = copy_of(root)
    grow(layer, until=6)
    layer.checkpoint()
    both = tmp_path / "both"
    shutil.copytree(root, both)
    layer.close()
    shutil.copytree(older / "wal", both / "wal", dirs_exist_ok=True)
    shutil.copytree(older / "snap", both / "snap", dirs_exist_ok=True)
    flip(both / "snap" / "0000000002.zst", 200)
    assert "0000000002.zst is damaged" in refusal(both, PRIVATE)


# -- keys -------------------------------------------------------------------------------------------------------------


def private(*keys: str) -> Codec:
    return Codec(True, True, Keyring.parse(",".join(keys)))


def test_a_wrong_key_stops_the_start(tmp_path: Path) -> None:
    one, two = Keyring.generate("one"), Keyring.generate("two")
    layer = store(tmp_path, private(one))
    layer.open_space(SPACE)
    put(layer, a_write())
    layer.close()
    for wrong in (private(two), private(Keyring.generate("one")), PLAIN):
        with pytest.raises(WrongKey, match="one"):
            store(tmp_path, wrong)
    assert version_in(tmp_path, private(two, one)) == 1


def test_after_rekey_nothing_needs_the_old_key(tmp_path: Path) -> None:
    one, two = Keyring.generate("one"), Keyring.generate("two")
    layer = store(tmp_path, private(one))
    layer.open_space(SPACE)
    grow(layer, until=5)
    layer.close()
    layer = store(tmp_path, private(two, one))
    grow(layer, until=6)
    assert layer.rekey() > 0
    assert layer.rekey() == 0
    grow(layer, until=7)
    layer.close()
    assert version_in(tmp_path, private(two)) == 7


def test_nothing_readable_lies_in_an_encrypted_store(left: Path, codec: Codec) -> None:
    files = b"".join(path.read_bytes() for path in left.rglob("*") if path.is_file())
    assert (b"agent:lena" in files) == (codec is PLAIN)


# -- repair -----------------------------------------------------------------------------------------------------------


def epoch_in(root: Path, codec: Codec) -> str:
    layer = store(root, codec)
    epoch = layer.open_space(SPACE).epoch
    layer.close()
    return epoch


def test_repair_keeps_a_copy_cuts_at_the_damage_and_begins_another_epoch(
    left: Path, codec: Codec
) -> None:
    epoch = epoch_in(copy_of(left), codec)
    flip(left / LOG, frames_of(left / LOG)[3].offset + 30)
    damaged = (left / LOG).read_bytes()
    refusal(left, codec)
    done = FilePersistence.repair(left)
    assert done.copy is not None
    assert (done.copy / LOG).read_bytes() == damaged
    assert [f"{LOG} is damaged" in line for line in done.given_up] == [True]
    assert version_in(left, codec) == 2
    assert epoch_in(left, codec) != epoch
    assert epoch_in(left, codec) == epoch_in(left, codec)
    assert FilePersistence.repair(left).copy is None


def test_repair_leaves_a_sound_store_alone(left: Path, codec: Codec) -> None:
    epoch = epoch_in(copy_of(left), codec)
    assert FilePersistence.repair(left).given_up == ()
    assert (version_in(left, codec), epoch_in(left, codec)) == (5, epoch)


def test_repair_gives_up_what_follows_upon_a_missing_part(tmp_path: Path) -> None:
    layer = parts_without_checkpoints(tmp_path / "store")
    root = copy_of(tmp_path / "store")
    layer.close()
    (root / "wal" / "0000000002.log").unlink()
    done = FilePersistence.repair(root)
    assert len(done.given_up) == 1
    assert "0000000003.log" in done.given_up[0]
    assert version_in(root, PRIVATE) == 2


def test_repair_finds_the_checkpoint_without_current(closed: Path, codec: Codec) -> None:
    (closed / "CURRENT").unlink()
    FilePersistence.repair(closed)
    assert version_in(closed, codec) == 70


def test_repair_says_when_only_a_backup_helps(closed: Path, codec: Codec) -> None:
    flip(only_checkpoint(closed), 60)
    with pytest.raises(Damaged, match="restore a backup"):
        FilePersistence.repair(closed)
    refusal(closed, codec)


def test_repair_keeps_off_a_store_in_use(tmp_path: Path) -> None:
    layer = store(tmp_path / "store")
    with pytest.raises(StoreDown, match="in use by process"):
        FilePersistence.repair(tmp_path / "store")
    layer.close()
    with pytest.raises(Damaged, match="no directory"):
        FilePersistence.repair(tmp_path / "nothing")


def test_a_store_needs_a_directory_named(tmp_path: Path) -> None:
    config = PersistenceConfig(type=PersistenceType.FILE, connection_string=str(tmp_path / "file"))
    (tmp_path / "file").write_bytes(b"not a directory")
    with pytest.raises(StoreDown, match="cannot be used"):
        FilePersistence(config, PLAIN)
