"""How the installation stands, and what a person has put aside on the home page."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from groups.api.serializers.base import StrictSerializer
from groups.models import Process, Seen
from groups.overview.health import Level

LEVELS = [level.value for level in Level]


class FaultSerializer(serializers.Serializer[Any]):
    part = serializers.ChoiceField(choices=["broker", "workers", "states", "sweep", "queue"])
    standing = serializers.ChoiceField(choices=LEVELS, source="level")
    text = serializers.CharField()
    advice = serializers.CharField(help_text="What to do about it.")


class WorkersSerializer(serializers.Serializer[Any]):
    alive = serializers.IntegerField()
    silent = serializers.IntegerField(
        help_text="Spoke within the last three minutes, and no longer."
    )
    slots = serializers.IntegerField(help_text="Subtasks that they can carry out at once.")
    busy = serializers.IntegerField()
    free = serializers.IntegerField()


class ProcessSerializer(serializers.ModelSerializer[Process]):
    class Meta:
        model = Process
        fields = ("kind", "name", "slots", "free", "started_at", "heard_at", "swept_at")


class HealthSerializer(serializers.Serializer[Any]):
    standing = serializers.ChoiceField(
        choices=LEVELS, source="level", help_text="`strained`: it works, and somebody should look."
    )
    faults = FaultSerializer(many=True)
    embedded = serializers.BooleanField(help_text="Web, workers and broker are one process.")
    web = serializers.IntegerField(help_text="Web processes that are heard of.")
    workers = WorkersSerializer()
    doorbells = serializers.IntegerField(
        allow_null=True, help_text="In the broker, unanswered; null: the broker is away."
    )
    ready = serializers.IntegerField(help_text="Subtasks that lack nothing but a slot.")
    oldest_ready_at = serializers.DateTimeField(source="oldest", allow_null=True)
    swept_at = serializers.DateTimeField(
        allow_null=True, help_text="When anybody last looked for what was left behind."
    )
    states = serializers.BooleanField(help_text="Whether the store of shared states answers.")
    at = serializers.DateTimeField()
    processes = ProcessSerializer(many=True)


class SeenSerializer(serializers.ModelSerializer[Seen]):
    failures_at = serializers.DateTimeField(
        allow_null=True, help_text="Runs that failed until then are known."
    )
    welcome_at = serializers.DateTimeField(
        allow_null=True, help_text="When the welcome was put away."
    )

    class Meta:
        model = Seen
        fields = ("failures_at", "welcome_at")


class SeenPatchSerializer(StrictSerializer):
    failures = serializers.BooleanField(
        required=False, help_text="True: failures until now are known. False: show them again."
    )
    welcome = serializers.BooleanField(
        required=False, help_text="True: put the welcome away. False: show it again."
    )
