"""Templates of runs. What is sent is what a run is started with, and a name."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from groups.api.serializers.base import Text
from groups.api.serializers.runs import RunNewSerializer
from groups.models import RunTemplate


class TemplateSerializer(serializers.ModelSerializer[RunTemplate]):
    created_by = serializers.CharField(
        source="created_by.username", default=None, allow_null=True, help_text="Who kept it."
    )

    class Meta:
        model = RunTemplate
        fields = (
            *("id", "name", "task", "mode", "options", "approve_plan", "failure_policy"),
            *("time_limit", "max_tokens", "max_cost_usd"),
            *("created_by", "created_at", "updated_at"),
        )
        read_only_fields = fields


class TemplateNewSerializer(RunNewSerializer):
    """Limits left out, or null, are the server's when a run is started with it."""

    def get_fields(self) -> dict[str, Any]:
        """As for a run, without what belongs to one run only."""
        fields = super().get_fields()
        for name in ("attachments", "subtask_time_limit", "max_attempts", "max_parallel"):
            del fields[name]
        return {"name": Text(help_text="Unique in the group; 80 characters at most."), **fields}
