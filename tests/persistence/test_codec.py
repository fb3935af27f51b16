"""Bytes at rest: what is kept is small, private, bound to its place, and readable after settings have changed."""

from __future__ import annotations

import os
import threading
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from state.errors import TooLarge
from state.persistence.codec import SMALL, Codec
from state.persistence.keyring import Keyring
from state.refusals import ConfigInvalid, Damaged, WrongKey

OLD = Keyring.generate("old")
NEW = Keyring.generate("new")
PLACE = ("Harbour", "uid-1", 7, "data")
SHORT: dict[str, Any] = {"berth": 4}
LONG: dict[str, Any] = {"cargo": ["a crate of oranges"] * 200}


def codec(*keys: str, compression: bool = True, encryption: bool | None = None) -> Codec:
    """Encrypts when there are keys, unless told otherwise."""
    chosen = bool(keys) if encryption is None else encryption
    return Codec(compression, chosen, Keyring.parse("\n".join(keys)))


EVERY_KIND = [
    codec(compression=False),
    codec(),
    codec(OLD, compression=False),
    codec(OLD),
]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text("abé☃"), inner, max_size=5),
)


@settings(deadline=None)
@given(
    value=JSON, compression=st.booleans(), encryption=st.booleans(), raw=st.binary(max_size=2000)
)
def test_what_is_packed_is_unpacked(
    value: Any, compression: bool, encryption: bool, raw: bytes
) -> None:
    under_test = Codec(compression, encryption, Keyring.parse(OLD))
    assert msgspec.json.encode(under_test.unpack(under_test.pack(value, 1), 1)) == (
        msgspec.json.encode(value)
    )
    assert under_test.open(under_test.seal(raw, "a"), "a") == raw


@pytest.mark.parametrize("writer", EVERY_KIND)
@pytest.mark.parametrize("compression", [True, False])
@pytest.mark.parametrize("encryption", [True, False])
def test_old_data_stay_readable_under_other_settings(
    writer: Codec, compression: bool, encryption: bool
) -> None:
    reader = codec(NEW, OLD, compression=compression, encryption=encryption)
    for value in (SHORT, LONG):
        assert reader.unpack(writer.pack(value, *PLACE), *PLACE) == value


def test_only_large_parts_are_compressed() -> None:
    assert codec().seal(b"a" * SMALL) == b"p" + b"a" * SMALL
    assert len(codec().seal(b"a" * (SMALL + 1))) < 64
    assert len(codec(compression=False).seal(b"a" * (SMALL + 1))) == SMALL + 2


def test_what_does_not_shrink_is_kept_as_it_is() -> None:
    raw = os.urandom(4000)
    assert codec().seal(raw) == b"p" + raw


def test_encrypted_parts_tell_nothing_and_never_look_alike() -> None:
    first, second = (codec(OLD).pack({"secret": "marzipan"}, *PLACE) for _ in range(2))
    assert first != second
    assert b"marzipan" not in first
    assert b"old" in first, "the id of the key is no secret"


@pytest.mark.parametrize(
    "elsewhere",
    [
        ("Bay", "uid-1", 7, "data"),
        ("Harbour", "uid-2", 7, "data"),
        ("Harbour", "uid-1", 8, "data"),
        ("Harbour", "uid-1", 7, "ops"),
        ("Harbour|uid-1", 7, "data"),
        ("Harbouruid-1", "", 7, "data"),
    ],
)
def test_an_encrypted_part_opens_only_at_its_place(elsewhere: tuple[str | int, ...]) -> None:
    packed = codec(OLD).pack(SHORT, *PLACE)
    with pytest.raises(Damaged, match=r"does not belong here") as caught:
        codec(OLD).unpack(packed, *elsewhere)
    assert caught.value.extra["place"] == "|".join(map(str, elsewhere))


@pytest.mark.parametrize("value", [SHORT, LONG])
def test_no_changed_bit_and_no_cut_of_an_encrypted_part_goes_unnoticed(value: Any) -> None:
    under_test = codec(OLD)
    packed = under_test.pack(value, *PLACE)
    for at in range(len(packed)):
        for changed in (packed[:at], packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]):
            with pytest.raises((Damaged, WrongKey)):
                under_test.unpack(changed, *PLACE)


def test_no_changed_bit_changes_what_a_compressed_part_holds() -> None:
    packed = codec().pack(LONG, *PLACE)
    for at in range(len(packed)):
        changed = packed[:at] + bytes([packed[at] ^ 0x10]) + packed[at + 1 :]
        try:  # one bit of the header of a zstd frame has no meaning
            assert codec().unpack(changed, *PLACE) == LONG
        except Damaged as damaged:
            assert damaged.extra["place"] == "Harbour|uid-1|7|data"


