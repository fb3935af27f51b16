"""Agents."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from groups import roster
from groups.api.serializers.base import ObjectField, StrictSerializer, Text
from groups.api.serializers.budgets import UsedSerializer
from groups.models import Agent
from groups.models.agents import valid_id
from groups.services.agents import MAX_CONCURRENCY, MAX_SECRET, secret_names
from groups.services.inputs import MAX_DESCRIPTION, MAX_NAME


class AgentSerializer(serializers.ModelSerializer[Agent]):
    config = serializers.DictField(help_text="Settings of its kind.")
    secrets = serializers.SerializerMethodField(help_text="Names of the secrets that are set.")
    grants = serializers.ListField(
        child=serializers.DictField(), help_text="The tools it may use; see the documents."
    )
    ability = serializers.DictField(
        help_text="What the last test found out; {} when there was none since the last change."
    )
    created_by = serializers.CharField(
        source="created_by.username", default=None, allow_null=True, help_text="Who registered it."
    )

    class Meta:
        model = Agent
        fields = (
            "agent_id",
            "name",
            "description",
            "kind",
            "config",
            "secrets",
            "grants",
            "ability",
            "tested_at",
            "max_concurrency",
            "created_by",
            "created_at",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_secrets(self, agent: Agent) -> list[str]:
        """Their names; the values are never told."""
        return secret_names(agent)


class CheckSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="What was tried.")
    ok = serializers.BooleanField()
    text = serializers.CharField(help_text="What came of it, in words.")


class ProbedSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField(help_text="Whether the agent can be used.")
    checks = CheckSerializer(many=True)
    ability = serializers.DictField(help_text="What is remembered of it.")


class AgentHealthSerializer(serializers.Serializer[roster.Row]):
    """Expects a row of the register. Counted over all groups, as on the agent's page."""

    agent_id = serializers.CharField()
    health = serializers.ChoiceField(
        choices=[each.value for each in roster.Health],
        help_text="`away`: nobody would answer; `failing`: one in four subtasks failed within a day; "
        "`unknown`: neither tested nor used; `good`.",
    )
    working = serializers.IntegerField(help_text="Subtasks that it works at now.")
    slots = serializers.IntegerField(
        allow_null=True, help_text="Subtasks it carries out at once; null: no limit."
    )
    programs = serializers.IntegerField(
        help_text="Of an agent that dials in: how many of its programs are connected."
    )
    ended = serializers.IntegerField(help_text="Subtasks that ended within a day.")
    failed = serializers.IntegerField(help_text="How many of those failed.")
    last_ended_at = serializers.DateTimeField(
        allow_null=True, help_text="When the last of those ended."
    )
    tested_ok = serializers.BooleanField(
        allow_null=True,
        help_text="What the last test found; null: not tested since the last change.",
    )
    tested_at = serializers.DateTimeField(allow_null=True)
    used = UsedSerializer(source="month", help_text="In this calendar month, UTC.")


class AgentChangeSerializer(StrictSerializer):
    name = serializers.CharField(max_length=MAX_NAME, allow_blank=True, required=False)
    description = Text(max_length=MAX_DESCRIPTION, required=False)
    kind = serializers.CharField(max_length=20, required=False)
    config = ObjectField(required=False)
    secrets = serializers.DictField(
        child=serializers.CharField(max_length=MAX_SECRET, allow_null=True),
        required=False,
        help_text="Secrets by name, such as `api_key`; null forgets one. They are written, never read.",
    )
    grants = serializers.ListField(
        child=ObjectField(),
        required=False,
        help_text='The tools it may use, such as [{"tool": "web.fetch", "hosts": ["example.org"], "approval": true}].',
    )
    max_concurrency = serializers.IntegerField(
        min_value=0,
        max_value=MAX_CONCURRENCY,
        required=False,
        help_text="Subtasks it carries out at once over all runs; 0 = no limit.",
    )


class AgentNewSerializer(AgentChangeSerializer):
    agent_id = serializers.CharField(max_length=64, validators=[valid_id])
