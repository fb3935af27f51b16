"""Who asks: a token, or the dashboard's session (which needs the CSRF token to write)."""

from __future__ import annotations

from typing import Any

from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from rest_framework.exceptions import AuthenticationFailed


class TokenAuthentication(KnoxTokenAuthentication):
    """Knox's tokens; bytes that are no text are a wrong token, not an error of the server."""

    def authenticate_credentials(self, token: bytes) -> Any:
        """(user, token). Raises AuthenticationFailed."""
        try:
            return super().authenticate_credentials(token)
        except UnicodeDecodeError:
            raise AuthenticationFailed("Invalid token.") from None
