"""What the forms about connections and sync tasks accept, and their enums in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from groups.forms import StarsForm
from state.values import ConnectionStatus, ConnectionType, SyncTaskType, TargetStatus, TaskStatus

TASK_TYPES: Final[dict[str, Any]] = {
    SyncTaskType.BROADCAST: _("To all who follow it"),
    SyncTaskType.UNICAST: _("To one agent"),
    SyncTaskType.MULTICAST: _("To several agents"),
    SyncTaskType.DELTA_SYNC: _("Only what each has not confirmed"),
    SyncTaskType.FULL_SYNC: _("The whole document again"),
}
TASK_NAMES: Final[dict[str, Any]] = {
    SyncTaskType.BROADCAST: _("broadcast"),
    SyncTaskType.MULTICAST: _("multicast"),
    SyncTaskType.UNICAST: _("unicast"),
    SyncTaskType.FULL_SYNC: _("full sync"),
    SyncTaskType.DELTA_SYNC: _("delta sync"),
}
CONNECTION_TYPES: Final[dict[str, Any]] = {
    ConnectionType.PUSH: _("push"),
    ConnectionType.PULL: _("pull"),
    ConnectionType.BIDIRECTIONAL: _("both ways"),
}
#: Of connections, tasks and their targets.
STATUSES: Final[dict[str, Any]] = {
    ConnectionStatus.CONNECTING: _("Connecting"),
    ConnectionStatus.CONNECTED: _("Connected"),
    ConnectionStatus.RECONNECTING: _("Away for a moment"),
    ConnectionStatus.DISCONNECTED: _("Disconnected"),
    ConnectionStatus.ERROR: _("Error"),
    TaskStatus.PENDING: _("Waiting"),
    TaskStatus.RUNNING: _("Running"),
    TaskStatus.COMPLETED: _("Completed"),
    TaskStatus.FAILED: _("Failed"),
    TaskStatus.CANCELLED: _("Cancelled"),
    TargetStatus.SENT: _("Sent"),
    TargetStatus.DEFERRED: _("Waits for its agent"),
    # What the page says of tasks and targets more exactly than their statuses do.
    "settled": _("Done for all who are here"),
    "unserved": _("Waits for its agents"),
    "nobody": _("Nobody followed it"),
    "stranger": _("Does not follow this state"),
    "asks": _("Waits until it asks"),
}
PRIORITIES: Final = [
    (0, _("0 · lowest")),
    (1, _("1 · usual")),
    *((n, str(n)) for n in range(2, 9)),
    (9, _("9 · first")),
]


@dataclass(frozen=True)
class Cell:
    """How a connection stands to a state: `kind` is synced, syncing, behind, parked, conflict, error, hidden (it may
    not read the state) or none (it does not subscribe to it)."""

    state: str
    kind: str
    behind: int = 0


class BoardForm(StarsForm):
    """What of the table is shown; sent by GET."""

    agent = forms.CharField(label=_("Agent or name"), max_length=200, required=False)
    state = forms.CharField(label=_("State begins with"), max_length=200, required=False)
    pages = forms.BooleanField(label=_("Open dashboard pages"), required=False)
    ended = forms.BooleanField(label=_("Ended today"), required=False)


class PushForm(StarsForm):
    """A sync task."""

    state = forms.CharField(
        label=_("State"),
        max_length=200,
        widget=forms.TextInput(
            {"list": "push-states", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    type = forms.ChoiceField(
        label=_("What and to whom"),
        choices=[*TASK_TYPES.items()],
        initial=SyncTaskType.BROADCAST.value,
        widget=forms.RadioSelect,
    )
    priority = forms.TypedChoiceField(
        label=_("Priority"),
        choices=PRIORITIES,
        coerce=int,
        initial=1,
    )
    agents = forms.MultipleChoiceField(
        label=_("Agents"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self,
        *args: Any,
        known: Iterable[tuple[str, str]] = (),
        states: Collection[str] | None = None,
        **kwargs: Any,
    ) -> None:
        """`known`: principals that can be chosen, each with its name; `states`: all there are to choose from, None when
        they are too many."""
        super().__init__(*args, **kwargs)
        agents = self.fields["agents"]
        assert isinstance(agents, forms.ChoiceField)
        agents.choices = list(known)
        if states is not None:
            empty = ("", _("Choose a state"))
            self.fields["state"].widget = forms.Select(
                choices=[empty, *((each, each) for each in states)]
            )


class WebhookForm(StarsForm):
    """An address that is told of changes."""

    agent = forms.ChoiceField(label=_("In the name of"), required=False)
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    address = forms.CharField(
        label=_("Address"),
        max_length=2000,
        widget=forms.URLInput({"placeholder": "https://", "autocomplete": "off"}),
    )
    states = forms.CharField(
        label=_("States"),
        max_length=4000,
        initial="*",
        help_text=_("Ids, or prefixes such as notes/*; several with commas between them."),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, known: Iterable[tuple[str, Any]] = (), **kwargs: Any) -> None:
        """`known`: agents in whose name the person may have it made, each with its name."""
        super().__init__(*args, **kwargs)
        agent = self.fields["agent"]
        assert isinstance(agent, forms.ChoiceField)
        agent.choices = list(known)

    @property
    def patterns(self) -> list[str]:
        """The states, as they were listed."""
        given: str = self.cleaned_data["states"]
        return [each.strip() for each in given.split(",") if each.strip()]
