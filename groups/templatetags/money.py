"""Tokens and dollars in words; a price that nobody knows is said to be unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from groups.execution.budget import Spent, dollars

register = template.Library()


@register.filter
def tokens(amount: int) -> str:
    """A number of tokens in words."""
    return gettext("%(n)s tokens") % {"n": number_format(amount, force_grouping=True)}


@register.filter
def usd(amount: float) -> str:
    """Dollars, with as many places as small sums need, up to four."""
    return f"${dollars(amount, 4)}"


@register.filter
def used_words(usage: Mapping[str, Any]) -> str:
    """A run's usage: its tokens and what they cost; empty when there was none."""
    if not usage:
        return ""
    words = tokens(usage.get("input_tokens", 0) + usage.get("output_tokens", 0))
    cost = usage.get("cost_usd")
    if cost is None:
        return f"{words}, {gettext('cost unknown')}"
    return f"{words}, {usd(cost)}" if cost else words


@register.filter
def unpriced_words(spent: Spent) -> str:
    """How many calls had no known price."""
    calls = ngettext(
        "plus %(n)s call of unknown price", "plus %(n)s calls of unknown price", spent.unpriced
    )
    return calls % {"n": spent.unpriced}


@register.filter
def spent_words(spent: Spent) -> str:
    """What was spent in money; calls of unknown price are counted beside it."""
    known = usd(spent.cost_usd)
    return f"{known} {unpriced_words(spent)}" if spent.unpriced else known
