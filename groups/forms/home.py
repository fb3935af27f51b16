"""Which groups the home page shows."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy

from groups.overview.cards import STEP, Wanted

ONLY: Final[tuple[tuple[str, Any], ...]] = (
    ("", gettext_lazy("All")),
    ("running", gettext_lazy("Running")),
    ("needs", gettext_lazy("Needs me")),
    ("failed", gettext_lazy("Last run failed")),
)
ORDER: Final[tuple[tuple[str, Any], ...]] = (
    ("recent", gettext_lazy("Last run first")),
    ("name", gettext_lazy("By name")),
    ("new", gettext_lazy("Newest first")),
)


class WantedForm(forms.Form):
    """Search, filter and order; nonsense counts as nothing said, for an address may come from anywhere."""

    q = forms.CharField(
        required=False,
        max_length=200,
        label=gettext_lazy("Search groups"),
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "placeholder": gettext_lazy("Search groups and agents"),
                "autocomplete": "off",
            }
        ),
    )
    only = forms.ChoiceField(required=False, choices=ONLY, label=gettext_lazy("Show"))
    order = forms.ChoiceField(required=False, choices=ORDER, label=gettext_lazy("Order"))
    shown = forms.IntegerField(required=False, min_value=STEP, widget=forms.HiddenInput)

    def wanted(self) -> Wanted:
        """What was asked for, as far as it makes sense."""
        self.is_valid()
        data = self.cleaned_data
        text = "".join(letter for letter in data.get("q") or "" if letter.isprintable())
        return Wanted(
            text=text.strip(),
            only=data.get("only") or "",
            order=data.get("order") or "recent",
            shown=data.get("shown") or STEP,
        )
