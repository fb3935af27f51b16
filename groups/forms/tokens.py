"""What the form for a new API token accepts, and scopes in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from groups.forms import StarsForm
from groups.models import Group, Scope
from groups.services.tokens import MAX_NAME

SCOPE_WORDS: Final[dict[str, Any]] = {
    Scope.READ: _("See groups, runs, messages and states"),
    Scope.RUN: _("Start runs, steer them, answer their questions"),
    Scope.MESSAGE: _("Write messages"),
    Scope.STATE: _("Change shared states"),
    Scope.MANAGE: _("Change groups, members, access and agents"),
}
LIFETIMES: Final[dict[int, Any]] = {
    7: _("in a week"),
    30: _("in 30 days"),
    90: _("in 90 days"),
    365: _("in a year"),
    0: _("never"),
}


class TokenForm(StarsForm):
    name = forms.CharField(
        label=_("Name"), max_length=MAX_NAME, help_text=_("What it is for, such as “laptop”.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        choices=list(SCOPE_WORDS.items()),
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.READ, Scope.RUN],
    )
    groups = forms.MultipleChoiceField(
        label=_("Only in these groups"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("With none chosen, in all that you may see."),
    )
    days = forms.TypedChoiceField(
        label=_("It expires"), coerce=int, choices=list(LIFETIMES.items()), initial=90
    )

    def __init__(self, *args: Any, groups: Iterable[Group], **kwargs: Any) -> None:
        """`groups` are those that may be chosen."""
        super().__init__(*args, **kwargs)
        field = self.fields["groups"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(group.id, group.name) for group in groups]
