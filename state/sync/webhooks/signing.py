"""Signatures of webhooks as Standard Webhooks 1.0.0 has them, so that receivers can use the libraries there are for it.

Signed is `id.timestamp.body` by HMAC-SHA256. https://github.com/standard-webhooks/standard-webhooks
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping
from typing import Final

from state.errors import Invalid, NotAllowed

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"

#: Seconds that clocks may differ, and that a message which was listened in on can be sent once more.
TOLERANCE: Final = 300.0
PREFIX: Final = "whsec_"
#: Bytes of a secret: of a new one, and of those that are taken.
NEW: Final = 32
SHORTEST: Final = 24
LONGEST: Final = 64

#: Without the dot, which parts what is signed.
_ID: Final = re.compile(r"[A-Za-z0-9_:/-]{1,255}")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


class SecretInvalid(Invalid):
    """This is not the secret of a webhook: 'whsec_' and then 24 to 64 bytes in base64."""


class SignatureInvalid(NotAllowed):
    """This was not signed with the secret of the webhook, or too long ago."""


def new_secret() -> str:
    """A random secret of 256 bits, `whsec_` and base64; one for each receiver."""
    return PREFIX + base64.b64encode(secrets.token_bytes(NEW)).decode("ascii")


def check_secret(secret: str) -> None:
    """Raises SecretInvalid, which does not repeat the secret."""
    _key(secret)


def signature(secret: str, message_id: str, at: int, body: bytes) -> str:
    """`v1,` and base64: the value of the header `webhook-signature`.

    `at` is the time of sending in seconds since 1970. Raises SecretInvalid; ValueError for a `message_id` that has
    other characters than letters, digits and `_:/-` (dots would blur where it ends), or an `at` before 1970.
    """
    if not _ID.fullmatch(message_id) or at < 0:
        raise ValueError(
            "A message's id has letters, digits and _:/- only, its time is after 1970."
        )
    signed = b"%b.%d.%b" % (message_id.encode("ascii"), at, body)
    digest = hmac.digest(_key(secret), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode('ascii')}"


def verify(
    secret: str, headers: Mapping[str, str], body: bytes, *, now: float | None = None
) -> None:
    """For receivers: return if the message was signed with the secret within 5 minutes of `now` (seconds since 1970,
    default: the clock), else raise SignatureInvalid.

    `headers` by their names in any case; `body` exactly as it was received. Of several signatures one must be right:
    that is how a secret is replaced. Remember `webhook-id`s, for a message may come more than once.
    """
    given = {name.lower(): value for name, value in headers.items()}
    message_id, at = given.get(ID, ""), given.get(TIMESTAMP, "")
    if not _ID.fullmatch(message_id) or not _SECONDS.fullmatch(at):
        raise SignatureInvalid
    if abs((time.time() if now is None else now) - int(at)) > TOLERANCE:
        raise SignatureInvalid
    right = signature(secret, message_id, int(at), body).encode()
    offered = given.get(SIGNATURE, "").split(" ")
    # All are compared, each in constant time: how long it takes tells nothing.
    matches = [hmac.compare_digest(right, each.encode(errors="replace")) for each in offered]
    if not any(matches):
        raise SignatureInvalid


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not SHORTEST <= len(key) <= LONGEST:
        told = (SecretInvalid.__doc__ or "").strip()
        # Not chained: the cause would carry the secret into logs.
        raise SecretInvalid(fields={"secret": [told]}) from None
    return key
