"""Who is watching, by session or API token, and whether they still may: sockets and streams outlive requests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from knox.crypto import hash_token
from knox.models import get_token_model

from state.threads import in_thread


@dataclass(frozen=True)
class Identity:
    """A signed-in user and what proves it: an API token, or else a session's key."""

    user: User
    token: bytes = b""
    session_key: str = ""
    #: When the token expires; None: it does not, or it is a session, which is looked up again from time to time.
    expires_at: datetime | None = None

    async def renewed(self) -> Identity | None:
        """The same, read again; None when the session or token has ended or the user was deactivated."""
        return await _read(self.token, self.session_key)


async def identify(
    headers: Iterable[tuple[bytes, bytes]], session_key: str | None
) -> Identity | None:
    """Who sent these headers (names in lower case): `Authorization: Token …` counts, else the session.

    None when nobody is signed in; a wrong token is not made good by a session.
    """
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.strip().partition(b" ")
            if scheme.lower() != b"token":
                return None
            return await _read(token.strip() or b"-", "")
    return await _read(b"", session_key or "")


def _identify(token: bytes, session_key: str) -> Identity | None:
    user, expires_at = _by_token(token) if token else (_by_session(session_key), None)
    if not isinstance(user, User) or not user.is_active:
        return None
    return Identity(user, token, session_key, expires_at)


def _by_token(token: bytes) -> tuple[object, datetime | None]:
    try:
        digest = hash_token(token.decode())
    except UnicodeDecodeError:
        return None, None
    found = get_token_model().objects.filter(digest=digest).select_related("user").first()
    if found is None or (found.expiry is not None and found.expiry <= timezone.now()):
        return None, None
    return found.user, found.expiry


def _by_session(session_key: str) -> object:
    if not session_key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return auth.get_user(request)


_read = in_thread(_identify)
