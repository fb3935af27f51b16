"""Back up, restore, rekey, compact and verify states from the command line, on every store that outlives a process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from state import conf
from state.bus.database import DatabaseCursorStore
from state.models import Connection, Entry, State
from state.persistence.file import FilePersistence
from state.policy import Caller, system
from state.refusals import Compacted
from tests.admin.states import bury
from tests.persistence.backends import LASTING, files_below, rows_of_states
from tests.states_commands.conftest import NEW, OLD, SPACES, Use, fill, numbers, run

COUNTED = dict.fromkeys(SPACES, 5)


@pytest.fixture
def backup(kind: str, tmp_path: Path) -> Path:
    """A backup of the filled store."""
    path = tmp_path / "states.zip"
    told = run("state_backup", path)
    assert not told.error and "2 spaces" in told
    return path


def epochs() -> dict[str, str]:
    found = {info.id: info.epoch for info in conf.manager().store.spaces()}
    conf.close_manager()
    return found


def empty(kind: str) -> None:
    """Remove all spaces of the store."""
    manager = conf.manager()
    for info in manager.store.spaces():
        manager.drop_space(system(info.id))
    conf.close_manager()


# -- backup and restore -----------------------------------------------------------------------------------------------


def test_a_backup_brings_everything_back_under_new_epochs(kind: str, backup: Path) -> None:
    before = epochs()
    empty(kind)
    told = run("state_restore", backup)
    assert not told.error and "2 spaces restored" in told
    assert numbers() == COUNTED
    after = epochs()
    assert after.keys() == before.keys() and not set(after.values()) & set(before.values())
    assert not run("state_verify").error


@pytest.mark.parametrize("target", LASTING)
def test_a_backup_goes_into_any_store(use: Use, tmp_path: Path, target: str) -> None:
    path = tmp_path / "states.zip"
    for source in ("file", "redis"):
        if source != target:
            use(source, keys=OLD, encryption=True)
            fill()
            assert not run("state_backup", path, force=True).error
    use(target, keys=OLD, encryption=True)
    assert not run("state_restore", path).error
    assert numbers() == COUNTED
    assert not run("state_verify").error


def test_present_states_are_replaced_only_on_demand(kind: str, backup: Path) -> None:
    manager = conf.manager()
    manager.update_state(system("Harbour"), "plan", {"n": 99})
    before = epochs()
    assert "--replace replaces" in run("state_restore", backup).error
    assert numbers() == {**COUNTED, "Harbour": 99}
    assert epochs() == before
    assert not run("state_restore", backup, replace=True).error
    assert numbers() == COUNTED


def test_a_corrupt_backup_is_refused_before_anything_is_touched(kind: str, backup: Path) -> None:
    whole = bytearray(backup.read_bytes())
    before = epochs()
    for place in range(40, len(whole), len(whole) // 12):
        damaged = bytearray(whole)
        damaged[place] ^= 0x20
        backup.write_bytes(damaged)
        told = run("state_restore", backup, replace=True)
        assert told.error, place
    backup.write_bytes(whole[: len(whole) // 2])
    assert run("state_restore", backup, replace=True).error
    assert (epochs(), numbers()) == (before, COUNTED)


def test_a_backup_with_a_foreign_key_is_refused(use: Use, tmp_path: Path) -> None:
    use("file", keys=OLD, encryption=True)
    fill()
    path = tmp_path / "states.zip"
    run("state_backup", path)
    assert b"seagull" not in path.read_bytes()
    use("database", keys=NEW, encryption=True)
    assert "key 'old', which is not in the keyring" in run("state_restore", path).error
    assert conf.manager().store.spaces() == []


def test_files_that_are_in_the_way_or_missing(kind: str, backup: Path, tmp_path: Path) -> None:
    kept = backup.read_bytes()
    assert "--force" in run("state_backup", backup).error
    assert backup.read_bytes() == kept
    assert not run("state_backup", backup, force=True).error
    assert "No such file or directory" in run("state_backup", tmp_path / "no" / "where").error
    assert "There is no file" in run("state_restore", tmp_path / "nothing").error


# -- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", LASTING)
def test_a_key_is_replaced_everywhere_and_the_old_one_may_go(
    use: Use, tmp_path: Path, store: str, place: Callable[[str], str]
) -> None:
    use(store, keys=OLD, encryption=True)
    fill()
    letter = bury()
    use(store, keys=f"{NEW},{OLD}", encryption=True)
    told = run("state_rekey")
    assert not told.error and "now all are encrypted with the key 'new'" in told
    use(store, keys=NEW, encryption=True)
    assert numbers() == COUNTED
    assert DatabaseCursorStore(conf.manager().store.codec).letter(letter).attempts == 6
    assert not run("state_verify").error
    assert run("state_rekey").startswith("0 parts")
    use(store, keys=OLD, encryption=True)
    for command in ("state_verify", "state_rekey", "state_compact"):
        assert "key 'new', which is not in the keyring" in run(command).error
    assert "key 'new'" in run("state_backup", tmp_path / "no.zip").error
    assert not (tmp_path / "no.zip").exists()


@pytest.mark.parametrize("store", LASTING)
def test_encryption_is_taken_up_and_given_up_by_rekeying(use: Use, store: str) -> None:
    use(store, compression=False)
    fill()
    use(store, keys=OLD, encryption=True, compression=False)
    assert "encrypted with the key 'old'" in run("state_rekey")
    if store != "redis":
        kept = files_below(_directory()) if store == "file" else rows_of_states()
        assert b"seagull" not in kept
    use(store, keys=OLD, compression=False)
    assert "none is encrypted" in run("state_rekey")
    use(store, compression=False)
    assert numbers() == COUNTED


def test_encryption_without_a_key_is_refused(use: Use) -> None:
    use("database", encryption=True)
    assert "the keyring is empty" in run("state_rekey").error
    use("database", keys="old:tooshort", encryption=True)
    told = run("state_rekey").error
    assert "Key 1 of the keyring" in told and "tooshort" not in told


# -- compaction -------------------------------------------------------------------------------------------------------


def test_history_is_given_up_to_a_revision_and_data_stay(kind: str) -> None:
    told = run("state_compact", space="Harbour", to=6)
    assert not told.error
    assert told.splitlines() == ["Harbour: history begins after revision 6 of 7."]
    assert numbers() == COUNTED
    with pytest.raises(Compacted):
        conf.manager().get_state(system("Harbour"), "plan", version=2)
    assert conf.manager().get_state(system("Harbour"), "plan", version=4).data["n"] == 4
    assert not run("state_verify").error
    assert conf.manager().get_state(system("Lighthouse"), "plan", version=2).data["n"] == 2


def test_without_a_revision_retention_decides(kind: str, use: Use) -> None:
    assert run("state_compact").splitlines() == [
        f"{space}: history begins after revision 0 of 7." for space in SPACES
    ]
    use(kind, retention={"*": 0}, min_entries=2)
    assert "Harbour: history begins after revision 5 of 7." in run("state_compact")


def test_what_connected_agents_still_need_stays_unless_a_revision_is_named(
    kind: str, use: Use
) -> None:
    agent = Caller(space="Harbour", name="agent:wim")
    held = conf.sync_manager().sessions.open(agent, user_id=None)
    conf.close_manager()
    Connection.objects.filter(pk=held.id).update(acked=3)
    use(kind, retention={"*": 0}, min_entries=2)
    told = run("state_compact").splitlines()
    assert told[0] == "Harbour: history begins after revision 3 of 7."
    assert told[1] == "Lighthouse: history begins after revision 5 of 7."
    told = run("state_compact", space="Harbour", to=6).splitlines()
    assert told == ["Harbour: history begins after revision 6 of 7."]


def test_a_revision_belongs_to_a_space(kind: str) -> None:
    assert "--to needs --space" in run("state_compact", to=3).error
    for command in ("state_compact", "state_verify"):
        assert "There is no space 'Nowhere'" in run(command, space="Nowhere").error


# -- verifying --------------------------------------------------------------------------------------------------------


def test_what_is_whole_has_no_faults(kind: str) -> None:
    told = run("state_verify")
    assert not told.error
    assert told.splitlines() == [f"{s}: 2 states, 7 entries, revision 7: no faults" for s in SPACES]
    assert run("state_verify", space="Harbour").splitlines() == told.splitlines()[:1]


@pytest.fixture
def rows(use: Use) -> None:
    """Everything in the database."""
    use("database")
    fill()


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        ("document", "plan: the document is not what its log makes of it"),
        ("state version", "plan: is at version 4, its log at 5"),
        ("entry gone", "revision 5 is missing before 6"),
        ("entry emptied", "plan version 3 (revision 5): the replayed document has another hash"),
        ("entry hash", "plan version 3 (revision 5): the replayed document has another hash"),
        ("entry version", "plan version 33 (revision 5): follows version 2"),
        ("last entry gone", "the log ends at 6, the space is at 7"),
        ("bytes of an entry", "is damaged"),
        ("bytes of a document", "is damaged"),
    ],
)
def test_rows_that_were_tampered_with_are_found(rows: None, tamper: str, fault: str) -> None:
    def packed(value: Any, version: int, column: str) -> bytes:
        state = State.objects.get(space="Harbour", key="plan")
        return conf.manager().store.codec.pack(value, "Harbour", state.uid, version, column)

    plan = State.objects.filter(space="Harbour", key="plan")
    entry = Entry.objects.filter(space="Harbour", revision=5)
    body: dict[str, Any] = {
        "ops": [],
        "overwrote": [],
        "config": {},
        "conflict": None,
        "metadata": {},
    }
    match tamper:
        case "document":
            plan.update(data=packed({"n": 6}, 5, "data"))
        case "state version":
            settings = packed(_settings(), 4, "settings")
            plan.update(version=4, data=packed({"n": 5}, 4, "data"), settings=settings)
        case "entry gone":
            entry.delete()
        case "entry emptied":
            entry.update(body=packed(body, 3, "entry"))
        case "entry hash":
            entry.update(hash="0" * 64)
        case "entry version":
            entry.update(version=33, body=packed(body, 33, "entry"))
        case "last entry gone":
            Entry.objects.filter(space="Harbour", revision=7).delete()
        case "bytes of an entry":
            entry.update(body=b"zjunk")
        case "bytes of a document":
            plan.update(data=b"")
    told = run("state_verify")
    assert fault in told, told
    assert "fault" in told.error
    assert "Lighthouse: 2 states, 7 entries, revision 7: no faults" in told


def _settings() -> dict[str, Any]:
    return {"owners": ["a"], "access_policy": {"public": True}}


def test_data_in_redis_that_were_tampered_with_are_found(
    use: Use, place: Callable[[str], str], settings: Any
) -> None:
    use("redis", compression=False)
    fill()
    with redis.Redis.from_url(settings.STARS_STATES["connection_string"]) as client:
        changed = 0
        for key in client.scan_iter("*Harbour*"):
            if client.type(key) == b"hash":
                for field, value in client.hgetall(key).items():
                    if b'"n":5' in value:
                        client.hset(key, field, value.replace(b'"n":5', b'"n":6'))
                        changed += 1
    assert changed
    told = run("state_verify")
    assert "plan: the document is not what its log makes of it" in told
    assert told.error == "1 fault."


# -- repairing a file store -------------------------------------------------------------------------------------------


def _directory() -> Path:
    return Path(conf.persistence_config().connection_string)


@pytest.fixture
def log(use: Use, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The log of a file store whose process was killed: no checkpoint at the end."""
    use("file")
    with monkeypatch.context() as killed:
        killed.setattr(FilePersistence, "_try_checkpoint", lambda _: None)
        fill()
    yield max((_directory() / "wal").glob("*.log"))


