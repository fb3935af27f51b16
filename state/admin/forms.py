"""What people can fill in about states and conflicts; what a value must be like, the StateManager says."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

import msgspec
from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from state.errors import StarsError
from state.values import (
    AccessPolicy,
    ConflictResolution,
    ConsistencyLevel,
    MergeFallback,
    SharedState,
)

_POLICY: Final = tuple(AccessPolicy.__struct_fields__)


class RefusableForm(forms.Form):
    """A form that shows what the StateManager refused, at the fields it named."""

    def refuse(self, error: StarsError) -> None:
        """Add the refusal's sentences."""
        for name, texts in (error.fields or {"": [error.message]}).items():
            field = name.rpartition(".")[2]
            self.add_error(
                field if field in self.fields else None,
                [gettext(text) if field in self.fields else _told(name, text) for text in texts],
            )


def _told(name: str, text: str) -> str:
    return f"{name}: {gettext(text)}" if name else gettext(text)


class LinesField(forms.Field):
    """Words, one on each line."""

    def __init__(self, **options: Any) -> None:
        widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})
        super().__init__(required=False, widget=widget, **options)

    def prepare_value(self, value: Any) -> Any:
        """The words as lines; what was typed stays as it was."""
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> tuple[str, ...]:
        """The words of the lines."""
        lines = str(value or "").splitlines()
        return tuple(line.strip() for line in lines if line.strip())

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether there are other words."""
        return tuple(initial or ()) != self.to_python(data)


def _choice(enum: Iterable[StrEnum], label: Any) -> forms.ChoiceField:
    words = [(item.value, item.value) for item in enum]
    return forms.ChoiceField(label=label, choices=words, widget=UnfoldAdminSelectWidget)


class SettingsForm(RefusableForm):
    """The settings of a state that people change; the others are reached by REST."""

    #: The version that the form shows: whoever changed it meanwhile is not overruled.
    version = forms.IntegerField(widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), required=False, widget=UnfoldAdminTextInputWidget)
    owners = LinesField(
        label=_("Owners"),
        help_text=_(
            "One principal on each line: agent:ID, role:leader, role:worker, tag:TAG, human:USERNAME, or * for all"
            " members. Owners may do everything."
        ),
    )
    readers = LinesField(label=_("Readers"))
    public = forms.BooleanField(
        label=_("Public"),
        required=False,
        widget=UnfoldBooleanWidget,
        help_text=_("Every member of the space may read and write."),
    )
    read_allow = LinesField(label=_("May read"))
    write_allow = LinesField(label=_("May write"))
    delete_allow = LinesField(label=_("May delete"))
    admin_allow = LinesField(
        label=_("May administer"), help_text=_("Change settings, settle conflicts, delete.")
    )
    tags = LinesField(label=_("Tags"))
    consistency = _choice(ConsistencyLevel, _("Consistency"))
    resolution = _choice(ConflictResolution, _("Resolution of conflicts"))
    merge_fallback = _choice(MergeFallback, _("Where a merge cannot decide"))

    def __init__(self, data: Any, *, state: SharedState) -> None:
        """`data`: what was sent; None shows the settings as they are."""
        self.state = state
        policy = {name: getattr(state.access_policy, name) for name in _POLICY}
        plain = {name: getattr(state, name) for name in self.base_fields if name not in policy}
        super().__init__(data, initial={**plain, **policy})

    def changes(self) -> dict[str, Any]:
        """What was changed, as the StateManager takes it."""
        given = {name: self.cleaned_data[name] for name in self.changed_data if name != "version"}
        policy = {name: given.pop(name) for name in _POLICY if name in given}
        if policy:
            given["access_policy"] = msgspec.structs.replace(self.state.access_policy, **policy)
        return given


class SettleForm(RefusableForm):
    """How a parked conflict ends."""

    MINE, THEIRS, DISMISS = "mine", "theirs", "dismiss"

    #: The version of the state that the decision is made for.
    head = forms.IntegerField(widget=forms.HiddenInput)
    answer = forms.ChoiceField(
        label=_("What shall stand at the conflicting paths?"),
        widget=UnfoldAdminRadioSelectWidget,
        choices=(
            (MINE, _("What the parked write wants (mine)")),
            (THEIRS, _("What stands there now (theirs); the rest of the parked write is merged")),
            (DISMISS, _("Dismiss the parked write: nothing is written")),
        ),
    )
