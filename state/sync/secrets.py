"""Secrets of webhooks at rest: encrypted with a key that is derived from Django's, and bound to their row."""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.encoding import force_bytes

from state.persistence.codec import Codec
from state.persistence.keyring import KEY_BYTES, Keyring

#: What the key is for (RFC 5869, 3.2): no other use of SECRET_KEY gives the same.
_PURPOSE: Final = b"stars webhook secrets v1"
_PLACE: Final = "webhook_secret"


def seal(secret: str, connection_id: str) -> bytes:
    """As it is kept in the row of that connection."""
    return _codec().seal(secret.encode(), _PLACE, connection_id)


def reveal(sealed: bytes, connection_id: str) -> str:
    """The secret. Raises WrongKey when SECRET_KEY was changed and the old one is not among SECRET_KEY_FALLBACKS,
    Damaged when it is another row's."""
    return _codec().open(sealed, _PLACE, connection_id).decode()


def _codec() -> Codec:
    """Made anew each time, for that costs microseconds and settings may change."""
    texts = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    keys = [_derived(force_bytes(text)) for text in texts]
    # A key is known by what it is, so that it is found wherever it stands among the others.
    named = {hashlib.sha256(key).hexdigest()[:16]: key for key in keys}
    return Codec(compression=False, encryption=True, keyring=Keyring(named))


def _derived(secret: bytes) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=_PURPOSE)
    return kdf.derive(secret)
