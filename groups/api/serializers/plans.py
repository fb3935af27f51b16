"""A run's plan. Whether it can be carried out is for `groups.execution.plan` to say."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from groups.api.serializers.base import StrictSerializer, Text
from groups.execution.plan import MAX_INSTRUCTIONS, MAX_SUBTASKS


class PlanItemSerializer(StrictSerializer):
    key = serializers.CharField(max_length=64, help_text="Its name within the plan.")
    title = Text()
    assignee = serializers.CharField(
        max_length=64, help_text="A member's agent id, or a worker's tag."
    )
    instructions = Text(default="")
    depends_on = serializers.ListField(
        child=serializers.CharField(max_length=64),
        default=list,
        max_length=MAX_SUBTASKS,
        help_text="Keys of subtasks that must be completed first.",
    )
    id = serializers.UUIDField(
        default=None, allow_null=True, help_text="The subtask's id; given by Stars."
    )

    def validate_id(self, value: Any) -> str | None:
        """As the plan holds it."""
        return str(value) if value else None


class PlanSerializer(StrictSerializer):
    subtasks: Any = serializers.ListSerializer(child=PlanItemSerializer(), max_length=MAX_SUBTASKS)
    note = Text(default="", max_length=MAX_INSTRUCTIONS, help_text="Why it is planned so.")


class ApprovalSerializer(StrictSerializer):
    plan = PlanSerializer(
        required=False, allow_null=True, help_text="An edited plan to approve instead."
    )
