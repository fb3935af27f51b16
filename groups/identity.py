"""Who is watching, by session or API token, and whether they still may: sockets and streams outlive requests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Final

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from knox.crypto import hash_token
from knox.models import AuthToken, get_token_model

from groups.errors import NotAuthenticated, ScopeMissing
from groups.models.tokens import Scope, TokenGrant
from state.threads import in_thread

#: Whoever starts runs, changes states or manages has to see what comes of it; messages can be left unseen.
_INCLUDED_IN: Final = {Scope.READ: {Scope.READ, Scope.RUN, Scope.STATE, Scope.MANAGE}}
#: How an API token may be announced; clients of other protocols say Bearer.
SCHEMES: Final = frozenset({"token", "bearer"})


@dataclass(frozen=True)
class Grant:
    """What the API token in use may do of what its user may."""

    scopes: frozenset[str]
    #: Ids; empty: all of the user's.
    groups: frozenset[str]


def grant_of(actor: object) -> Grant | None:
    """What limits this actor: None for people in their sessions, for tokens without a grant, for the system."""
    return getattr(actor, "_stars_grant", None)


def limit(user: User, token: AuthToken) -> None:
    """From here on, whoever acts as this `user` object may do what the token may."""
    found = TokenGrant.objects.filter(token=token).first()
    grant = Grant(frozenset(found.scopes), frozenset(found.groups)) if found else None
    # On the object, for it is what every door passes on as the actor.
    setattr(user, "_stars_grant", grant)  # noqa: B010


def may(actor: object, scope: Scope) -> bool:
    """Whether the actor's token, if it came with one, has that scope, or one that includes it."""
    grant = grant_of(actor)
    return grant is None or bool(grant.scopes & _INCLUDED_IN.get(scope, {scope}))


def must_have(actor: object, scope: Scope) -> None:
    """Let the actor pass if it `may`. Raises ScopeMissing."""
    if not may(actor, scope):
        raise ScopeMissing(
            f"This API token lacks the scope '{scope}'; make one that has it.",
            extra={"scope": str(scope)},
        )


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
    """Who sent these headers (names in lower case): `Authorization: Bearer …` (or `Token …`) counts, else the session.

    None when nobody is signed in; a wrong token is not made good by a session.
    """
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.strip().partition(b" ")
            if scheme.lower().decode("latin-1") not in SCHEMES:
                return None
            return await _read(token.strip() or b"-", "")
    return await _read(b"", session_key or "")


async def known(headers: Iterable[tuple[str, str]], session_key: str | None = None) -> Identity:
    """Who sent a request with these headers. Raises NotAuthenticated."""
    raw = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers]
    who = await identify(raw, session_key)
    if who is None:
        raise NotAuthenticated
    return who


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
    limit(found.user, found)
    return found.user, found.expiry


def _by_session(session_key: str) -> object:
    if not session_key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return auth.get_user(request)


_read = in_thread(_identify)
