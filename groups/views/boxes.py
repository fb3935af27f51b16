"""What parts of a group's page are given, whether they come with the page or are fetched again."""

from __future__ import annotations

from typing import Any, Final

from groups import selectors
from groups.forms.run_filter import RunFilterForm
from groups.forms.runs import RunForm
from groups.models import Group, Message, Role, RunTemplate
from groups.run_filter import STATUSES
from groups.views.refusals import sentence
from groups.views.shell import Request

#: Messages on one page of the conversation.
MESSAGES_SHOWN: Final = 50
#: Runs at first, as many more each time, and at most.
RUNS_SHOWN: Final = 12
RUNS_MOST: Final = 240


def run_box(group: Group, form: RunForm, *, template: RunTemplate | None = None) -> dict[str, Any]:
    """The box in which operators give a task; `template` is the one it is filled with."""
    return {
        "group": group,
        "run_form": form,
        "template": template,
        "templates": selectors.templates_of(group),
        "can_operate": True,
        "has_leader": group.members.filter(role=Role.LEADER).exists(),
    }


def runs_shown(request: Request, group: Group) -> dict[str, Any]:
    """The newest runs that are like what is asked for; what is no number or status asks for nothing."""
    like = RunFilterForm(request.GET).wanted()._replace(group="", mode="")
    wanted = request.GET.get("shown", "")
    shown = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 5 else 0
    shown = min(max(shown, RUNS_SHOWN), RUNS_MOST)
    rows = list(like.of(selectors.runs_of(group))[: shown + 1])
    return {
        "runs": rows[:shown],
        "shown": shown,
        "more": min(shown + RUNS_SHOWN, RUNS_MOST) if len(rows) > shown < RUNS_MOST else 0,
        "narrowed": any(like),
        "statuses": STATUSES,
        "status": like.status,
        "q": like.text,
    }


def chat(newest_first: list[Message]) -> list[Message]:
    """Messages as they are read, oldest first; what went wrong with one is said in the page's language."""
    for message in newest_first:
        for delivery in message.deliveries.all():
            delivery.error = sentence(delivery.error) if delivery.error else ""
    return newest_first[::-1]
