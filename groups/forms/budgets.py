"""The form of a budget: two caps, either of which may be left empty."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from groups.forms import StarsForm


def tokens_cap(label: Any) -> forms.IntegerField:
    """A cap in tokens, at least 1; empty means none."""
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=1,
        widget=forms.NumberInput({"placeholder": _("no cap")}),
        help_text=_("In and out together."),
    )


def cost_cap(label: Any) -> forms.FloatField:
    """A cap in US dollars, at least 0; empty means none."""
    return forms.FloatField(
        label=label,
        required=False,
        min_value=0,
        widget=forms.NumberInput({"placeholder": _("no cap"), "step": "any"}),
        help_text=_("Calls of unknown price count in tokens only."),
    )


class BudgetForm(StarsForm):
    max_tokens = tokens_cap(_("Tokens a month"))
    max_cost_usd = cost_cap(_("Dollars a month"))
