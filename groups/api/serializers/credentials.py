"""Credentials of agents whose programs dial in."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from groups.models import AgentCredential


class CredentialSerializer(serializers.ModelSerializer[AgentCredential]):
    """Everything but the credential itself, which nobody has any more."""

    created_by = serializers.CharField(source="created_by.username", default=None, allow_null=True)

    class Meta:
        model = AgentCredential
        fields: tuple[str, ...] = (
            "id",
            "prefix",
            "created_by",
            "created_at",
            "last_used_at",
            "revoked_at",
        )
        read_only_fields = fields


class NewCredentialSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    prefix = serializers.CharField()
    credential = serializers.CharField(
        help_text="Send it as `Authorization: Bearer …` when dialling in; it is shown only now."
    )
