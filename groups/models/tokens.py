"""What an API token may do."""

from __future__ import annotations

from django.db import models


class Scope(models.TextChoices):
    """What a token may do of what its user may."""

    READ = "read"  # see groups, runs, messages, states, and follow them
    RUN = "run"  # start runs and steer them, answer their questions
    MESSAGE = "message"  # write messages
    STATE = "state"  # change shared states
    MANAGE = "manage"  # groups, members, access, agents, and everything else that is written


class TokenGrant(models.Model):
    """Beside one of knox's tokens: what it may do of what its user may. A token without a grant may do all."""

    token = models.OneToOneField(
        "knox.AuthToken", primary_key=True, on_delete=models.CASCADE, related_name="grant"
    )
    name = models.CharField(max_length=100, blank=True)
    #: Of `Scope`.
    scopes: models.JSONField[list[str], list[str]] = models.JSONField(default=list)
    #: Ids of groups; empty: all that its user may see.
    groups: models.JSONField[list[str], list[str]] = models.JSONField(default=list, blank=True)

    def __str__(self) -> str:
        return self.name or "token"
