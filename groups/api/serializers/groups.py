"""Groups, and who of the users may see or steer them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from groups.api.serializers.base import StrictSerializer, Text
from groups.models import Group, GroupAccess, Level
from groups.models.agents import valid_id
from groups.services.inputs import MAX_DESCRIPTION, MAX_NAME


class GroupSerializer(serializers.ModelSerializer[Group]):
    """Expects a row of `selectors.groups_with_counts` that `selectors.with_levels` has been at."""

    created_by = serializers.CharField(source="created_by.username", default=None, allow_null=True)
    size = serializers.SerializerMethodField(help_text="How many members it has.")
    leader = serializers.SerializerMethodField(help_text="The leader's agent id.")
    level = serializers.SerializerMethodField(help_text="What you are in it.")
    runs_under_way = serializers.IntegerField()
    last_run_at = serializers.DateTimeField(allow_null=True)

    class Meta:
        model = Group
        fields = (
            "id",
            "name",
            "description",
            "size",
            "leader",
            "level",
            "runs_under_way",
            "last_run_at",
            "created_by",
            "created_at",
        )
        read_only_fields = fields

    def get_size(self, group: Group) -> int:
        """Counted over the prefetched members."""
        return len(group.members.all())

    @extend_schema_field(serializers.ChoiceField(choices=Level.labels))
    def get_level(self, group: Any) -> str:
        """By its name."""
        return str(Level(group.own_level).label)

    def get_leader(self, group: Group) -> str | None:
        """From the prefetched members."""
        leaders = (
            member.agent.agent_id for member in group.members.all() if member.role == "leader"
        )
        return next(leaders, None)


class GroupChangeSerializer(StrictSerializer):
    name = serializers.CharField(max_length=MAX_NAME, required=False)
    description = Text(max_length=MAX_DESCRIPTION, required=False)


class GroupNewSerializer(StrictSerializer):
    id = serializers.CharField(
        max_length=64,
        validators=[valid_id],
        required=False,
        help_text="Made from the name if absent.",
    )
    name = serializers.CharField(max_length=MAX_NAME)
    description = Text(max_length=MAX_DESCRIPTION, required=False)


class AccessSerializer(serializers.ModelSerializer[GroupAccess]):
    username = serializers.CharField(source="user.username")
    level = serializers.ChoiceField(choices=Level.labels, source="get_level_display")

    class Meta:
        model = GroupAccess
        fields = ("username", "level")
        read_only_fields = fields


class AccessGrantSerializer(StrictSerializer):
    username = serializers.CharField(max_length=150)
    level = serializers.ChoiceField(choices=Level.labels)

    def validate_level(self, label: str) -> Any:
        """The level by its name."""
        return Level[label.upper()]
