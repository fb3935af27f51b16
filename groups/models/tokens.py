"""What an API token may do."""

from __future__ import annotations

from django.db import models


class TokenGrant(models.Model):
    """Beside one of knox's tokens: what it may do of what its user may. A token without a grant may do all."""

    token = models.OneToOneField(
        "knox.AuthToken", primary_key=True, on_delete=models.CASCADE, related_name="grant"
    )
    name = models.CharField(max_length=100, blank=True)
    #: Of `services.tokens.SCOPES`.
    scopes: models.JSONField[list[str], list[str]] = models.JSONField(default=list)
    #: Ids of groups; empty: all that its user may see.
    groups: models.JSONField[list[str], list[str]] = models.JSONField(default=list, blank=True)

    def __str__(self) -> str:
        return self.name or "token"
