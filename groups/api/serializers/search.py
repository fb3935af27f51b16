"""What a search found."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from groups.search import Hit, Kind, path_of


class HitSerializer(serializers.Serializer[Hit]):
    kind = serializers.ChoiceField(choices=[(kind.value, kind.value) for kind in Kind])
    id = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField(help_text="The part of it in which the words stand.")
    group = serializers.CharField(
        help_text="The group it belongs to, or the space of a state; empty for agents."
    )
    status = serializers.CharField(help_text="A run's status, the kind of an agent or a state.")
    at = serializers.DateTimeField(help_text="When it was made, or a state was last written.")
    url = serializers.SerializerMethodField(help_text="Its page.")

    def get_url(self, hit: Hit) -> str:
        """Where people look at it."""
        request = self.context.get("request")
        return request.build_absolute_uri(path_of(hit)) if request else path_of(hit)


class FoundSerializer(serializers.Serializer[Any]):
    hits = HitSerializer(many=True)
    next = serializers.URLField(
        allow_null=True, help_text="Where there is more of this kind; null when there is none."
    )


class SearchSerializer(serializers.Serializer[Any]):
    query = serializers.CharField()
    groups = FoundSerializer(required=False)
    agents = FoundSerializer(required=False)
    runs = FoundSerializer(required=False)
    states = FoundSerializer(required=False)
    messages = FoundSerializer(required=False)
