"""The processes of connected agents, as they come, are seen and go."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from groups import live
from groups.models import AgentCredential, Call, CallStatus, DialIn
from groups.services.calls import Held, call_topic, held_of, keys
from groups.services.credentials import topic

#: Seconds between two notes that a process is there, and after which one that was not noted again is gone: then the
#: server process that held its socket has died.
BEAT: Final = 2.0
GONE: Final = 8.0
#: How long rows of those who are gone are kept.
KEPT: Final = timedelta(days=1)


class Opened(NamedTuple):
    """A connection, what it goes on with, and what of that which it holds is not its own any more."""

    id: uuid.UUID
    calls: dict[str, Held]
    dropped: list[str]


def open(*, credential: AgentCredential, name: str, parallel: int, holds: Sequence[str]) -> Opened:
    """A process has dialled in; calls that it `holds` from an earlier connection are its own again."""
    now = timezone.now()
    with transaction.atomic():
        row = DialIn.objects.create(
            agent=credential.agent,
            credential=credential,
            name=name.replace("\x00", ""),
            parallel=parallel,
            seen_at=now,
        )
        mine = Call.objects.filter(agent=credential.agent, status=CallStatus.TAKEN)
        found = list(mine.filter(id__in=keys(holds)).values_list("id", flat=True))
        mine.filter(id__in=found).update(taken_by=str(row.id))
        pokes: list[tuple[str, str, dict[str, Any]]] = [
            (call_topic(call_id), "back", {}) for call_id in found
        ]
        if holds:
            # Whoever had them until now, a socket that is dead and does not know it, lets go.
            pokes.append((topic(credential.agent.agent_id), "taken", {}))
        pokes.append((live.DASHBOARD, "agents", {}))
        live.announce(pokes=pokes)
        calls = held_of(found)
    return Opened(row.id, calls, [each for each in holds if each not in calls])


def seen(dialin_id: uuid.UUID) -> bool:
    """Note that it is there. False when it has to go: its credential was revoked or its agent is of another kind."""
    now = timezone.now()
    there = DialIn.objects.filter(
        pk=dialin_id, credential__revoked_at=None, agent__kind="connected"
    ).first()
    if there is None:
        return False
    if there.seen_at < now - timedelta(seconds=BEAT) or there.gone_at is not None:
        DialIn.objects.filter(pk=dialin_id).update(seen_at=now, gone_at=None)
    return True


def close(dialin_id: uuid.UUID) -> None:
    """Its socket has ended."""
    with transaction.atomic():
        mine = DialIn.objects.filter(pk=dialin_id, gone_at=None)
        mine.update(gone_at=timezone.now())
        calls = Call.objects.filter(taken_by=str(dialin_id), status=CallStatus.TAKEN)
        gone = list(calls.values_list("id", flat=True))
        live.announce(
            pokes=[*((call_topic(key), "gone", {}) for key in gone), (live.DASHBOARD, "agents", {})]
        )


def all_present() -> QuerySet[DialIn]:
    """The processes of all agents that are there now."""
    fresh = timezone.now() - timedelta(seconds=GONE)
    return DialIn.objects.filter(gone_at=None, seen_at__gt=fresh)


def present(agent_pk: int) -> QuerySet[DialIn]:
    """The agent's processes that are there now."""
    return all_present().filter(agent_id=agent_pk)


def absent_since(dialin_id: str) -> datetime | None:
    """Since when that one is gone; None while it is there."""
    row = DialIn.objects.filter(pk__in=keys([dialin_id])).first()
    if row is None:
        return datetime.min.replace(tzinfo=UTC)
    if row.gone_at is not None:
        return row.gone_at
    return row.seen_at if row.seen_at < timezone.now() - timedelta(seconds=GONE) else None


def forget() -> None:
    """Part of the sweep: rows of those who are long gone go."""
    old = timezone.now() - KEPT
    gone = DialIn.objects.filter(Q(gone_at__lt=old) | Q(seen_at__lt=old))
    if gone.exists():  # a DELETE would want the database's write lock for nothing
        gone.delete()
