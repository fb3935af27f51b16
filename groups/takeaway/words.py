"""What reports call things, in the language that is active."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from groups.takeaway.digest import Digest, Spent
from groups.takeaway.record import Taken
from groups.words import RUN_WORDS

_SUBTASK: Final[dict[str, Any]] = {
    "blocked": gettext_lazy("Blocked"),
    "ready": gettext_lazy("Ready"),
    "running": gettext_lazy("Running"),
    "waiting": gettext_lazy("Waiting for an answer"),
    "completed": gettext_lazy("Completed"),
    "failed": gettext_lazy("Failed"),
    "cancelled": gettext_lazy("Cancelled"),
    "skipped": gettext_lazy("Skipped"),
}

#: Titles that modes give.
_OURS: Final[dict[str, Any]] = {
    "Plan the task": gettext_lazy("Plan the task"),
    "Plan again": gettext_lazy("Plan again"),
    "Answer the task": gettext_lazy("Answer the task"),
    "Vote on the answers": gettext_lazy("Vote on the answers"),
    "Sum up the results": gettext_lazy("Sum up the results"),
}


def status_word(status: str) -> str:
    """A run's status."""
    return str(RUN_WORDS.get(status, status))


def subtask_word(status: str) -> str:
    """A subtask's status."""
    return str(_SUBTASK.get(status, status))


def subtask_title(subtask: dict[str, Any]) -> str:
    """A subtask's title; those that are ours follow the language."""
    return str(_OURS.get(subtask["title"], subtask["title"]))


def title(task: str) -> str:
    """The first line of a task."""
    return task.strip().split("\n", 1)[0][:200]


def moment(at: str | None) -> str:
    """A time as a report has it; it is read anywhere, so in UTC."""
    if at is None:
        return ""
    return datetime.fromisoformat(at).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock(at: str) -> str:
    """The time of day, UTC, to a tenth of a second."""
    return datetime.fromisoformat(at).astimezone(UTC).strftime("%H:%M:%S.%f")[:10]


def duration(seconds: float) -> str:
    """How long something took."""
    if seconds < 60:
        return _("%(n)s s") % {"n": f"{seconds:.1f}"}
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _("%(m)s min %(s)s s") % {"m": minutes, "s": f"{rest:02}"}
    return _("%(h)s h %(m)s min") % {"h": minutes // 60, "m": f"{minutes % 60:02}"}


def money(spent: Spent) -> str:
    """Dollars, and how many calls had no known price."""
    if not spent.unpriced:
        return f"${spent.cost:.4f}"
    if spent.unpriced == spent.calls:
        return _("price unknown")
    plus = ngettext(
        "plus %(n)s call of unknown price", "plus %(n)s calls of unknown price", spent.unpriced
    )
    return f"${spent.cost:.4f} {plus % {'n': spent.unpriced}}"


def spent_rows(told: Digest) -> Iterator[tuple[str, str, str, str, str]]:
    """Agent, calls, tokens in and out, cost; the sum last when there are several."""
    total = Spent()
    for agent, one in told.spent.items():
        yield agent, f"{one.calls:,}", f"{one.input_tokens:,}", f"{one.output_tokens:,}", money(one)
        for name in vars(total):
            setattr(total, name, getattr(total, name) + getattr(one, name))
    if len(told.spent) > 1:
        numbers = (f"{n:,}" for n in (total.calls, total.input_tokens, total.output_tokens))
        calls, tokens_in, tokens_out = numbers
        yield _("Together"), calls, tokens_in, tokens_out, money(total)


def facts(taken: Taken, told: Digest) -> Iterator[tuple[str, str]]:
    """What stands at the head of a report, as (name, value)."""
    run = taken.run
    yield _("Status"), status_word(run["status"])
    yield _("Group"), run["group"]["name"]
    if run["created_by"]:
        yield _("Started by"), run["created_by"]
    yield _("Started"), moment(run["created_at"])
    if run["finished_at"]:
        yield _("Finished"), moment(run["finished_at"])
    if told.begin and told.end:
        yield _("Took"), duration((told.end - told.begin).total_seconds())
    if told.spent:
        tokens = sum(one.input_tokens + one.output_tokens for one in told.spent.values())
        yield _("Tokens"), f"{tokens:,}"
        yield _("Cost"), list(spent_rows(told))[-1][-1]
    if run["stop_reason"]:
        yield _("Stopped"), run["stop_reason"]
    if run["error"]:
        yield _("Error"), run["error"]
    for event in told.people:
        yield _PEOPLE[event["type"]](event["data"].get("by") or _("the system")), clock(event["at"])
    if taken.attachments:
        yield _("Attachments"), ", ".join(file["name"] for file in taken.attachments)
    yield _("Events"), f"{run['last_seq']:,}"
    yield _("Run"), run["id"]


_PEOPLE: Final = {
    "plan.approved": lambda who: _("Plan approved by %(who)s") % {"who": who},
    "run.paused": lambda who: _("Paused by %(who)s") % {"who": who},
    "run.resumed": lambda who: _("Resumed by %(who)s") % {"who": who},
    "run.cancelled": lambda who: _("Cancelled by %(who)s") % {"who": who},
    "budget.raised": lambda who: _("Caps changed by %(who)s") % {"who": who},
}
