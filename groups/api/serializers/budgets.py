"""Caps, and what was used under them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from groups.api.serializers.base import StrictSerializer
from groups.services import budgets


class MaxTokens(serializers.IntegerField):
    """A cap in tokens, in and out together."""

    def __init__(self, **kwargs: Any) -> None:
        fixed = {"min_value": 1, "max_value": budgets.MOST_TOKENS, "allow_null": True}
        told = "Tokens in and out together; null: no cap."
        super().__init__(**{"required": False, "help_text": told, **fixed, **kwargs})


class MaxCost(serializers.FloatField):
    """A cap in money."""

    def __init__(self, **kwargs: Any) -> None:
        fixed = {"min_value": 0, "max_value": budgets.MOST_USD, "allow_null": True}
        told = "US dollars; null: no cap. Calls of unknown price count in tokens only."
        super().__init__(**{"required": False, "help_text": told, **fixed, **kwargs})


class UsedSerializer(serializers.Serializer[Any]):
    """What was used this month."""

    tokens = serializers.IntegerField()
    cost_usd = serializers.FloatField(help_text="Of the calls whose price is known.")
    unpriced = serializers.IntegerField(help_text="How many calls had no known price.")


class BudgetSerializer(serializers.Serializer[Any]):
    """A month's caps and what was used of them. Expects a Budget with `used` set to a `Spent`."""

    scope = serializers.ChoiceField(choices=["agent", "group", "site"])
    max_tokens = serializers.IntegerField(allow_null=True)
    max_cost_usd = serializers.FloatField(allow_null=True)
    month = serializers.DateField(help_text="The first day of the month that is counted, UTC.")
    used = UsedSerializer()


class BudgetPutSerializer(StrictSerializer):
    """Both caps; what is left out is no cap."""

    max_tokens = MaxTokens(default=None)
    max_cost_usd = MaxCost(default=None)
