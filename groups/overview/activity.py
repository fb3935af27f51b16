"""Who did what, newest first: runs begun and ended, members and their roles, groups, messages, changes of states; from
their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple, TypeVar

from django.contrib.auth.models import User
from django.db.models import Case, CharField, F, Model, OuterRef, QuerySet, Subquery, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Left

from groups.access import visible_groups
from groups.events import RunCancelled
from groups.execution.modes.reply import Reply
from groups.execution.statuses import RunStatus
from groups.models import Group, Member, Message, Run, RunEvent
from groups.overview.seeing import seen
from groups.selectors import BRIEF
from groups.spaces import GroupDirectory
from state import conf
from state.errors import StarsError
from state.values import Entry

M = TypeVar("M", bound=Model)

#: Lines on the page.
SHOWN: Final = 14
#: What one did in one go is one line.
TOGETHER: Final = timedelta(minutes=2)
#: Entries of states that are looked through: what runs and the system write is left out.
ENTRIES: Final = 60


class Line(NamedTuple):
    """One thing that somebody did."""

    #: run_started, run_ended, joined, role, group_made, message, state
    kind: str
    at: datetime
    #: An agent's id, a user's name, or "" (the system).
    who: str
    group: str
    #: Of what it happened to: a run's id, a state's id, an agent's id.
    of: str = ""
    text: str = ""
    status: str = ""
    #: How many of the same kind this line stands for.
    times: int = 1


class Activity(NamedTuple):
    """The lines, and the names of their groups."""

    lines: tuple[Line, ...]
    names: dict[str, str]


def activity(actor: User, *, group: str = "") -> Activity:
    """What happened last in the groups that the actor may see, or in one of them."""
    parts = (
        *_runs(actor, group),
        *_joined(actor, group),
        *_roles(actor, group),
        *_made(actor, group),
        *_said(actor, group),
    )
    found = sorted([*parts, *_written(actor, group)], key=lambda line: line.at, reverse=True)
    lines = tuple(_together(found))[:SHOWN]
    names = Group.objects.filter(id__in={line.group for line in lines}).values_list("id", "name")
    return Activity(lines, dict(names))


def _runs(actor: User, group: str) -> Iterator[Line]:
    runs = seen(Run.objects.exclude(mode=Reply.name), actor)
    if group:
        runs = runs.filter(group=group)
    brief = runs.annotate(task_brief=Left("task", BRIEF), who=F("created_by__username")).only(
        "id", "group_id", "origin", "status", "created_at", "finished_at"
    )
    for run in brief.order_by("-created_at", "-id")[:SHOWN]:
        who = run.who or ""
        yield Line("run_started", run.created_at, who, run.group_id, str(run.id), run.task_brief)
    said = RunEvent.objects.filter(run=OuterRef("pk"), type=RunCancelled.TYPE)
    # From the end, where the index of a log's numbers has it: most of the log is not looked at.
    said = said.order_by("-seq")
    by = Subquery(said.annotate(by=KeyTextTransform("by", "data")).values("by")[:1])
    ended = brief.filter(finished_at__isnull=False).annotate(
        cancelled_by=Case(When(status=RunStatus.CANCELLED, then=by), output_field=CharField())
    )
    for run in ended.order_by("-finished_at")[:SHOWN]:
        if run.finished_at is not None:
            yield Line(
                "run_ended",
                run.finished_at,
                run.cancelled_by or "",
                run.group_id,
                str(run.id),
                run.task_brief,
                run.status,
            )


def _joined(actor: User, group: str) -> Iterator[Line]:
    members = _of(Member.objects.all(), actor, group)
    rows = members.order_by("-joined_at").values_list("joined_at", "agent__agent_id", "group_id")
    for at, agent_id, group_id in rows[: 3 * SHOWN]:
        yield Line("joined", at, agent_id, group_id, agent_id)


def _roles(actor: User, group: str) -> Iterator[Line]:
    members = _of(Member.objects.filter(role_changed_at__isnull=False), actor, group)
    rows = members.order_by("-role_changed_at").values_list(
        "role_changed_at", "role_changed_by", "group_id", "agent__agent_id", "role"
    )
    for at, who, group_id, agent_id, role in rows[:SHOWN]:
        if at is not None:
            yield Line("role", at, who, group_id, agent_id, status=role)


def _made(actor: User, group: str) -> Iterator[Line]:
    groups = visible_groups(actor)
    rows = (groups.filter(id=group) if group else groups).order_by("-created_at")
    for at, who, group_id in rows.values_list("created_at", "created_by__username", "id")[:SHOWN]:
        yield Line("group_made", at, who or "", group_id)


def _said(actor: User, group: str) -> Iterator[Line]:
    messages = _of(Message.objects.all(), actor, group)
    rows = messages.annotate(brief=Left("text", BRIEF)).order_by("-id")
    for row in rows.values_list("created_at", "sender", "recipient", "group_id", "brief")[:SHOWN]:
        at, sender, recipient, group_id, text = row
        yield Line("message", at, "" if sender == "system" else sender, group_id, recipient, text)


def _written(actor: User, group: str) -> Iterator[Line]:
    readers = GroupDirectory().readers(actor)
    try:
        entries = conf.manager().newest(readers, limit=ENTRIES)
    except StarsError:
        return
    for entry in entries:
        if group in ("", entry.space) and entry.agent != "system":
            yield _of_entry(entry)


def _of_entry(entry: Entry) -> Line:
    who = entry.agent.partition(":")[2] or entry.agent
    return Line("state", entry.at, who, entry.space, entry.state_id, status=entry.kind)


def _of(rows: QuerySet[M], actor: User, group: str) -> QuerySet[M]:
    return seen(rows.filter(group=group) if group else rows, actor)


def _together(lines: Iterable[Line]) -> Iterator[Line]:
    """Members that joined in one go are one line, and so are changes of one state by the same hand."""

    def same(line: Line) -> tuple[str, ...]:
        match line.kind:
            case "joined":
                return (line.kind, line.group)
            case "state":
                return (line.kind, line.group, line.who, line.of)
        return (line.kind, line.group, line.of, line.at.isoformat())

    for _, some in groupby(lines, same):
        first, *rest = some
        near = [line for line in rest if first.at - line.at <= TOGETHER]
        yield first._replace(times=1 + len(near))
        yield from rest[len(near) :]
