"""The keys of encryption at rest: named, rotated by order, and never shown."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from typing import Final, NoReturn

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from state.refusals import ConfigInvalid, WrongKey

#: Of a key: AES-256.
KEY_BYTES: Final = 32

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Keyring:
    """Keys by id, the current one first: it encrypts, the others can still decrypt.

    With random nonces of 96 bits a key is good for 2^32 encryptions (NIST SP 800-38D, 8.3); rotate it long before.
    """

    def __init__(self, keys: Mapping[str, bytes] | None = None) -> None:
        """`keys`: id to 32 bytes, the current one first."""
        self._ciphers = {name: AESGCM(key) for name, key in (keys or {}).items()}

    @classmethod
    def parse(cls, text: str) -> Keyring:
        """The keyring written as `id:base64`, separated by commas or line ends; "" is an empty one.

        Raises ConfigInvalid, which tells the place of the fault and nothing of what stands there: whoever forgets
        the id has written a key in its place.
        """
        keys: dict[str, bytes] = {}
        written = [each.strip() for each in re.split(r"[,\r\n]", text)]
        for place, each in enumerate(filter(None, written), 1):
            name, separator, encoded = each.partition(":")
            if not separator or not _ID.fullmatch(name):
                _refuse(place, "is not of the form id:base64 (an id has letters, digits, . _ -)")
            if name in keys:
                _refuse(place, "has the id of an earlier one")
            try:
                key = base64.b64decode(encoded.strip(), validate=True)
            except binascii.Error:
                _refuse(place, "is not valid base64")
            if len(key) != KEY_BYTES:
                _refuse(place, f"has {len(key)} bytes instead of {KEY_BYTES}")
            keys[name] = key
        return cls(keys)

    @staticmethod
    def generate(name: str) -> str:
        """A new random key as `parse` reads it. Raises ConfigInvalid for an id that it would refuse."""
        if not _ID.fullmatch(name):
            _refuse(1, "cannot have this id (an id has letters, digits, . _ -)")
        return f"{name}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids, the current one first."""
        return tuple(self._ciphers)

    @property
    def current(self) -> str | None:
        """The id of the key that encrypts; None when there are no keys."""
        return next(iter(self._ciphers), None)

    def cipher(self, name: str) -> AESGCM:
        """The cipher of that key; may be used by several threads. Raises WrongKey."""
        found = self._ciphers.get(name)
        if found is None:
            raise WrongKey(f"This needs the key {name!r}, which is not in the keyring.")
        return found

    def __repr__(self) -> str:
        return f"Keyring(ids={list(self._ciphers)})"


def _refuse(place: int, fault: str) -> NoReturn:
    # `from None`: a chained error might quote what was read.
    raise ConfigInvalid(
        f"Key {place} of the keyring {fault}.", fields={"keyring": [f"Key {place} {fault}."]}
    ) from None
