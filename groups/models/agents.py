"""Agents: whatever can act in a group, registered once (the seed's Cosmos)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

#: Ids that callers choose for agents and groups; they stand in addresses and mentions.
ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
#: The whole of a text; both PostgreSQL and Python's `re` (which answers for SQLite) read it so.
WHOLE_ID = rf"\A{ID_PATTERN}\Z"
valid_id = RegexValidator(
    WHOLE_ID,
    "An id has 1 to 64 letters, digits, '.', '_' or '-', and begins with a letter or digit.",
)


class Agent(models.Model):
    """Something that can act. `kind` names its runtime (`groups.agents.registry`), `config` is that runtime's."""

    agent_id = models.CharField(max_length=64, unique=True, validators=[valid_id])
    name = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=20, default="builtin")
    config: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, blank=True
    )
    #: How many subtasks it carries out at once over all runs; 0 = no limit.
    max_concurrency = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["agent_id"]
        constraints = [
            # 'system' speaks for the group itself, so no agent may bear that name.
            models.CheckConstraint(
                condition=models.Q(agent_id__regex=WHOLE_ID) & ~models.Q(agent_id="system"),
                name="agent_id_is_legal",
            ),
        ]

    def __str__(self) -> str:
        return self.agent_id
