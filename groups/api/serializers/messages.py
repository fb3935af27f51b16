"""Messages of a group. `from` is a word of Python, hence `get_fields`."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from groups.api.serializers.base import StrictSerializer, Text
from groups.models import Delivery, Message
from groups.models.messages import SYSTEM


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    to = serializers.CharField(source="recipient")

    class Meta:
        model = Delivery
        fields = ("to", "status", "attempts", "error", "delivered_at")
        read_only_fields = fields


class MessageSerializer(serializers.ModelSerializer[Message]):
    """Expects the deliveries to be prefetched."""

    to = serializers.CharField(source="recipient", help_text="Empty: to every member.")
    deliveries = DeliverySerializer(many=True)

    class Meta:
        model = Message
        fields = ("id", "to", "text", "created_at", "deliveries")
        read_only_fields = fields

    def get_fields(self) -> dict[str, Any]:
        """With `from`."""
        sender = serializers.CharField(source="sender", help_text="An agent id, or system.")
        return {"from": sender, **super().get_fields()}


class MessageNewSerializer(StrictSerializer):
    to = serializers.CharField(
        max_length=64, allow_blank=True, default="", help_text="A member; empty: every member."
    )
    text = Text()

    def get_fields(self) -> dict[str, Any]:
        """With `from`."""
        sender = serializers.CharField(
            max_length=64, default=SYSTEM, help_text="A member, or system for a broadcast."
        )
        return {"from": sender, **super().get_fields()}
