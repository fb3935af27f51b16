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

    by = serializers.CharField(help_text="The person who wrote it, by user name; empty: none did.")
    to = serializers.CharField(source="recipient", help_text="Empty: to every member.")
    reply_to = serializers.IntegerField(source="reply_to_id", allow_null=True)
    addressed = serializers.ListField(
        child=serializers.CharField(), help_text="The agents that answer it."
    )
    runs: Any = serializers.PrimaryKeyRelatedField(
        many=True, read_only=True, help_text="The runs in which it is answered."
    )
    deliveries = DeliverySerializer(many=True)

    class Meta:
        model = Message
        fields = (
            *("id", "by", "to", "text", "created_at", "reply_to", "depth"),
            *("addressed", "runs", "deliveries"),
        )
        read_only_fields = fields

    def get_fields(self) -> dict[str, Any]:
        """With `from`."""
        sender = serializers.CharField(source="sender", help_text="An agent id, or system.")
        return {"from": sender, **super().get_fields()}


class MessageNewSerializer(StrictSerializer):
    to = serializers.CharField(
        max_length=64,
        allow_blank=True,
        default="",
        help_text="A member, who answers; empty: all, and whoever is mentioned answers.",
    )
    text = Text()
    reply_to = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        help_text="The message that this one answers.",
    )

    def get_fields(self) -> dict[str, Any]:
        """With `from`."""
        sender = serializers.CharField(
            max_length=64, default=SYSTEM, help_text="A member, or system: it stands for you."
        )
        return {"from": sender, **super().get_fields()}
