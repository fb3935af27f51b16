"""What the star map of a group is drawn from: its members, what they are at, and what passes between them. Reads only.

The number of queries is the same for any group, and each looks at what is recent or under way, not at all history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Left

from groups import selectors
from groups.execution.statuses import RUN_ENDED, SubtaskStatus
from groups.models import Group, Member, Message, Role, Run, Subtask
from groups.models.messages import SYSTEM
from groups.services import dialins

#: The newest messages, of which lines count how many passed between two members.
MESSAGES: Final = 300
#: Of these the last are told, so that a page sees which are new to it.
NEWS: Final = 40
#: The newest runs, in which an agent's last subtask says whether it fails.
RECENT: Final = 20
#: Runs under way that a page follows live.
FOLLOWED: Final = 12
#: Characters of a task.
TITLE: Final = 120
#: What keeps an agent busy.
AT_WORK: Final = (SubtaskStatus.READY, SubtaskStatus.RUNNING, SubtaskStatus.WAITING)


def facts(group: Group) -> dict[str, Any]:
    """Everything at once: `members`, `runs` under way, what is `active` in them, `lines`, `news` (new messages)."""
    members = list(selectors.members_of(group))
    ids = [member.agent.agent_id for member in members]
    away, failing, load = _away(members), _failing(group, ids), _load(ids)
    messages = list(
        group.messages.order_by("-id").values_list("id", "sender", "recipient", "addressed")[
            :MESSAGES
        ]
    )
    return {
        "members": [
            {
                "id": member.agent.agent_id,
                "name": member.agent.name,
                "kind": member.agent.kind,
                "role": member.role,
                "tags": member.tags,
                "away": member.agent.agent_id in away,
                "failing": member.agent.agent_id in failing,
                "load": load.get(member.agent.agent_id, 0),
                "most": member.agent.max_concurrency,
            }
            for member in members
        ],
        "runs": _runs(group),
        "active": _active(group),
        "lines": [
            {"between": pair, "messages": count}
            for pair, count in _passed(members, messages).items()
        ],
        "news": [
            {"id": number, "from": sender, "to": [to] if to else addressed}
            for number, sender, to, addressed in messages[:NEWS]
        ],
    }


def messages_between(group: Group, one: str, other: str) -> QuerySet[Message]:
    """The messages that one of the two wrote and the other got, as `selectors.messages_of`."""
    ways = Q(sender=one, deliveries__recipient=other) | Q(sender=other, deliveries__recipient=one)
    ids = Message.objects.filter(ways, group=group).values("id")
    return selectors.messages_of(group).filter(id__in=ids)


def current(group: Group, agent_id: str) -> list[Subtask]:
    """What the member is at in this group now, with its runs; the newest first."""
    return list(
        Subtask.objects.filter(run__group=group, agent_id=agent_id, status__in=AT_WORK)
        .exclude(run__status__in=RUN_ENDED)
        .select_related("run")
        .order_by("-started_at", "-id")[:10]
    )


def lately(group: Group, agent_id: str, limit: int = 5) -> list[Subtask]:
    """The last subtasks of the group's recent runs that the member has ended, with their runs."""
    ended = (SubtaskStatus.COMPLETED, SubtaskStatus.FAILED)
    return list(
        Subtask.objects.filter(run__in=_recent(group), agent_id=agent_id, status__in=ended)
        .select_related("run")
        .order_by("-finished_at", "-id")[:limit]
    )


def _recent(group: Group) -> list[Any]:
    return list(group.runs.order_by("-created_at").values_list("pk", flat=True)[:RECENT])


def _runs(group: Group) -> list[dict[str, Any]]:
    rows = (
        group.runs.exclude(status__in=RUN_ENDED)
        .annotate(brief=Left("task", TITLE))
        .order_by("-created_at", "-id")
        .values("id", "status", "last_seq", "brief", "mode")[:FOLLOWED]
    )
    return [
        {
            "id": str(row["id"]),
            "status": row["status"],
            "seq": row["last_seq"],
            "task": row["brief"],
            "mode": row["mode"],
        }
        for row in rows
    ]


def _active(group: Group) -> list[dict[str, str]]:
    rows = (
        Subtask.objects.filter(run__group=group, status__in=AT_WORK)
        .exclude(run__status__in=RUN_ENDED)
        .exclude(agent_id="")
        .values_list("id", "run_id", "agent_id", "status")
    )
    return [
        {"id": str(pk), "run": str(run), "agent": agent, "status": status}
        for pk, run, agent, status in rows
    ]


def _away(members: Iterable[Member]) -> set[str]:
    """Agents whose programs dial in, of which none is there."""
    dialling = {m.agent.agent_id for m in members if m.agent.kind == "connected"}
    there = dialins.all_present().filter(agent__agent_id__in=dialling)
    return dialling - set(there.values_list("agent__agent_id", flat=True))


def _failing(group: Group, ids: Sequence[str]) -> set[str]:
    """Agents whose last ended subtask in the group's recent runs has failed."""
    ended = (SubtaskStatus.COMPLETED, SubtaskStatus.FAILED)
    recent = Run.objects.filter(pk__in=_recent(group))
    rows = Subtask.objects.filter(run__in=recent, status__in=ended, agent_id__in=ids)
    last = dict(rows.order_by("finished_at", "id").values_list("agent_id", "status"))
    return {agent_id for agent_id, status in last.items() if status == SubtaskStatus.FAILED}


def _load(ids: Sequence[str]) -> dict[str, int]:
    """How many subtasks each agent is at over all groups."""
    rows = Subtask.objects.filter(status=SubtaskStatus.RUNNING, agent_id__in=ids)
    return dict(rows.order_by().values_list("agent_id").annotate(number=Count("pk")))


def _passed(
    members: Sequence[Member], messages: Sequence[tuple[int, str, str, list[str]]]
) -> Counter[tuple[str, str]]:
    """How many messages passed between two members. What is for everyone goes over the leader."""
    known = {member.agent.agent_id for member in members}
    leader = next((m.agent.agent_id for m in members if m.role == Role.LEADER), "")
    found: Counter[tuple[str, str]] = Counter()
    for _number, sender, recipient, addressed in messages:
        if sender not in known:
            continue
        to: Iterable[str] = {recipient} if recipient else {*addressed}
        if not to and sender != SYSTEM:
            to = known if sender == leader else {leader}
        for other in to:
            if other in known and other != sender:
                found[min(sender, other), max(sender, other)] += 1
    return found
