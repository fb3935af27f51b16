"""Who is in a group and as what. Every change holds the group's row, and the constraints have the last word."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from groups import live
from groups.access import Actor
from groups.errors import (
    AgentNotFound,
    AlreadyAMember,
    CoordinatorExists,
    LeaderBusy,
    LeaderExists,
    NotAMember,
)
from groups.models import Agent, Group, Member, Role
from groups.services import spaces
from groups.services.groups import is_busy, lock
from groups.services.inputs import Faults, refuse
from groups.services.runs import name_of

_NOTED: Final = ("role_changed_at", "role_changed_by")


def join(
    *,
    actor: Actor,
    group: Group,
    agent_id: str,
    role: str = Role.WORKER,
    tags: Sequence[str] = (),
) -> Member:
    """Make the agent a member.

    Raises Invalid with the faulty fields, AgentNotFound, AlreadyAMember, LeaderExists, CoordinatorExists,
    GroupNotFound.
    """
    role, words = _checked(role, tags)
    agent = Agent.objects.filter(agent_id=agent_id).first() if _is_plain(agent_id) else None
    if agent is None:
        raise AgentNotFound(fields={"agent_id": [AgentNotFound().message]})
    with transaction.atomic():
        row = lock(group)
        _decide(row, role, joining=agent)
        try:
            with transaction.atomic():
                member = Member.objects.create(
                    group=row, agent=agent, role=role, tags=words, position=_end(row)
                )
        except IntegrityError:
            # Somebody wrote past the lock: the same question now has the other answer.
            _decide(row, role, joining=agent)
            raise
        _announce(row)
    return member


def join_all(
    *,
    actor: Actor,
    group: Group,
    agent_ids: Sequence[str],
    role: str = Role.WORKER,
    tags: Sequence[str] = (),
) -> list[Member]:
    """Make all these agents members, or none. Raises what `join` does, and Invalid when there are none."""
    if not agent_ids:
        refuse("agent_id", "Choose at least one agent.")
    with transaction.atomic():
        return [
            join(actor=actor, group=group, agent_id=agent_id, role=role, tags=tags)
            for agent_id in dict.fromkeys(agent_ids)
        ]


def leave(*, actor: Actor, group: Group, agent_id: str) -> None:
    """Take the agent out of the group. Its messages stay.

    Raises NotAMember, LeaderBusy for the leader while a run of the group is under way, GroupNotFound.
    """
    with transaction.atomic():
        row = lock(group)
        member = get(group=row, agent_id=agent_id)
        _leader_may_go(row, member)
        member.delete()
        transaction.on_commit(partial(spaces.member_left, group.id, agent_id))
        _announce(row)


def change(
    *,
    actor: Actor,
    group: Group,
    agent_id: str,
    role: str | None = None,
    tags: Sequence[str] | None = None,
) -> Member:
    """Change what is not None.

    Raises Invalid with the faulty fields, NotAMember, LeaderExists, CoordinatorExists, LeaderBusy,
    GroupNotFound.
    """
    with transaction.atomic():
        row = lock(group)
        member = get(group=row, agent_id=agent_id)
        checked = _checked(
            member.role if role is None else role, member.tags if tags is None else tags
        )
        if checked[0] != member.role:
            _leader_may_go(row, member)
            _decide(row, checked[0])
            _note(member, actor)
        member.role, member.tags = checked
        try:
            with transaction.atomic():
                member.save(update_fields=["role", "tags", *_NOTED])
        except IntegrityError:
            _decide(row, checked[0])
            raise
        _announce(row)
    return member


def lead(*, actor: Actor, group: Group, agent_id: str) -> Member:
    """Let the member lead the group; whoever led it until now is a worker.

    Raises NotAMember, LeaderBusy while a run of a group that has a leader is under way, GroupNotFound.
    """
    with transaction.atomic():
        row = lock(group)
        member = get(group=row, agent_id=agent_id)
        for leader in row.members.filter(role=Role.LEADER).exclude(pk=member.pk):
            _leader_may_go(row, leader)
            leader.role = Role.WORKER
            _note(leader, actor)
            leader.save(update_fields=["role", *_NOTED])
        if member.role != Role.LEADER:
            _note(member, actor)
        member.role = Role.LEADER
        member.save(update_fields=["role", *_NOTED])
        _announce(row)
    return member


def move(*, actor: Actor, group: Group, agent_id: str, place: int) -> Member:
    """Put the member into that place among all members in their order, counted from 0; too far is the end.

    Members are shown in this order, and a pipeline goes through its workers in it unless told otherwise.
    Raises Invalid, NotAMember, GroupNotFound.
    """
    if place < 0:
        refuse("place", "A place is a whole number, 0 or more.")
    with transaction.atomic():
        row = lock(group)
        member = get(group=row, agent_id=agent_id)
        others = list(row.members.exclude(pk=member.pk).order_by("position", "id"))
        others.insert(place, member)
        for position, each in enumerate(others):
            each.position = position
        Member.objects.bulk_update(others, ["position"])
        _announce(row)
    return member


def get(*, group: Group, agent_id: str) -> Member:
    """The group's member, with its agent. Raises NotAMember."""
    found = None
    if _is_plain(agent_id):
        found = group.members.select_related("agent").filter(agent__agent_id=agent_id).first()
    if found is None:
        raise NotAMember(fields={"agent_id": [NotAMember().message]})
    return found


def _note(member: Member, actor: Actor) -> None:
    """Who gave it another role, and that it was now."""
    member.role_changed_at, member.role_changed_by = timezone.now(), name_of(actor)


def _end(group: Group) -> int:
    """The place after all members."""
    last = group.members.aggregate(last=Max("position"))["last"]
    return 0 if last is None else int(last) + 1


def _checked(role: object, tags: object) -> tuple[Role, list[str]]:
    faults = Faults()
    if role not in Role.values:
        faults.add("role", f"A role is one of: {', '.join(Role.values)}.")
    words = faults.tags("tags", tags)
    faults.done()
    return Role(str(role)), words


def _decide(group: Group, role: Role, joining: Agent | None = None) -> None:
    """Raise when the group as it stands refuses this."""
    if joining is not None and group.members.filter(agent=joining).exists():
        raise AlreadyAMember(fields={"agent_id": [AlreadyAMember().message]})
    if role == Role.LEADER and group.members.filter(role=Role.LEADER).exists():
        raise LeaderExists(fields={"role": [LeaderExists().message]})
    # Held by the group's lock alone, unlike the leader: two coordinators would be untidy, two leaders wrong.
    if role == Role.COORDINATOR and group.members.filter(role=Role.COORDINATOR).exists():
        raise CoordinatorExists(fields={"role": [CoordinatorExists().message]})


def _leader_may_go(group: Group, member: Member) -> None:
    if member.role == Role.LEADER and is_busy(group):
        raise LeaderBusy


def _is_plain(agent_id: object) -> bool:
    """Whether it can be looked up at all: PostgreSQL refuses NUL even in a question."""
    return isinstance(agent_id, str) and "\x00" not in agent_id


def _announce(group: Group) -> None:
    live.announce(
        pokes=[
            (live.group_topic(group.id), "members", {}),
            (live.DASHBOARD, "members", {"group": group.id}),
        ]
    )
