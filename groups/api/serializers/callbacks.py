"""The answer of an agent's own program, for the OpenAPI document; `agents.wire` reads it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class UsedSerializer(serializers.Serializer[Any]):
    input_tokens = serializers.IntegerField(min_value=0, default=0)
    output_tokens = serializers.IntegerField(min_value=0, default=0)
    requests = serializers.IntegerField(min_value=0, default=1)
    cost_usd = serializers.FloatField(
        min_value=0, allow_null=True, default=None, help_text="Without it the price is unknown."
    )
    model = serializers.CharField(max_length=100, default="")


class HandOverSerializer(serializers.Serializer[Any]):
    to = serializers.CharField(max_length=64, help_text="Another member: an agent id or a tag.")
    text = serializers.CharField(default="", help_text="What it shall know.")


class CallbackSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(required=False, help_text="The result.")
    plan = serializers.DictField(required=False, help_text="Where a plan was asked for.")
    question = serializers.CharField(required=False, help_text="For a person.")
    hand_over = HandOverSerializer(required=False)
    error = serializers.CharField(required=False, help_text="Why it could not be done.")
    data = serializers.DictField(  # type: ignore[assignment]
        required=False, help_text="With a text, such as a vote's choice."
    )
    options = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="What may be answered."
    )
    patience = serializers.FloatField(
        required=False, help_text="Seconds that a person is waited for."
    )
    memo = serializers.DictField(
        required=False, help_text="With a question: comes back with its answer."
    )
    transient = serializers.BooleanField(
        required=False, help_text="With an error: another try may succeed."
    )
    retry_after = serializers.FloatField(
        required=False, help_text="With an error: seconds to be left alone for."
    )
    usage = UsedSerializer(required=False)
