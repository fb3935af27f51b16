"""API tokens: issued once in clear, kept as a digest only (knox), bounded by a grant beside them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, cast

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from knox.models import AuthToken
from knox.settings import knox_settings

from groups import access
from groups.errors import TokenLimited, TokenNotFound
from groups.identity import grant_of
from groups.models import Scope, TokenGrant
from groups.services.inputs import Faults

SCOPES: Final = tuple(Scope)
#: Characters of a token's name; days after which one may expire at the latest; tokens of one user.
MAX_NAME: Final = 100
MAX_DAYS: Final = 3650
MAX_TOKENS: Final = 100
#: Characters of the digest that name a token.
ID_LENGTH: Final = 16


def issue(*, actor: User) -> tuple[AuthToken, str]:
    """A new token without limits for a user who gave a password, and the text to send as `Authorization: Bearer …`,
    which cannot be read again."""
    token, text = AuthToken.objects.create(user=actor)
    return token, text


def make(
    *,
    actor: User,
    name: str = "",
    scopes: Sequence[str] = SCOPES,
    groups: Sequence[str] = (),
    days: int | None = None,
) -> tuple[AuthToken, str]:
    """A new token of the user within a grant, and its text, as `issue` gives it.

    `groups` are ids, none of them means all that the user may see; `days` until it expires: None means as long as
    those that are issued for a password, 0 means never. Raises TokenLimited, Invalid (all fields at fault).
    """
    must_be_unlimited(actor)
    faults = Faults()
    name = faults.text("name", name, longest=MAX_NAME, required=True)
    if not scopes:
        faults.add("scopes", "Choose at least one.")
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        faults.add("scopes", f"There is no scope '{unknown[0]}'; there are: {', '.join(SCOPES)}.")
    wanted = list(dict.fromkeys(groups))
    seen = access.visible_groups(actor).filter(id__in=[id for id in wanted if id.isprintable()])
    if missing := set(wanted) - set(seen.values_list("id", flat=True)):
        faults.add("groups", f"There is no group '{min(missing)}' that you may see.")
    if days is not None and not 0 <= days <= MAX_DAYS:
        faults.add("days", f"This must be a number from 0 to {MAX_DAYS:,}.")
    if AuthToken.objects.filter(user=actor).count() >= MAX_TOKENS:
        faults.add("name", f"You have {MAX_TOKENS} tokens; revoke those that nobody uses.")
    faults.done()
    lifetime = knox_settings.TOKEN_TTL if days is None else timedelta(days=days) if days else None
    with transaction.atomic():
        token, text = AuthToken.objects.create(user=actor, expiry=lifetime)
        known = [scope.value for scope in SCOPES if scope in scopes]
        TokenGrant.objects.create(token=token, name=name, scopes=known, groups=wanted)
    return token, text


def tokens_of(*, actor: User) -> QuerySet[AuthToken]:
    """The user's tokens with their grants, newest first. Raises TokenLimited."""
    must_be_unlimited(actor)
    found = AuthToken.objects.filter(user=actor).select_related("grant")
    return cast("QuerySet[AuthToken]", found.order_by("-created"))


def revoke(*, token: AuthToken) -> None:
    """Make the token worthless."""
    token.delete()


def revoke_of(*, actor: User, token_id: str) -> None:
    """Make that token of the user's worthless. Raises TokenLimited, TokenNotFound."""
    found = tokens_of(actor=actor).filter(digest__startswith=token_id)
    token = found.first() if len(token_id) == ID_LENGTH and token_id.isalnum() else None
    if token is None:
        raise TokenNotFound
    revoke(token=token)


def id_of(token: AuthToken) -> str:
    """What names a token: the beginning of its digest, of which nobody can make the token."""
    return str(token.digest)[:ID_LENGTH]


def grant_beside(token: AuthToken) -> TokenGrant | None:
    """What bounds the token; None where nothing does."""
    return getattr(token, "grant", None)


def must_be_unlimited(actor: User) -> None:
    """No token makes another that outgrows or outlives it. Raises TokenLimited."""
    if grant_of(actor) is not None:
        raise TokenLimited
