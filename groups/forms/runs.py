"""What the dashboard asks when a run is started: the task, and how the group is to go about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from groups.execution.modes import MODES, get_mode
from groups.execution.statuses import FailurePolicy
from groups.forms import FilesField, StarsForm, TagsField
from groups.forms.budgets import cost_cap, tokens_cap
from groups.models import Run, RunTemplate

#: Fields that are options of modes; which of which, the modes say.
OPTIONS: Final = (
    *("rule", "order", "members", "result", "board"),
    *("replans", "max_items", "max_handovers"),
)


def _modes() -> list[tuple[str, str]]:
    return [(name, gettext(mode.words)) for name, mode in MODES.items()]


def _number(label: Any, help_text: Any, placeholder: Any) -> forms.IntegerField:
    box = forms.NumberInput({"placeholder": placeholder})
    return forms.IntegerField(label=label, required=False, help_text=help_text, widget=box)


class RunForm(StarsForm):
    """Options left empty take the mode's defaults; those of other modes are passed over."""

    names: Mapping[str, str] = {
        "name": "keep_as",
        **{f"options.{name}": name for name in OPTIONS},
    }

    #: Under which the task and its options are kept, when they are.
    keep_as = forms.CharField(label=_("Keep this task as"), required=False, max_length=80)

    # Emptiness and length are judged by the service, so that every door says the same.
    task = forms.CharField(label=_("Task"), required=False, strip=False, widget=forms.Textarea)
    attachments = FilesField(label=_("Attachments"), required=False)
    approve_plan = forms.BooleanField(label=_("Let me approve the plan first"), required=False)
    failure_policy = forms.ChoiceField(
        label=_("When a subtask fails"),
        choices=[
            (FailurePolicy.CONTINUE, _("go on with the others")),
            (FailurePolicy.STOP, _("stop the run")),
        ],
        initial=FailurePolicy.CONTINUE,
    )
    mode = forms.ChoiceField(
        label=_("Mode"), choices=_modes, initial="leader_worker", widget=forms.RadioSelect
    )
    time_limit = forms.FloatField(
        label=_("Time limit, minutes"),
        required=False,
        min_value=1 / 60,
        widget=forms.NumberInput({"placeholder": "60", "step": "any"}),
    )
    max_tokens = tokens_cap(_("Tokens at most"))
    max_cost_usd = cost_cap(_("Dollars at most"))
    rule = forms.ChoiceField(
        label=_("How votes are counted"),
        required=False,
        choices=[
            ("plurality", _("one choice each, the most votes win")),
            ("approval", _("as many as one agrees with, the most win")),
            ("ranked", _("ranked, instant run-off")),
        ],
    )
    order = forms.ChoiceField(
        label=_("In whose order"),
        required=False,
        choices=[("plan", _("as the leader plans")), ("members", _("one member after the other"))],
    )
    members = TagsField(
        label=_("Members, in order"),
        required=False,
        help_text=_("For one after the other. Left empty: all workers in the order of the group."),
    )
    result = forms.ChoiceField(
        label=_("What the result is"),
        required=False,
        choices=[("last", _("what the last one made")), ("summary", _("the leader's summary"))],
    )
    board = forms.ChoiceField(
        label=_("What the board begins with"),
        required=False,
        choices=[("plan", _("what the leader puts up")), ("task", _("the lines of the task"))],
    )
    replans = _number(
        _("Further plans"), _("When work has failed; 0 means none."), _("as the planner can")
    )
    max_items = _number(_("Items at most"), _("The board takes no more."), "50")
    max_handovers = _number(_("Handovers at most"), _("Of one subtask."), "5")

    def settings(self) -> dict[str, Any]:
        """What a run is started with, and a template holds, but files and a name."""
        data = self.cleaned_data
        minutes = data["time_limit"]
        return {
            # Browsers send line ends as CRLF (HTML, 4.10.21.4).
            "task": data["task"].replace("\r\n", "\n"),
            "mode": data["mode"],
            "options": self.options(),
            "approve_plan": data["approve_plan"],
            "failure_policy": data["failure_policy"],
            "time_limit": minutes * 60 if minutes else None,
            "max_tokens": data["max_tokens"],
            "max_cost_usd": data["max_cost_usd"],
        }

    @classmethod
    def initial_of(cls, source: Run | RunTemplate) -> dict[str, Any]:
        """What the form shows of a run that is to be run once more, or of a template."""
        shown = {
            "task": source.task,
            "mode": source.mode,
            "approve_plan": source.approve_plan,
            "failure_policy": source.failure_policy,
            **get_mode(source.mode).shown(source.options),
        }
        if isinstance(source, RunTemplate):
            limits = {"max_tokens": source.max_tokens, "max_cost_usd": source.max_cost_usd}
            minutes = source.time_limit / 60 if source.time_limit else None
            shown |= {"keep_as": source.name, "time_limit": minutes, **limits}
        return shown

    def options(self) -> dict[str, Any]:
        """What was said about the chosen mode."""
        known = MODES[self.cleaned_data["mode"]].options.__struct_fields__
        given = {name: self.cleaned_data.get(name) for name in OPTIONS if name in known}
        return {name: value for name, value in given.items() if value not in (None, "", [])}

    def modes(self) -> list[tuple[str, str]]:
        """Each mode and what it does."""
        return [(name, gettext(mode.about)) for name, mode in MODES.items()]

    def mode_fields(self) -> Iterator[tuple[BoundField, str]]:
        """The fields of options, each with the modes that it belongs to, blanks between."""
        for name in OPTIONS:
            mine = [key for key, mode in MODES.items() if name in mode.options.__struct_fields__]
            yield self[name], " ".join(mine)

    def is_open(self) -> bool:
        """Whether something among the options has to be looked at."""
        names = ("failure_policy", *OPTIONS)
        return any(self[name].errors for name in names)
