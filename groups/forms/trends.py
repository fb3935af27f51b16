"""What the trends page is asked: how far back, and of which group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from groups.forms import StarsForm
from groups.trends import Period

#: Groups that are offered at most.
OFFERED: Final = 200
_WORDS: Final = {
    Period.DAY: _("Last 24 hours"),
    Period.WEEK: _("Last 7 days"),
    Period.MONTH: _("Last 30 days"),
}


class TrendsForm(StarsForm):
    period = forms.ChoiceField(label=_("Period"), required=False, choices=list(_WORDS.items()))
    group = forms.CharField(
        label=_("Group"),
        required=False,
        widget=forms.TextInput({"placeholder": _("all groups"), "list": "trend-groups"}),
    )

    def __init__(self, *args: Any, groups: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._groups = frozenset(groups)

    @property
    def offered(self) -> list[str]:
        """Groups to choose from as one types; of very many the first."""
        return sorted(self._groups)[:OFFERED]

    def clean_group(self) -> str:
        """Refuse what is none of the groups that one may see."""
        name: str = self.cleaned_data["group"].strip()
        if name and name not in self._groups:
            raise forms.ValidationError(_("There is no such group."))
        return name
