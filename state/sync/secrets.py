"""Secrets of webhooks at rest."""

from __future__ import annotations

from typing import Final

from state import sealing

_PURPOSE: Final = b"stars webhook secrets v1"
_PLACE: Final = "webhook_secret"


def seal(secret: str, connection_id: str) -> bytes:
    """As it is kept in the row of that connection."""
    return sealing.seal(secret.encode(), connection_id, purpose=_PURPOSE, place=_PLACE)


def reveal(sealed: bytes, connection_id: str) -> str:
    """The secret. Raises WrongKey when SECRET_KEY was changed and the old one is not among SECRET_KEY_FALLBACKS,
    Damaged when it is another row's."""
    return sealing.reveal(sealed, connection_id, purpose=_PURPOSE, place=_PLACE).decode()
