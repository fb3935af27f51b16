"""Talking to an agent outside of any run."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from groups.api.serializers.base import StrictSerializer, Text


class TurnSerializer(StrictSerializer):
    text = Text(help_text="What you said.")
    answer = Text(help_text="What the agent answered.")


class ConverseSerializer(StrictSerializer):
    text = Text(help_text="What you say to the agent.")
    earlier = TurnSerializer(
        many=True,
        required=False,
        help_text="What was said before, oldest first; nothing is kept here.",
    )
    stream = serializers.BooleanField(
        default=False,
        help_text="Send the answer as it comes, as server-sent events: `text`, `tool` and, last, `end`.",
    )


class ConversedSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(
        choices=[(each, each) for each in ("answered", "asks", "handed_over", "failed")]
    )
    text = serializers.CharField(help_text="The whole answer, or why there is none.")
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost_usd = serializers.FloatField(allow_null=True, help_text="Null when the price is unknown.")
    seconds = serializers.FloatField()
