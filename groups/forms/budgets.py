"""The form of a budget: two caps, either of which may be left empty."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from groups.forms import StarsForm


class BudgetForm(StarsForm):
    max_tokens = forms.IntegerField(
        label=_("Tokens a month"),
        required=False,
        min_value=1,
        widget=forms.NumberInput({"placeholder": _("no cap")}),
        help_text=_("In and out together."),
    )
    max_cost_usd = forms.FloatField(
        label=_("Dollars a month"),
        required=False,
        min_value=0,
        widget=forms.NumberInput({"placeholder": _("no cap"), "step": "any"}),
        help_text=_("Calls of unknown price count in tokens only."),
    )
