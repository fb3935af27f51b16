"""The shape of every refusal (`groups.api.errors`), for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details (RFC 9457)."""

    type = serializers.CharField(
        help_text="about:blank, or /problems/<reason> where there are further members."
    )
    title = serializers.CharField(help_text="The status in words.")
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What is wrong, for people.")
    reason = serializers.CharField(help_text="What is wrong, for scripts: one stable word.")
    instance = serializers.CharField(help_text="The address that was asked.")
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Field, as it was written, to what is wrong with it.",
    )
