"""A person's own settings."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from groups.api.serializers.base import StrictSerializer
from groups.services.profile import MAX_DISPLAY_NAME, MAX_EMAIL


class ProfileSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    name = serializers.CharField(help_text="The display name.")
    email = serializers.CharField()
    language = serializers.CharField(help_text="Empty: as the browser asks.")
    time_zone = serializers.CharField(help_text="IANA; empty: the installation's.")


class ProfileChangeSerializer(StrictSerializer):
    name = serializers.CharField(max_length=MAX_DISPLAY_NAME, allow_blank=True, required=False)
    email = serializers.CharField(max_length=MAX_EMAIL, allow_blank=True, required=False)
    language = serializers.CharField(max_length=20, allow_blank=True, required=False)
    time_zone = serializers.CharField(max_length=64, allow_blank=True, required=False)


class PasswordSerializer(StrictSerializer):
    old = serializers.CharField(max_length=4096, trim_whitespace=False)
    new = serializers.CharField(max_length=4096, trim_whitespace=False)
