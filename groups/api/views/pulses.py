"""How lately those that work on a run were heard of."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from groups import access
from groups.api.base import ApiView
from groups.pulse import pulse


class BeatSerializer(serializers.Serializer[Any]):
    subtask = serializers.UUIDField()
    key = serializers.CharField()
    agent_id = serializers.CharField()
    at = serializers.DateTimeField(help_text="When its worker was last heard of.")


class PulseSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField(help_text="Now, by the server's clock.")
    late = serializers.FloatField(help_text="The age in seconds from which a beat is overdue.")
    lost = serializers.FloatField(help_text="The age at which the work is given to others.")
    beats = BeatSerializer(many=True, help_text="One for each subtask at work, the oldest first.")


class PulseView(ApiView):
    @extend_schema(operation_id="get_pulse", tags=["runs"], responses=PulseSerializer)
    def get(self, request: Request, run_id: str) -> Response:
        """When the workers at the run's subtasks were last heard of."""
        return Response(pulse(access.get_run(self.actor, run_id)))
