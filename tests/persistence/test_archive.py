"""Backups: whole or not there, and nothing damaged, foreign or unreadable is ever handed on."""

from __future__ import annotations

import errno
import os
import stat
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from state.persistence import archive
from state.persistence.codec import Codec
from state.persistence.keyring import Keyring
from state.refusals import Damaged, WrongKey
from state.values import Row, SpaceInfo
from tests.persistence.build import a_conflict, a_state, a_write, an_audit, an_op

KEY = Keyring.generate("here")
PLAIN = Codec(False, False, Keyring())
PRIVATE = Codec(True, True, Keyring.parse(KEY))


def row(kind: str, value: msgspec.Struct) -> Row:
    return Row(kind=kind, value=msgspec.json.decode(msgspec.json.encode(value)))


def rows_of(space: str, *, states: int = 3) -> Iterator[Row]:
    yield row("space", SpaceInfo(id=space, epoch=f"e-{space}", revision=9, compact_revision=2))
    for n in range(states):
        yield row("state", a_state(f"state-{n}", space=space))
    yield row("entry", a_write().entry)
    yield row("op", an_op())
    yield row("conflict", a_conflict())
    yield row("audit", an_audit())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stars.backup"


def write(path: Path, codec: Codec = PLAIN) -> archive.Manifest:
    spaces: dict[str, Iterable[Row]] = {
        "Harbour": rows_of("Harbour"),
        "港/|": rows_of("港/|", states=1),
    }
    return archive.write(path, spaces, codec)


def read(path: Path, codec: Codec = PLAIN) -> dict[str, list[Row]]:
    with archive.reading(path, codec) as found:
        return {space: list(rows) for space, rows in found.spaces().items()}


@pytest.mark.parametrize("codec", [PLAIN, PRIVATE], ids=["plain", "private"])
def test_what_is_written_is_read(path: Path, codec: Codec) -> None:
    manifest = write(path, codec)
    assert read(path, codec) == {
        "Harbour": list(rows_of("Harbour")),
        "港/|": list(rows_of("港/|", states=1)),
    }
    with archive.reading(path, codec) as found:
        assert found.manifest == manifest
        rows = found.spaces()["Harbour"]
        assert list(rows) == list(rows), "rows can be read as often as needed"


def test_the_manifest_says_what_is_in_the_file(path: Path) -> None:
    manifest = write(path)
    assert manifest.format == 1
    assert manifest.app_version == "0.1.0"
    harbour, other = manifest.spaces
    assert (harbour.id, harbour.epoch, harbour.revision, harbour.compact_revision) == (
        "Harbour",
        "e-Harbour",
        9,
        2,
    )
    assert harbour.counts == {
        "space": 1,
        "state": 3,
        "entry": 1,
        "op": 1,
        "conflict": 1,
        "audit": 1,
    }
    assert other.counts["state"] == 1
    with zipfile.ZipFile(path) as file:
        assert msgspec.json.decode(file.read("manifest.json"), type=archive.Manifest) == manifest
        assert {each.compress_type for each in file.infolist()} == {zipfile.ZIP_STORED}


def test_an_encrypted_backup_tells_nothing(path: Path) -> None:
    write(path, PRIVATE)
    assert b"agent:lena" not in path.read_bytes()
    write(path, PLAIN)
    assert b"agent:lena" in path.read_bytes(), "else the first half shows nothing"


def test_a_space_without_rows_was_dropped_and_is_left_out(path: Path) -> None:
    archive.write(path, {"Gone": [], "Harbour": rows_of("Harbour")}, PLAIN)
    assert list(read(path)) == ["Harbour"]


def test_a_backup_without_spaces_is_one(path: Path) -> None:
    archive.write(path, {}, PRIVATE)
    assert read(path, PRIVATE) == {}


# -- parts ------------------------------------------------------------------------------------------------------------


def test_parts_hold_a_thousand_rows(path: Path) -> None:
    manifest = archive.write(path, {"Harbour": rows_of("Harbour", states=2500)}, PLAIN)
    assert [part.rows for part in manifest.spaces[0].parts] == [1000, 1000, 505]
    assert read(path)["Harbour"] == list(rows_of("Harbour", states=2500))


