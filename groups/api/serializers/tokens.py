"""API tokens."""

from __future__ import annotations

from typing import Any

from knox.models import AuthToken
from rest_framework import serializers

from groups.api.serializers.base import StrictSerializer, Text
from groups.models import Scope
from groups.services import tokens


class CredentialsSerializer(StrictSerializer):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(
        max_length=4096, trim_whitespace=False, style={"input_type": "password"}
    )


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(
        help_text="Send it as `Authorization: Bearer …`; it is shown only now."
    )
    expiry = serializers.DateTimeField(allow_null=True)


class TokenNewSerializer(StrictSerializer):
    name = Text(help_text="What it is for, to tell it from the others.")
    scopes = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Of read, run, message, state, manage; all unless said. All but message include read.",
    )
    groups = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Ids of groups; the others do not exist for it. None: all that you may see.",
    )
    days = serializers.IntegerField(
        required=False, help_text="Until it expires; 0: never. 90 unless said."
    )


class TokenGrantSerializer(serializers.BaseSerializer[AuthToken]):
    """A token without its text; null `scopes` and `groups` mean without limits."""

    def to_representation(self, token: AuthToken) -> dict[str, Any]:
        """As it is listed."""
        grant = tokens.grant_beside(token)
        return {
            "id": tokens.id_of(token),
            "name": grant.name if grant else "",
            "begins": token.token_key[:8],
            "scopes": grant.scopes if grant else None,
            "groups": grant.groups if grant else None,
            "created": serializers.DateTimeField().to_representation(token.created),
            "expiry": token.expiry and serializers.DateTimeField().to_representation(token.expiry),
        }


class TokenShape(serializers.Serializer[Any]):
    """How `TokenGrantSerializer` answers, for the OpenAPI document."""

    id = serializers.CharField()
    name = serializers.CharField()
    begins = serializers.CharField(help_text="Its first characters.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), allow_null=True
    )
    groups = serializers.ListField(child=serializers.CharField(), allow_null=True)
    created = serializers.DateTimeField()
    expiry = serializers.DateTimeField(allow_null=True)


class TokenMadeSerializer(TokenShape):
    token = serializers.CharField(help_text="Shown only now.")
