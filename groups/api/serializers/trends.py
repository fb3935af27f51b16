"""How runs went, per stretch of time."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


def _values(told: str) -> serializers.ListField:
    """One number per stretch; null: nothing was measured."""
    number: serializers.FloatField = serializers.FloatField(allow_null=True)
    return serializers.ListField(child=number, help_text=told)


class TrendsSerializer(serializers.Serializer[Any]):
    """Every list has one value per stretch, the oldest first; the last stretch is under way."""

    period = serializers.CharField()
    starts = serializers.ListField(child=serializers.DateTimeField(), source="axis.starts")
    seconds = serializers.FloatField(help_text="How long a stretch is.")
    runs = serializers.DictField(
        child=_values(""),
        help_text="Runs that began then, by how they stand now: completed, failed, cancelled, running (under way).",
    )
    median = _values("Seconds that runs took which ended then: half of them took no longer.")
    p95 = _values("Seconds that 95% of them did not exceed.")
    tokens = serializers.DictField(
        child=_values(""),
        help_text='In and out together, by the agents that used most; "" are all others.',
    )
    cost = _values("US dollars of the calls whose price is known.")
    failing = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Failed subtasks in all, by agent; the most first.",
    )