def test_a_space_is_never_whole_in_memory(path: Path) -> None:
    def rows() -> Iterator[Row]:
        yield row("space", SpaceInfo(id="Harbour", epoch="e"))
        for n in range(96):
            yield row("state", a_state(f"s{n}", data={"filling": f"{n}" + "x" * 1_000_000}))

    tracemalloc.start()
    try:
        archive.write(path, {"Harbour": rows()}, PLAIN)
        with archive.reading(path, PLAIN) as found:
            assert sum(1 for _ in found.spaces()["Harbour"]) == 97
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 96_000_000
    assert peak < 48_000_000


# -- whole or not at all ----------------------------------------------------------------------------------------------


def failing() -> Iterator[Row]:
    yield from rows_of("Harbour", states=1500)
    raise OSError(errno.EIO, "the disk is gone")


def test_a_failed_backup_leaves_what_was_there(path: Path) -> None:
    write(path)
    before = path.read_bytes()
    with pytest.raises(OSError, match="the disk is gone"):
        archive.write(path, {"Harbour": failing()}, PLAIN)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path], "no unfinished file stays"


def test_a_backup_is_on_disk_before_it_has_its_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def fsync(number: int) -> None:
        target = Path(f"/proc/self/fd/{number}").resolve()
        seen.append("folder" if target.is_dir() else target.suffix)
        real(number)

    def replace(self: Path, target: Path) -> Path:
        seen.append("replace")
        return renamed(self, target)

    real, renamed = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write(path)
    assert seen == [".tmp", "replace", "folder"]


def test_a_backup_is_for_its_owner_only(path: Path) -> None:
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# -- damage -----------------------------------------------------------------------------------------------------------


