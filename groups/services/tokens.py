"""API tokens: issued once in clear, kept as a digest only (knox)."""

from __future__ import annotations

from django.contrib.auth.models import User
from knox.models import AuthToken


def issue(*, actor: User) -> tuple[AuthToken, str]:
    """A new token of the user and the text to send as `Authorization: Token …`, which cannot be read again."""
    token, text = AuthToken.objects.create(user=actor)
    return token, text


def revoke(*, token: AuthToken) -> None:
    """Make the token worthless."""
    token.delete()
