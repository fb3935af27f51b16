"""Members of a group."""

from __future__ import annotations

from rest_framework import serializers

from groups.api.serializers.base import StrictSerializer
from groups.models import Member, Role
from groups.services.inputs import MAX_TAG, MAX_TAGS


def _tags() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=MAX_TAG),
        max_length=MAX_TAGS,
        required=False,
        help_text="Free words; a plan may assign a subtask to a tag.",
    )


class MemberSerializer(serializers.ModelSerializer[Member]):
    """Expects the agent to be joined in."""

    agent_id = serializers.CharField(source="agent.agent_id")
    name = serializers.CharField(source="agent.name")
    description = serializers.CharField(source="agent.description")
    kind = serializers.CharField(source="agent.kind")
    tags = serializers.ListField(child=serializers.CharField())

    place = serializers.IntegerField(source="position", help_text="Lower stands first.")

    class Meta:
        model = Member
        fields = ("agent_id", "role", "tags", "name", "description", "kind", "place", "joined_at")
        read_only_fields = fields


class MemberChangeSerializer(StrictSerializer):
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    tags = _tags()


class MemberNewSerializer(StrictSerializer):
    agent_id = serializers.CharField(max_length=64)
    role = serializers.ChoiceField(choices=Role.choices, default=Role.WORKER)
    tags = _tags()


class PlaceSerializer(StrictSerializer):
    place = serializers.IntegerField(
        min_value=0,
        max_value=10_000,
        help_text="Among all members, counted from 0; too far is the end.",
    )
