"""Small secrets at rest: encrypted with keys that are derived from Django's, and bound to their row."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.encoding import force_bytes

from state.persistence.codec import Codec
from state.persistence.keyring import KEY_BYTES, Keyring


def seal(secret: bytes, owner: str, *, purpose: bytes, place: str) -> bytes:
    """As it is kept in the row `owner`. `purpose` (RFC 5869, 3.2) makes a key that no other use of SECRET_KEY gives."""
    return _codec(purpose).seal(secret, place, owner)


def reveal(sealed: bytes, owner: str, *, purpose: bytes, place: str) -> bytes:
    """The secret. Raises WrongKey when SECRET_KEY was changed and the old one is not among SECRET_KEY_FALLBACKS,
    Damaged when it is another row's."""
    return _codec(purpose).open(sealed, place, owner)


def _codec(purpose: bytes) -> Codec:
    """Made anew each time, for that costs microseconds and settings may change."""
    texts = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    keys = [_derived(force_bytes(text), purpose) for text in texts]
    # A key is known by what it is, so that it is found wherever it stands among the others.
    named = {hashlib.sha256(key).hexdigest()[:16]: key for key in keys}
    return Codec(compression=False, encryption=True, keyring=Keyring(named))


def _derived(secret: bytes, purpose: bytes) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose)
    return kdf.derive(secret)
