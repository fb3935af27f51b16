"""Which runs a page lists; nonsense counts as nothing said, for an address may come from anywhere."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from groups.execution.modes import MODES
from groups.run_filter import STATUSES, UNDER_WAY, RunFilter, searched
from groups.words import RUN_WORDS


def _statuses() -> list[tuple[str, str]]:
    words = [(name, str(RUN_WORDS[name])) for name in STATUSES if name != UNDER_WAY]
    return [("", gettext("Any status")), (UNDER_WAY, gettext("under way")), *words]


def _modes() -> list[tuple[str, str]]:
    modes = [(name, gettext(mode.words)) for name, mode in MODES.items()]
    return [("", gettext("Any mode")), *modes]


class _Searched(forms.CharField):
    """Cleaned before it is judged: what a keyboard slipped in does not undo the search."""

    def to_python(self, value: Any) -> str:
        return searched(super().to_python(value) or "")


class RunFilterForm(forms.Form):
    """Words, status, group and mode."""

    q = _Searched(
        label=_("Search in tasks"),
        required=False,
        max_length=200,
        widget=forms.TextInput(
            {"type": "search", "placeholder": _("Search in tasks"), "autocomplete": "off"}
        ),
    )
    status = forms.ChoiceField(label=_("Status"), required=False, choices=_statuses)
    group = _Searched(
        label=_("Group"),
        required=False,
        max_length=200,
        widget=forms.TextInput(
            {
                "type": "search",
                "placeholder": _("Any group"),
                "list": "run-groups",
                "autocomplete": "off",
            }
        ),
    )
    mode = forms.ChoiceField(label=_("Mode"), required=False, choices=_modes)

    def wanted(self) -> RunFilter:
        """What was asked for, as far as it makes sense."""
        self.is_valid()
        data: dict[str, Any] = self.cleaned_data
        said = {name: data.get(name) or "" for name in ("group", "status", "mode")}
        return RunFilter(text=data.get("q") or "", **said)


def query_of(wanted: RunFilter) -> str:
    """The filter as it stands in an address, without what leaves out nothing."""
    named = {"q": wanted.text, **wanted._asdict()}
    del named["text"]
    return urlencode({name: value for name, value in named.items() if value})
