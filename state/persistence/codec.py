"""How values become bytes at rest: JSON, compressed, encrypted, and bound to the place where they are kept.

The first byte tells what was done, so that settings may change while what was written before stays readable.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Final, NoReturn

import msgspec
import zstandard
from cryptography.exceptions import InvalidTag

from state.persistence.keyring import Keyring
from state.refusals import ConfigInvalid, Damaged, DocumentTooLarge, WrongKey

#: Parts up to this size (bytes) are not worth compressing.
SMALL: Final = 512
#: The most that one part may hold (bytes): nothing larger is written, and nothing read may unfold to more.
LIMIT: Final = 128 * 1024 * 1024

# The first byte: plain or zstd; as a capital letter, encrypted: letter, length of the key's id, id, nonce, ciphertext.
_PLAIN: Final = b"p"
_ZSTD: Final = b"z"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_PROOF: Final = b"These are states of Stars."
_PROOF_PLACE: Final = "proof"


class _Foreign(Damaged):
    """What is kept was encrypted for another place or with another key, or was changed."""


class _Zstd(threading.local):
    """Contexts of zstd serve one thread at a time; each thread has its own."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(write_checksum=True, write_content_size=True)
        self.decompressor = zstandard.ZstdDecompressor()


class Codec:
    """Turns values and raw parts into bytes at rest, and back. Thread-safe.

    A part encrypted for one place (space, uid, version, column) opens nowhere else, so parts can be neither swapped
    nor replayed. What is found unencrypted is read all the same: the setting may have been another one.
    """

    def __init__(
        self, compression: bool, encryption: bool, keyring: Keyring, *, limit: int = LIMIT
    ) -> None:
        """`limit`: bytes that a part may hold. Raises ConfigInvalid for encryption without a key."""
        if encryption and keyring.current is None:
            raise ConfigInvalid(
                "Encryption of states is on and the keyring is empty.",
                fields={"encryption": ["There is no key in the keyring."]},
            )
        self._compression = compression
        self._key = keyring.current if encryption else None
        self._keyring = keyring
        self._limit = limit
        self._zstd = _Zstd()

    @property
    def encrypts(self) -> bool:
        """Whether what is packed now cannot be read without a key."""
        return self._key is not None

    # -- JSON values ----------------------------------------------------------------------------------------------

    def pack(self, value: Any, *place: str | int) -> bytes:
        """The value as bytes that `unpack` reads only at the same `place` (space, uid, version, column).

        Whatever msgspec writes as JSON. Raises DocumentTooLarge beyond the limit.
        """
        return self.seal(msgspec.json.encode(value), *place)

    def unpack(self, packed: bytes, *place: str | int) -> Any:
        """The value. Raises WrongKey naming the missing key, Damaged naming the place."""
        raw = self.open(packed, *place)
        try:
            return msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            _damaged("it is not JSON", place)

    # -- raw parts ------------------------------------------------------------------------------------------------

    def seal(self, raw: bytes, *place: str | int) -> bytes:
        """The bytes as they are kept at `place`. Raises DocumentTooLarge beyond the limit."""
        if len(raw) > self._limit:
            raise DocumentTooLarge(f"No part of a store may have more than {self._limit} bytes.")
        kind, body = _PLAIN, raw
        if self._compression and len(raw) > SMALL:
            packed = self._zstd.compressor.compress(raw)
            if len(packed) < len(raw):
                kind, body = _ZSTD, packed
        if self._key is None:
            return kind + body
        name = self._key.encode()
        header = kind.upper() + bytes([len(name)]) + name
        nonce = os.urandom(_NONCE_BYTES)
        cipher = self._keyring.cipher(self._key)
        return header + nonce + cipher.encrypt(nonce, body, _bound(header, place))

    def open(self, sealed: bytes, *place: str | int) -> bytes:
        """What was sealed for that place. Raises WrongKey naming the missing key, Damaged naming the place."""
        kind = sealed[:1]
        if kind in (_PLAIN.upper(), _ZSTD.upper()):
            body = self._decrypt(sealed, place)
        elif kind in (_PLAIN, _ZSTD):
            body = sealed[1:]
        else:
            _damaged("it is of no known format", place)
        return self._decompress(body, place) if kind.lower() == _ZSTD else body

    def _decrypt(self, sealed: bytes, place: tuple[str | int, ...]) -> bytes:
        name, start = _key_of(sealed, place)
        cipher = self._keyring.cipher(name)
        nonce, ciphertext = sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
        if len(ciphertext) < _TAG_BYTES:
            _damaged("it is cut short", place)
        try:
            return cipher.decrypt(nonce, ciphertext, _bound(sealed[:start], place))
        except InvalidTag:
            _damaged("it does not belong here, or was changed", place, _Foreign)

    def _decompress(self, body: bytes, place: tuple[str | int, ...]) -> bytes:
        try:
            # Asked first: zstandard reserves what a frame claims to hold, however small it is. Frames of `seal`
            # tell their size; one that does not claims the largest number.
            if zstandard.frame_content_size(body) not in range(self._limit + 1):
                _damaged("it would unfold beyond the limit", place)
            return self._zstd.decompressor.decompress(body, allow_extra_data=False)
        except zstandard.ZstdError:
            _damaged("it cannot be decompressed", place)

    # -- keys -----------------------------------------------------------------------------------------------------

    def needs_rekey(self, packed: bytes) -> bool:
        """Whether it is encrypted otherwise than the settings say now: with an older key, not at all, or still."""
        if packed[:1] in (_PLAIN, _ZSTD):
            return self._key is not None
        return _key_of(packed, ())[0] != self._key

    def repack(self, packed: bytes, *place: str | int) -> bytes:
        """The same content as the settings say now. Raises as `open`."""
        return self.seal(self.open(packed, *place), *place)

    def proof(self) -> bytes:
        """What a store keeps, and renews with every rekeying, so that `check_proof` can tell a wrong key."""
        return self.seal(_PROOF, _PROOF_PLACE)

    def check_proof(self, proof: bytes) -> None:
        """Raise WrongKey when what was kept beside `proof` cannot be read with this keyring, at the start and not at
        the first use; Damaged when it is no proof."""
        try:
            found = self.open(proof, _PROOF_PLACE)
        except _Foreign:
            name, _ = _key_of(proof, (_PROOF_PLACE,))
            raise WrongKey(f"The key {name!r} of the keyring is not the one used here.") from None
        if found != _PROOF:
            _damaged("it is no proof of a key", (_PROOF_PLACE,))


def _key_of(sealed: bytes, place: tuple[str | int, ...]) -> tuple[str, int]:
    """The id of the key that something was encrypted with, and where the nonce begins."""
    start = 2 + sealed[1] if len(sealed) > 1 else 0
    name = sealed[2:start]
    if not name or len(sealed) < start or not name.isascii():
        _damaged("it does not say which key it needs", place)
    return name.decode(), start


def _bound(header: bytes, place: tuple[str | int, ...]) -> bytes:
    """What the ciphertext is bound to; as JSON, so that no two places read alike."""
    return header + msgspec.json.encode([str(each) for each in place])


def _damaged(fault: str, place: tuple[str | int, ...], error: type[Damaged] = Damaged) -> NoReturn:
    where = "|".join(str(each) for each in place)
    raise error(f"What is kept at {where} is damaged: {fault}.", extra={"place": where}) from None
