"""Every read that pages, API, sockets and replay share. Each takes what `access` has let through."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
    prefetch_related_objects,
)
from django.db.models.functions import Left

from groups.access import Actor, visible_groups, visible_runs
from groups.execution.modes.reply import Reply
from groups.execution.statuses import (
    RUN_ENDED,
    SUBTASK_ENDED,
    RunStatus,
    SubtaskKind,
    SubtaskStatus,
)
from groups.models import (
    Agent,
    AgentCredential,
    Attachment,
    Group,
    GroupAccess,
    Level,
    Member,
    Message,
    Role,
    Run,
    RunEvent,
    RunTemplate,
    Subtask,
    ToolServer,
)

#: The seed's History: how many messages it gives unless asked for more.
HISTORY: Final = 100
#: Characters of a run's task and error that a list shows; either may have 100 kB.
BRIEF: Final = 300
#: How many of a group's latest runs are offered to be compared with one.
COMPARABLE: Final = 50
#: How many groups are offered where one is named.
OFFERED: Final = 200


def groups_with_counts(actor: Actor) -> QuerySet[Group]:
    """Visible groups by name, members (and agents) prefetched, with `runs_under_way` and `last_run_at`."""
    tasks = ~Q(runs__mode=Reply.name)
    under_way = Count("runs", filter=tasks & ~Q(runs__status__in=list(RUN_ENDED)), distinct=True)
    newest = (
        Run.objects.filter(group=OuterRef("pk"))
        .exclude(mode=Reply.name)
        .order_by("-created_at")
        .values("created_at")[:1]
    )
    members = Prefetch("members", Member.objects.select_related("agent"))
    return (
        visible_groups(actor)
        .annotate(runs_under_way=under_way, last_run_at=Subquery(newest))
        .prefetch_related(members)
        # A model's own order is dropped where rows are counted.
        .order_by("name", "id")
    )


def with_levels(groups: QuerySet[Group], actor: Actor) -> QuerySet[Group]:
    """The groups, each with the actor's `own_level` in it."""
    if actor is None or actor.is_superuser:
        return groups.annotate(own_level=Value(int(Level.OWNER)))
    own = GroupAccess.objects.filter(group=OuterRef("pk"), user=actor.pk)
    return groups.annotate(own_level=Subquery(own.values("level")[:1]))


def members_of(group: Group) -> QuerySet[Member]:
    """Leader first, then in the group's order, with agents."""
    leads = Case(When(role=Role.LEADER, then=0), default=1)
    return group.members.select_related("agent").order_by(leads, "position", "id")


def messages_of(group: Group) -> QuerySet[Message]:
    """Newest first, deliveries, what each answers and the runs of its own answers prefetched; slice it or page by
    cursor on `-id`."""
    found = group.messages.order_by("-id").select_related("reply_to")
    answers = Run.objects.only("id", "message_id", "options", "status")
    return found.prefetch_related("deliveries", Prefetch("runs", answers))


def templates_of(group: Group) -> QuerySet[RunTemplate]:
    """What the group is given again and again, by name, with whoever kept it."""
    return group.templates.select_related("created_by").order_by("name", "id")


def history(group: Group, limit: int = HISTORY) -> list[Message]:
    """The last `limit` messages, oldest first."""
    return list(group.messages.order_by("-id")[:limit])[::-1]


def runs_of(group: Group) -> QuerySet[Run]:
    """The group's runs in brief, newest first."""
    return _brief(group.runs.all())


def recent_runs(actor: Actor) -> QuerySet[Run]:
    """The runs of all visible groups in brief, newest first, with their groups."""
    return _brief(visible_runs(actor).select_related("group"))


def groups_to_choose(actor: Actor) -> QuerySet[Group]:
    """The first OFFERED visible groups by name, to choose from; the others can be named as well."""
    return visible_groups(actor).order_by("name", "id").only("id", "name")[:OFFERED]


def comparable_runs(run: Run) -> list[Run]:
    """Runs in brief that one may want to see beside this one: the group's latest, those of the same task first.

    Each has `same_task`.
    """
    same = Case(When(task=run.task, then=True), default=False, output_field=BooleanField())
    latest = runs_of(run.group).exclude(pk=run.pk).annotate(same_task=same)[:COMPARABLE]
    return sorted(latest, key=lambda other: not other.same_task)  # type: ignore[attr-defined]


def runs_of_conversation(group: Group, conversation: str) -> QuerySet[Run]:
    """The group's runs that go on with each other under that name, newest first."""
    return group.runs.filter(conversation=conversation).order_by("-created_at", "-id")


#: Statuses in which work came to an end of its own; what was cancelled did not.
WORK_DONE: Final = SUBTASK_ENDED - {SubtaskStatus.CANCELLED}


