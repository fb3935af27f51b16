"""What a process shows that dials in as an agent: made, revoked and recognised. Shown once, kept as a digest."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from groups import live
from groups.access import Actor
from groups.errors import CredentialNotFound, TooManyCredentials
from groups.models import Agent, AgentCredential

#: What every credential begins with, so that one that leaked is found.
MARK: Final = "stars-"
#: Characters by which people tell them apart.
PREFIX: Final = 12
#: That an agent has at once, at most.
MOST: Final = 20


def topic(agent_id: str) -> str:
    """Where whoever holds the sockets of an agent's processes is told to look again."""
    return f"dialin:{agent_id}"


def make(*, actor: Actor, agent: Agent) -> tuple[AgentCredential, str]:
    """One more credential of the agent, and its text, which is shown now and never again. Raises TooManyCredentials."""
    text = MARK + secrets.token_urlsafe(32)
    with transaction.atomic():
        Agent.objects.select_for_update().filter(pk=agent.pk).first()
        if AgentCredential.objects.filter(agent=agent, revoked_at=None).count() >= MOST:
            raise TooManyCredentials
        row = AgentCredential.objects.create(
            agent=agent,
            digest=_digest(text),
            prefix=text[:PREFIX],
            created_by=actor if isinstance(actor, User) else None,
        )
    return row, text


def revoke(*, actor: Actor, credential: AgentCredential) -> None:
    """Take it back: its sockets are closed within a second, and it opens none any more. Revoking again changes nothing.

    Raises CredentialNotFound when it is gone.
    """
    with transaction.atomic():
        mine = AgentCredential.objects.filter(pk=credential.pk)
        if not mine.exists():
            raise CredentialNotFound
        mine.filter(revoked_at=None).update(revoked_at=timezone.now())
        live.announce(pokes=[(topic(credential.agent.agent_id), "credential", {})])


def recognised(agent_id: str, text: str) -> AgentCredential | None:
    """The credential of that agent with this text, unless it was revoked; notes that it was used."""
    if not (agent_id.isprintable() and text.isascii()):
        return None
    found = (
        AgentCredential.objects.select_related("agent")
        .filter(digest=_digest(text), agent__agent_id=agent_id, revoked_at=None)
        .first()
    )
    if found is not None:
        AgentCredential.objects.filter(pk=found.pk).update(last_used_at=timezone.now())
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
