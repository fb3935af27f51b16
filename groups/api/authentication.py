"""Who asks: a token, or the dashboard's session (which needs the CSRF token to write)."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from rest_framework.authentication import get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from groups.access import must_reach_all
from groups.api.scopes import WHOLE, needed
from groups.identity import SCHEMES, limit, must_have


class TokenAuthentication(KnoxTokenAuthentication):
    """Knox's tokens, as `Bearer` or `Token`, within what their grants allow.

    Bytes that are no text are a wrong token, not an error of the server.
    """

    def authenticate(self, request: Request | HttpRequest) -> Any:
        """(user, token), or None where none was sent. Raises AuthenticationFailed, ScopeMissing, GroupsRestricted."""
        scheme, *rest = get_authorization_header(cast(Request, request)).split() or [b""]
        if scheme.lower().decode("latin-1") not in SCHEMES:
            return None
        if len(rest) != 1:
            raise AuthenticationFailed("Send one token, without spaces, after the word Bearer.")
        user, token = self.authenticate_credentials(rest[0])
        limit(user, token)
        match = request.resolver_match
        scope = needed(request.method or "", match)
        if scope is not None:
            must_have(user, scope)
        if match is not None and match.view_name in WHOLE:
            must_reach_all(user)
        return user, token

    def authenticate_credentials(self, token: bytes) -> Any:
        """(user, token). Raises AuthenticationFailed."""
        try:
            return super().authenticate_credentials(token)
        except UnicodeDecodeError:
            raise AuthenticationFailed("Invalid token.") from None