def rebuilt(path: Path, change: Callable[[dict[str, bytes]], Any], compress: int = 0) -> None:
    """Write the zip anew with other members: its own checksums are right again."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", compress) as file:
        for name, content in members.items():
            file.writestr(name, content)


def part_damaged(path: Path, codec: Codec = PLAIN) -> str:
    """The part that reading the backup blames; the block must not begin."""
    with pytest.raises(Damaged) as caught, archive.reading(path, codec):
        pytest.fail("a damaged backup was handed on")
    assert str(caught.value.extra["part"]) in caught.value.message
    return str(caught.value.extra["part"])


def replacing(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], Any]:
    def change(members: dict[str, bytes]) -> None:
        assert old in members[name]
        members[name] = members[name].replace(old, new)

    return change


PART = "0001/000001.ndjson"


@pytest.mark.parametrize(
    ("change", "blamed"),
    [
        (replacing(PART, b"teal", b"tEal"), PART),
        (lambda members: members.pop(PART), PART),
        (lambda members: members.update({PART: members["0002/000001.ndjson"]}), PART),
        (lambda members: members.update({PART: members[PART] + b"\n"}), PART),
        (lambda members: members.update({"0003/000001.ndjson": b"{}"}), "0003/000001.ndjson"),
        (lambda members: members.pop("manifest.json"), "manifest.json"),
        (lambda members: members.pop("manifest.seal"), "manifest.seal"),
        (lambda members: members.update({"manifest.json": b"{"}), "manifest.json"),
        (lambda members: members.update({"manifest.json": b'{"format":1}'}), "manifest.json"),
        (replacing("manifest.json", b'"revision": 9', b'"revision": 8'), "manifest.json"),
        (replacing("manifest.json", b'"state": 3', b'"state": 4'), "manifest.json"),
    ],
)
def test_a_changed_member_is_named(
    path: Path, change: Callable[[dict[str, bytes]], Any], blamed: str
) -> None:
    write(path)
    rebuilt(path, change)
    assert part_damaged(path) == blamed


def forged(path: Path, lines: Iterable[bytes], **manifest: Any) -> None:
    """A backup in the clear whose hashes are all right."""

    def change(members: dict[str, bytes]) -> None:
        made = msgspec.json.decode(members["manifest.json"])
        sealed = PLAIN.seal(b"\n".join(lines))
        made["spaces"][0]["parts"][0].update(
            bytes=len(sealed), sha256=sha256(sealed).hexdigest(), rows=8
        )
        made.update(manifest)
        raw = msgspec.json.encode(made)
        members[PART] = sealed
        members["manifest.json"] = raw
        members["manifest.seal"] = PLAIN.seal(sha256(raw).digest())

    rebuilt(path, change)


def lines_of(*rows: Row) -> list[bytes]:
    return [msgspec.json.encode(each) for each in rows]


def test_counts_are_held_against_the_rows(path: Path) -> None:
    write(path)
    good = list(rows_of("Harbour"))
    forged(path, lines_of(*good))
    assert len(read(path)["Harbour"]) == 8
    forged(path, lines_of(*good[:-1]))
    assert part_damaged(path) == PART
    forged(path, lines_of(*good[:-1], good[0]))
    assert part_damaged(path) == "manifest.json"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b'{"kind":"state","value":{"id":"half"}}',
        b'{"kind":"starfish","value":{}}',
        b'{"kind":"space","value":{"id":"Harbour","epoch":"e","revision":"\xff"}}',
    ],
)
def test_rows_that_are_none_are_damage(path: Path, line: bytes) -> None:
    write(path)
    forged(path, [*lines_of(*list(rows_of("Harbour"))[:-1]), line])
    assert part_damaged(path) == PART


def test_a_newer_format_is_refused_by_its_number(path: Path) -> None:
    write(path)
    rebuilt(path, lambda members: members.update({"manifest.json": b'{"format":2,"stars":[]}'}))
    with (
        pytest.raises(Damaged, match=r"newer Stars.*format 2.*reads 1"),
        archive.reading(path, PLAIN),
    ):
        pytest.fail("an unknown format was handed on")


def test_what_zip_would_unfold_is_not_read(path: Path) -> None:
    write(path)
    rebuilt(path, lambda members: None, compress=zipfile.ZIP_DEFLATED)
    assert part_damaged(path) == "manifest.json"


@pytest.mark.parametrize("content", [b"", b"PK", b"this is no zip", bytes(1000)])
def test_what_is_no_backup_is_damaged(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert part_damaged(path) == "stars.backup"


def test_a_missing_file_is_missing(path: Path) -> None:
    with pytest.raises(FileNotFoundError), archive.reading(path, PLAIN):
        pytest.fail("there is nothing to read")


@pytest.mark.parametrize("codec", [PLAIN, PRIVATE], ids=["plain", "private"])
def test_no_cut_goes_unnoticed(path: Path, codec: Codec) -> None:
    write(path, codec)
    whole = path.read_bytes()
    for length in range(0, len(whole), 13):
        path.write_bytes(whole[:length])
        part_damaged(path, codec)


@pytest.mark.parametrize("codec", [PLAIN, PRIVATE], ids=["plain", "private"])
def test_no_changed_byte_changes_what_is_read(path: Path, codec: Codec) -> None:
    write(path, codec)
    whole = path.read_bytes()
    expected = read(path, codec)
    refused = 0
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            assert read(path, codec) == expected  # zip keeps dates and the like, which mean nothing
        except (Damaged, WrongKey):
            refused += 1
    assert refused > len(whole) / 7 * 0.9


def test_the_file_is_checked_again_while_it_is_read(path: Path) -> None:
    write(path)
    with archive.reading(path, PLAIN) as found:
        content = path.read_bytes()
        with path.open("r+b") as file:
            file.seek(content.index(b"teal"))
            file.write(b"t")
            file.seek(content.index(b"teal") + 1)
            file.write(b"E")
        with pytest.raises(Damaged, match=PART):
            list(found.spaces()["Harbour"])


# -- keys -------------------------------------------------------------------------------------------------------------


def test_another_key_is_refused_by_name(path: Path) -> None:
    write(path, PRIVATE)
    for ring in ("", Keyring.generate("there"), Keyring.generate("here")):
        with (
            pytest.raises(WrongKey, match="'here'"),
            archive.reading(path, Codec(True, False, Keyring.parse(ring))),
        ):
            pytest.fail("a foreign backup was handed on")


def test_an_older_key_still_reads(path: Path) -> None:
    write(path, PRIVATE)
    rotated = Codec(False, True, Keyring.parse(f"{Keyring.generate('next')},{KEY}"))
    assert read(path, rotated)["Harbour"] == list(rows_of("Harbour"))


def test_parts_of_two_backups_cannot_be_mixed(path: Path) -> None:
    write(path, PRIVATE)
    with zipfile.ZipFile(path) as file:
        older = {name: file.read(name) for name in file.namelist()}
    write(path, PRIVATE)
    rebuilt(path, lambda members: members.update({PART: older[PART]}))
    assert part_damaged(path, PRIVATE) == PART


def test_without_the_key_nobody_writes_another_manifest(path: Path) -> None:
    write(path, PRIVATE)
    rebuilt(path, replacing("manifest.json", b'"revision": 9', b'"revision": 7'))
    assert part_damaged(path, PRIVATE) == "manifest.json"
