"""What the forms about connections and sync tasks accept, and their enums in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from groups.forms import StarsForm
from state.values import ConnectionStatus, ConnectionType, SyncTaskType, TargetStatus, TaskStatus

TASK_TYPES: Final[dict[str, Any]] = {
    SyncTaskType.BROADCAST: _("Broadcast: to all who subscribe to it"),
    SyncTaskType.MULTICAST: _("Multicast: to those marked below"),
    SyncTaskType.UNICAST: _("Unicast: to exactly one of them"),
    SyncTaskType.FULL_SYNC: _("Full sync: the whole document again, to those marked or all"),
    SyncTaskType.DELTA_SYNC: _("Delta sync: what each has not confirmed, to those marked or all"),
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
    TargetStatus.DEFERRED: _("When it is back"),
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
    type = forms.ChoiceField(label=_("To whom"), choices=[*TASK_TYPES.items()])
    priority = forms.TypedChoiceField(
        label=_("Priority"),
        choices=PRIORITIES,
        coerce=int,
        initial=1,
    )
    agents = forms.MultipleChoiceField(
        label=_("Agents"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, known: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        """`known`: principals that can be chosen, each with its name."""
        super().__init__(*args, **kwargs)
        agents = self.fields["agents"]
        assert isinstance(agents, forms.ChoiceField)
        agents.choices = list(known)
