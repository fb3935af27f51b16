"""Agents: whatever can act in a group, registered once (the seed's Cosmos)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

from groups.models.keys import new_id

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
    #: Keys and passwords, encrypted (`services.secrets`); they go in and never out.
    secrets = models.BinaryField(null=True, blank=True, editable=False)
    #: The tools that it may use: [{"tool": name, "approval": bool, …}] (`agents.tools`).
    grants: models.JSONField[list[dict[str, Any]], list[dict[str, Any]]] = models.JSONField(
        default=list, blank=True
    )
    #: What a test of it found out, such as the way to structured output that works; {} before.
    ability: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, blank=True, editable=False
    )
    tested_at = models.DateTimeField(null=True, blank=True, editable=False)
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


class AgentCredential(models.Model):
    """What a process shows that dials in as an agent; only its digest is kept."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="credentials")
    #: Hex SHA-256 of the text (FIPS 180-4), which has 256 random bits.
    digest = models.CharField(max_length=64, unique=True)
    #: The first characters, by which people tell them apart.
    prefix = models.CharField(max_length=16)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.agent_id}"


class ToolServer(models.Model):
    """An MCP server whose tools agents may be granted, as `mcp:<name>` or `mcp:<name>/<tool>`."""

    name = models.CharField(max_length=64, unique=True, validators=[valid_id])
    #: Streamable HTTP; empty for a command.
    url = models.CharField(max_length=2000, blank=True)
    #: Argument list of a process to start (stdio), where the operator allows commands.
    command: models.JSONField[list[str], list[str]] = models.JSONField(default=list, blank=True)
    #: Headers (HTTP) or environment (stdio), encrypted like an agent's secrets.
    secrets = models.BinaryField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