@pytest.mark.parametrize(
    "packed", [b"", b"x", b"p", b"p{", b'p"\xff"', b"z", b"P", b"P\x09old", b"P\x00"]
)
def test_garbage_is_damaged_and_named(packed: bytes) -> None:
    with pytest.raises(Damaged, match=r"Harbour\|uid-1\|7\|data"):
        codec(OLD).unpack(packed, *PLACE)


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(WrongKey, match="'new'"):
        codec(OLD).unpack(codec(NEW).pack(SHORT, *PLACE), *PLACE)


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    bomb = b"z" + zstandard.ZstdCompressor(level=19).compress(bytes(64 * 1024 * 1024))
    assert len(bomb) < 16 * 1024
    small = Codec(True, False, Keyring(), limit=1024 * 1024)
    with pytest.raises(Damaged, match="beyond the limit"):
        small.open(bomb, "a")


def test_a_bomb_that_hides_its_size_is_refused() -> None:
    writer = zstandard.ZstdCompressor().compressobj()
    bomb = b"z" + writer.compress(bytes(1000)) + writer.flush()
    with pytest.raises(Damaged, match="beyond the limit"):
        codec().open(bomb, "a")


def test_nothing_is_written_that_could_not_be_read_again() -> None:
    small = Codec(True, False, Keyring(), limit=1000)
    assert small.open(small.seal(b"a" * 1000)) == b"a" * 1000
    with pytest.raises(TooLarge):
        small.seal(b"a" * 1001)


# -- keys -----------------------------------------------------------------------------------------------------------


def test_rekeying_brings_everything_to_the_present_settings() -> None:
    rotated = codec(NEW, OLD)
    for writer in (codec(), codec(OLD)):
        packed = writer.pack(LONG, *PLACE)
        assert rotated.needs_rekey(packed)
        repacked = rotated.repack(packed, *PLACE)
        assert not rotated.needs_rekey(repacked)
        assert codec(NEW).unpack(repacked, *PLACE) == LONG, "the old key can be thrown away"


def test_rekeying_without_encryption_decrypts() -> None:
    off = codec(OLD, encryption=False)
    packed = codec(OLD).pack(SHORT, *PLACE)
    assert off.needs_rekey(packed)
    assert not off.needs_rekey(off.pack(SHORT))
    assert codec().unpack(off.repack(packed, *PLACE), *PLACE) == SHORT


def test_encryption_without_a_key_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match="keyring is empty"):
        codec(encryption=True)


def test_the_proof_tells_right_keys_from_wrong_ones() -> None:
    proof = codec(OLD).proof()
    codec(OLD).check_proof(proof)
    codec(NEW, OLD).check_proof(proof)
    codec(OLD, encryption=False).check_proof(proof)
    codec(NEW).check_proof(codec().proof())
    with pytest.raises(WrongKey, match="'old'"):
        codec(NEW).check_proof(proof)
    with pytest.raises(WrongKey, match="'old'"):
        codec(Keyring.generate("old")).check_proof(proof)


@pytest.mark.parametrize(
    "proof",
    [b"", b"pno", b"x", codec(OLD).pack(SHORT, "proof"), codec(OLD).proof()[:20]],
    ids=["nothing", "another text", "no format", "something else", "cut"],
)
def test_what_is_no_proof_is_damaged(proof: bytes) -> None:
    with pytest.raises(Damaged):
        codec(OLD).check_proof(proof)


def test_a_keyring_reads_commas_and_lines_and_ranks_by_order() -> None:
    ring = Keyring.parse(f"\n{NEW}\r\n{OLD},\n")
    assert ring.ids == ("new", "old")
    assert ring.current == "new"
    assert Keyring.parse("").current is None


SECRET = OLD.partition(":")[2]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (SECRET, "id:base64"),
        (f"{SECRET}:{SECRET}", "id:base64"),
        (f":{SECRET}", "id:base64"),
        (f"{OLD},{OLD}", "Key 2 .* earlier"),
        (f"old:{SECRET[:-4]}*///", "base64"),
        (f"old:{SECRET[:-4]}", "bytes"),
        (f"old:{SECRET}{SECRET}", "base64"),
        ("old:", "0 bytes"),
    ],
    ids=[
        "no id",
        "a key for an id",
        "empty id",
        "twice",
        "no base64",
        "short",
        "long",
        "empty key",
    ],
)
def test_a_faulty_keyring_is_refused_without_telling_keys(text: str, fault: str) -> None:
    with pytest.raises(ConfigInvalid, match=fault) as caught:
        Keyring.parse(text)
    told = f"{caught.value!r} {caught.value.fields} {caught.value.extra} {caught.value.__cause__!r}"
    assert SECRET[:8] not in told
    assert caught.value.fields.keys() == {"keyring"}


def test_an_id_that_could_not_be_read_again_is_not_generated() -> None:
    with pytest.raises(ConfigInvalid):
        Keyring.generate("a:b")


def test_a_keyring_never_shows_its_keys() -> None:
    ring = Keyring.parse(OLD)
    assert repr(ring) == "Keyring(ids=['old'])"
    assert SECRET not in f"{ring!s}{codec(OLD)!r}"


def test_one_codec_serves_many_threads() -> None:
    under_test = codec(OLD)
    failed: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for turn in range(100):
                value = {"by": name, "turn": turn, "filling": "x" * 2000}
                assert under_test.unpack(under_test.pack(value, name, turn), name, turn) == value
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