def _brief(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Newest first, without the answers to messages; long texts are left in the database but for `task_brief` and
    `error_brief` (BRIEF characters).

    Annotates `work_done` and `work_total`: how many work subtasks came to an end of their own
    (what was cancelled did not), of how many.
    """
    work = Subtask.objects.filter(run=OuterRef("pk"), kind=SubtaskKind.WORK)
    return (
        runs.exclude(mode=Reply.name)
        .defer("task", "plan", "result", "error")
        .annotate(
            task_brief=Left("task", BRIEF),
            error_brief=Left("error", BRIEF),
            # Counted for the rows that are shown, not for all that these are the newest of.
            work_total=_number(work),
            work_done=_number(work.filter(status__in=list(WORK_DONE))),
        )
        .order_by("-created_at", "-id")
    )


def _number(rows: QuerySet[Any]) -> Subquery:
    """How many of these rows there are for each row of the query around it."""
    count = Func(F("pk"), function="COUNT", output_field=IntegerField())
    return Subquery(rows.order_by().annotate(n=count).values("n"))


def events_after(run_id: uuid.UUID, after: int, limit: int) -> list[RunEvent]:
    """At most `limit` events of the run with `seq > after`, ascending."""
    return list(RunEvent.objects.filter(run_id=run_id, seq__gt=after).order_by("seq")[:limit])


def last_seq(run_id: uuid.UUID) -> tuple[int, str] | None:
    """(last_seq, status) of the run as committed now; None when it is gone."""
    return Run.objects.filter(id=run_id).values_list("last_seq", "status").first()


def tool_servers() -> QuerySet[ToolServer]:
    """Every tool server with whoever registered it, by name."""
    return ToolServer.objects.select_related("created_by").order_by("name")


def agents() -> QuerySet[Agent]:
    """Every agent with whoever registered it, by id."""
    return Agent.objects.select_related("created_by").order_by("agent_id")


def agents_with_counts(actor: Actor) -> QuerySet[Agent]:
    """Every agent, by id, with `groups_count`: in how many groups it is that the actor may see."""
    seen = Count("memberships", filter=Q(memberships__group__in=visible_groups(actor).values("pk")))
    return Agent.objects.annotate(groups_count=seen).order_by("agent_id")


def agents_like(group: Group, text: str, first: Collection[str] = ()) -> QuerySet[Agent]:
    """Agents with that text in id, name or description, and those named `first`, which stand first; then those that are
    no members; by id. `inside` says whether one is a member of the group."""
    inside = Member.objects.filter(group=group, agent=OuterRef("pk"))
    found = Agent.objects.annotate(
        inside=Exists(inside),
        rank=Case(When(agent_id__in=first, then=0), When(Exists(inside), then=2), default=1),
    )
    if text:
        words = Q(agent_id__icontains=text) | Q(name__icontains=text)
        found = found.filter(words | Q(description__icontains=text) | Q(agent_id__in=first))
    return found.order_by("rank", "agent_id")


def credentials_of(agent: Agent) -> QuerySet[AgentCredential]:
    """With what its programs dial in, newest first."""
    return agent.credentials.select_related("created_by").order_by("-id")


def groups_of(actor: Actor, agent: Agent) -> QuerySet[Group]:
    """The groups that the agent is in and the actor may see, by name."""
    return visible_groups(actor).filter(members__agent=agent).order_by("name", "id")


def access_of(group: Group) -> QuerySet[GroupAccess]:
    """Who may see or steer the group, with the users: owners first, then by name."""
    return group.access.select_related("user").order_by("-level", "user__username")


def user_named(username: str) -> User | None:
    """The user of that name, if there is one."""
    return User.objects.filter(username=username).first()


def subtasks_of(run: Run) -> QuerySet[Subtask]:
    """All subtasks in the plan's order, the plan itself first."""
    return run.subtasks.order_by("position", "id")


def attachments_of(run: Run) -> QuerySet[Attachment]:
    """The files given with the task, by name."""
    return run.attachments.order_by("name", "id")


def in_full(run: Run) -> Run:
    """The same run with subtasks, attachments and whoever started it loaded afresh."""
    prefetch_related_objects([run], "subtasks", "attachments", "created_by")
    return run


def last_seqs(run_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """`last_seq` of each of these runs as committed now; those that are gone are left out."""
    return dict(Run.objects.filter(id__in=run_ids).values_list("id", "last_seq"))


def under_way() -> tuple[dict[str, int], dict[str, int]]:
    """How many runs of the installation that have not ended stand at each status, and of their subtasks likewise."""
    runs = Run.objects.exclude(status__in=RUN_ENDED)
    subtasks = Subtask.objects.filter(run__in=runs).exclude(status__in=SUBTASK_ENDED)
    return (
        {status: 0 for status in RunStatus if status not in RUN_ENDED} | _by_status(runs),
        {status: 0 for status in SubtaskStatus if status not in SUBTASK_ENDED}
        | _by_status(subtasks),
    )


def _by_status(rows: QuerySet[Any]) -> dict[str, int]:
    return dict(rows.order_by().values_list("status").annotate(number=Count("pk")))


def visible_group_ids(actor: Actor) -> frozenset[str]:
    """The ids of the groups that the actor may see."""
    return frozenset(visible_groups(actor).values_list("id", flat=True))