def damage(log: Path) -> None:
    """Turn over a bit in the middle."""
    data = bytearray(log.read_bytes())
    data[len(data) * 2 // 3] ^= 0x10
    log.write_bytes(data)


def test_a_damaged_log_is_refused_and_repaired_with_a_copy_kept(log: Path) -> None:
    before = epochs()
    damage(log)
    damaged = log.read_bytes()
    told = run("state_verify")
    assert "damaged at offset" in told.error and str(log) in told.error
    assert log.read_bytes() == damaged
    told = run("state_verify", repair=True)
    assert not told.error
    assert "damaged at offset" in told and "cut back" in told
    assert "Harbour: 2 states" in told and "no faults" in told
    [copy] = _directory().parent.glob("store.damaged-*")
    assert (copy / "wal" / log.name).read_bytes() == damaged
    assert str(copy) in told
    after = epochs()
    assert not set(after.values()) & set(before.values())
    assert not run("state_verify").error


def test_a_store_that_is_whole_is_left_alone(log: Path) -> None:
    before = epochs()
    told = run("state_verify", repair=True)
    assert told.startswith("There was nothing to repair.") and not told.error
    assert (numbers(), epochs()) == (COUNTED, before)
    assert not list(_directory().parent.glob("store.damaged-*"))


def test_a_store_in_use_is_neither_repaired_nor_read(log: Path) -> None:
    store = conf.make_manager()
    try:
        for options in ({}, {"repair": True}):
            assert "is in use by process" in run("state_verify", **options).error
    finally:
        store.close()


@pytest.mark.parametrize("store", ["database", "redis"])
def test_only_the_file_store_is_repaired(use: Use, store: str) -> None:
    use(store)
    assert "restore a backup" in run("state_verify", repair=True).error


# -- where no command reaches -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["state_verify", "state_rekey", "state_compact"])
def test_states_in_memory_are_out_of_reach(use: Use, command: str, settings: Any) -> None:
    use("memory")
    assert "/api/v1/backup/" in run(command).error
    use("database")
    settings.STARS_STATE_MANAGER = {"enable_persistence": False}
    assert "/api/v1/backup/" in run(command).error


def test_a_store_that_is_not_known_or_not_there(
    use: Use, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    use("database")
    settings.STARS_STATES = {"type": "paper"}
    assert "paper" in run("state_verify").error
    settings.STARS_STATES = {"type": "redis", "connection_string": "redis://127.0.0.1:1/0"}
    with caplog.at_level(logging.CRITICAL):
        assert "127.0.0.1:1" in run("state_verify").error
