"""Agents."""

from __future__ import annotations

from rest_framework import serializers

from groups.api.serializers.base import ObjectField, StrictSerializer, Text
from groups.models import Agent
from groups.models.agents import valid_id
from groups.services.agents import MAX_CONCURRENCY
from groups.services.inputs import MAX_DESCRIPTION, MAX_NAME


class AgentSerializer(serializers.ModelSerializer[Agent]):
    config = serializers.DictField(help_text="Settings of its kind.")
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
            "max_concurrency",
            "created_by",
            "created_at",
        )
        read_only_fields = fields


class AgentChangeSerializer(StrictSerializer):
    name = serializers.CharField(max_length=MAX_NAME, allow_blank=True, required=False)
    description = Text(max_length=MAX_DESCRIPTION, required=False)
    kind = serializers.CharField(max_length=20, required=False)
    config = ObjectField(required=False)
    max_concurrency = serializers.IntegerField(
        min_value=0,
        max_value=MAX_CONCURRENCY,
        required=False,
        help_text="Subtasks it carries out at once over all runs; 0 = no limit.",
    )


class AgentNewSerializer(AgentChangeSerializer):
    agent_id = serializers.CharField(max_length=64, validators=[valid_id])
