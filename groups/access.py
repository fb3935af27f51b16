"""The only doors to groups, runs and agents for whoever acts: existence and permission are answered together.

What an actor may not see does not exist for it (404), so ids cannot be probed;
what it may see but not do is refused (403).
"""

from __future__ import annotations

import uuid
from typing import TypeAlias

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet

from groups.errors import (
    AgentNotFound,
    AttachmentNotFound,
    CredentialNotFound,
    GroupNotFound,
    GroupsRestricted,
    LevelTooLow,
    MessageNotFound,
    RunNotFound,
    SubtaskNotFound,
    TemplateNotFound,
)
from groups.identity import grant_of
from groups.models import (
    Agent,
    AgentCredential,
    Attachment,
    Group,
    GroupAccess,
    Level,
    Message,
    Run,
    RunTemplate,
    Subtask,
)

#: Whoever acts. None is the system itself (seeding, commands run by the operator).
Actor: TypeAlias = User | AnonymousUser | None


def level_in(actor: Actor, group_id: str) -> Level | None:
    """The actor's level in that group; None when it may not even see it."""
    only = _only(actor)
    if only and group_id not in only:
        return None
    if actor is None or actor.is_superuser:
        return Level.OWNER
    if not isinstance(actor, User) or not actor.is_active:
        return None
    found = GroupAccess.objects.filter(group_id=group_id, user=actor).values_list(
        "level", flat=True
    )
    return Level(found[0]) if found else None


def visible_groups(actor: Actor) -> QuerySet[Group]:
    """The groups that the actor may see."""
    only = _only(actor)
    groups = Group.objects.filter(id__in=only) if only else Group.objects.all()
    if actor is None or actor.is_superuser:
        return groups
    if not isinstance(actor, User) or not actor.is_active:
        return groups.none()
    return groups.filter(access__user=actor)


def sees_all(actor: Actor) -> bool:
    """Whether the actor may see every group, so that no query need ask which."""
    return (actor is None or actor.is_superuser) and not _only(actor)


def visible_runs(actor: Actor) -> QuerySet[Run]:
    """The runs of the groups that the actor may see."""
    if sees_all(actor):
        return Run.objects.all()
    return Run.objects.filter(group__in=visible_groups(actor))


def must_reach_all(actor: Actor) -> None:
    """For what concerns the whole installation. Raises GroupsRestricted when the actor's token is for some groups."""
    if is_restricted(actor):
        raise GroupsRestricted


def is_restricted(actor: Actor) -> bool:
    """Whether the actor came with an API token that is for certain groups only."""
    return bool(_only(actor))


def _only(actor: Actor) -> frozenset[str]:
    """The groups that the actor's API token is for; empty: all that its user may see."""
    grant = grant_of(actor)
    return grant.groups if grant else frozenset()


def get_group(actor: Actor, group_id: str, level: Level = Level.VIEWER) -> Group:
    """The group, if the actor has at least `level` in it.

    Raises GroupNotFound when there is none that the actor may see, LevelTooLow when it may only look.
    """
    group = visible_groups(actor).filter(id=group_id).first() if _may_be_id(group_id) else None
    if group is None:
        raise GroupNotFound
    require(actor, group.id, level)
    return group


def require(actor: Actor, group_id: str, level: Level) -> None:
    """Raise GroupNotFound or LevelTooLow unless the actor has at least `level` in the group."""
    has = level_in(actor, group_id)
    if has is None:
        raise GroupNotFound
    if has < level:
        raise LevelTooLow


def get_run(actor: Actor, run_id: uuid.UUID | str, level: Level = Level.VIEWER) -> Run:
    """The run with its group, if the actor has at least `level` in that group.

    Raises RunNotFound when there is none that the actor may see (a malformed id included), LevelTooLow.
    """
    try:
        key = run_id if isinstance(run_id, uuid.UUID) else uuid.UUID(run_id)
    except ValueError:
        raise RunNotFound from None
    run = visible_runs(actor).select_related("group").filter(id=key).first()
    if run is None:
        raise RunNotFound
    require(actor, run.group_id, level)
    return run


def get_subtask(run: Run, subtask_id: uuid.UUID | str) -> Subtask:
    """The run's subtask by id or by key. Raises SubtaskNotFound."""
    try:
        query = {"id": uuid.UUID(str(subtask_id))}
    except ValueError:
        query = {"key": subtask_id}  # type: ignore[dict-item]
    subtask = run.subtasks.filter(**query).first() if _may_be_id(str(subtask_id)) else None
    if subtask is None:
        raise SubtaskNotFound
    return subtask


def get_attachment(run: Run, attachment_id: uuid.UUID | str) -> Attachment:
    """The run's attachment. Raises AttachmentNotFound."""
    try:
        key = uuid.UUID(str(attachment_id))
    except ValueError:
        raise AttachmentNotFound from None
    attachment = run.attachments.filter(id=key).first()
    if attachment is None:
        raise AttachmentNotFound
    return attachment


def get_template(group: Group, template_id: uuid.UUID | str) -> RunTemplate:
    """The group's template. Raises TemplateNotFound."""
    try:
        key = uuid.UUID(str(template_id))
    except ValueError:
        raise TemplateNotFound from None
    template = group.templates.select_related("group").filter(pk=key).first()
    if template is None:
        raise TemplateNotFound
    return template


def get_message(group: Group, message_id: int) -> Message:
    """The group's message. Raises MessageNotFound."""
    known = 0 < message_id < 2**63
    message = group.messages.filter(pk=message_id).first() if known else None
    if message is None:
        raise MessageNotFound
    return message


def get_agent(actor: Actor, agent_id: str, *, change: bool = False) -> Agent:
    """The agent; with `change`, only if the actor registered it or is a superuser.

    Every signed-in user may see and use every agent. Raises AgentNotFound, LevelTooLow, and GroupsRestricted, for what
    an agent is changed to counts in all groups.
    """
    if change:
        must_reach_all(actor)
    agent = Agent.objects.filter(agent_id=agent_id).first() if _may_be_id(agent_id) else None
    if agent is None:
        raise AgentNotFound
    if change and actor is not None and not actor.is_superuser and agent.created_by_id != actor.pk:
        raise LevelTooLow("Only whoever registered this agent, or an administrator, may change it.")
    return agent


def get_credential(agent: Agent, credential_id: uuid.UUID | str) -> AgentCredential:
    """The agent's credential. Raises CredentialNotFound."""
    try:
        key = uuid.UUID(str(credential_id))
    except ValueError:
        raise CredentialNotFound from None
    credential = agent.credentials.select_related("agent").filter(id=key).first()
    if credential is None:
        raise CredentialNotFound
    return credential


def _may_be_id(text: str) -> bool:
    """Whether a database can be asked for it at all: PostgreSQL refuses NUL and lone surrogates."""
    return text.isprintable()
