"""Tool servers, and what a test finds on them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from groups.api.serializers.base import StrictSerializer
from groups.models import ToolServer
from groups.models.agents import valid_id
from groups.services import tool_servers


class ToolServerSerializer(serializers.ModelSerializer[ToolServer]):
    command = serializers.ListField(child=serializers.CharField())
    secrets = serializers.SerializerMethodField(help_text="Names of the secrets that are set.")
    created_by = serializers.CharField(
        source="created_by.username", default=None, allow_null=True, help_text="Who registered it."
    )

    class Meta:
        model = ToolServer
        fields = ("name", "url", "command", "secrets", "created_by", "created_at")
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_secrets(self, server: ToolServer) -> list[str]:
        """Their names; the values are never told."""
        return tool_servers.secret_names(server)


class ToolServerChangeSerializer(StrictSerializer):
    url = serializers.CharField(
        required=False, allow_blank=True, help_text="Its address (MCP over streamable HTTP)."
    )
    command = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False),
        required=False,
        help_text="Or the program that is it (MCP over stdio) with its arguments, where commands are allowed.",
    )
    secrets = serializers.DictField(
        child=serializers.CharField(allow_null=True, trim_whitespace=False),
        required=False,
        help_text="Headers or environment variables; null takes one away. They are written, never read.",
    )


class ToolServerNewSerializer(ToolServerChangeSerializer):
    name = serializers.CharField(max_length=64, validators=[valid_id])


class ToolSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="As it is granted.")
    description = serializers.CharField()
    parameters = serializers.DictField(help_text="A JSON Schema.")


class ToolsFoundSerializer(serializers.Serializer[Any]):
    tools = ToolSerializer(many=True)
