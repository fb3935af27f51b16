"""Sessions: what stays of an agent's connection when its socket is gone, in rows that all processes see.

Who reads them decides nothing by them about rights; they say who is connected, how far it has come, and until when
its place is kept.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from django.db import connection, transaction
from django.db.models import F, Min, Q, QuerySet

from state.models import Connection
from state.models.sync import LIVE_STATUSES
from state.policy import Caller
from state.sync import control
from state.sync.protocol.limits import ANSWER, HB_S, SUPERSEDED
from state.sync.telling import Publish, tell
from state.values import ConnectionStatus, ConnectionType, EventType

logger = logging.getLogger(__name__)

#: How long a session without a socket is kept with its place.
KEPT: Final = timedelta(minutes=5)
#: Two heartbeats missed.
SILENT: Final = timedelta(seconds=2 * (HB_S + ANSWER))
#: How long an ended session is still shown.
SHOWN: Final = timedelta(days=1)
#: An agent's heartbeats are told of once in so long.
HEARTBEATS: Final = timedelta(seconds=60)
#: Sessions that one sweep ends, and statements sent together.
BATCH: Final = 500

_NOTE: Final = (
    "UPDATE state_connection SET subscriptions = %s, acked = %s, parked = %s, last_heartbeat = %s,"
    " conflict_count = conflict_count + %s, status = %s, expires_at = NULL"
    f" WHERE id = %s AND generation = %s AND status IN ({', '.join(['%s'] * len(LIVE_STATUSES))})"
)


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A session that a socket has taken up."""

    id: str
    #: Of this socket; `note` and `leave` take it, so that what an earlier socket says late changes nothing.
    generation: int
    #: Whether the session that was asked for goes on.
    resumed: bool = False
    #: Sessions that had to give way to this one; their sockets were told.
    superseded: tuple[str, ...] = ()


class SubNote(msgspec.Struct, frozen=True):
    """How far one subscription has come; `token` is the one to come back with from there."""

    sub: int
    states: tuple[str, ...]
    mode: str = "all"
    acked: int = 0
    token: str = ""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """How a session stands."""

    session: str
    generation: int
    #: When it was heard last, aware.
    heartbeat: datetime
    #: All of them.
    subscriptions: tuple[SubNote, ...] = ()
    parked: bool = False
    #: How many more of its writes collided.
    conflicts: int = 0


class Ended(NamedTuple):
    """A session that has ended just now."""

    id: str
    space: str
    agent: str
    name: str
    generation: int


def floor(space: str) -> int | None:
    """The least revision that a live session of the space has acknowledged: what comes after it is still needed.
    None: nothing is. One query."""
    found = live(datetime.now(UTC)).filter(space=space).aggregate(least=Min("acked"))
    least: int | None = found["least"]
    return least


def live(now: datetime) -> QuerySet[Connection]:
    """Sessions that have not ended, and whose time is not over."""
    kept = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    return Connection.objects.filter(kept, status__in=LIVE_STATUSES)


def now_utc() -> datetime:
    """The clock."""
    return datetime.now(UTC)


class Sessions:
    """Opens, keeps and ends sessions. Thread-safe; blocks. The database's errors are Django's."""

    def __init__(
        self,
        publish: Publish,
        *,
        clock: Callable[[], datetime] = now_utc,
        parting: Callable[[str], object] | None = None,
    ) -> None:
        """`publish` passes best-effort events on; `parting` is called with a session before it says goodbye for good,
        while it is still known how far it had come."""
        self._publish, self._clock, self._parting = publish, clock, parting
        self._told: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()

    def open(
        self,
        caller: Caller,
        *,
        user_id: Any,
        name: str = "",
        mode: ConnectionType = ConnectionType.BIDIRECTIONAL,
        session: str | None = None,
        exclusive: bool = False,
        process: str = "",
    ) -> Opened:
        """A session for a socket of `process` that said hello: the one by the id `session` if it is the same agent's,
        user's and space's, has not ended and not failed, else a new one.

        A socket that still holds the resumed session, and with `exclusive` all others of the same agent and name, are
        told to end.
        """
        now = self._clock()
        with transaction.atomic():
            resumed = self._resumed(caller, user_id, session or "")
            changed = {
                "name": name,
                "type": mode.value,
                "status": ConnectionStatus.CONNECTED.value,
                "reader": msgspec.to_builtins(caller),
                "process": process,
                "parked": False,
                "error": "",
                "connected_at": now,
                "last_heartbeat": now,
                "expires_at": None,
            }
            if resumed is None:
                found = Connection.objects.create(
                    id=new_id(), space=caller.space, agent=caller.name, user_id=user_id, **changed
                )
                generation = found.generation
            else:
                found, generation = resumed, resumed.generation + 1
                Connection.objects.filter(pk=found.pk).update(generation=generation, **changed)
            superseded = []
            if exclusive:
                others = live(now).filter(
                    space=caller.space, agent=caller.name, name=name, address=""
                )
                others = others.exclude(pk=found.pk)
                superseded = self._end(others, ConnectionStatus.DISCONNECTED, "superseded")
        if resumed is None:
            self._tell(EventType.AGENT_CONNECTED, caller.space, caller.name, found.pk, name=name)
        elif resumed.process:
            control.end(found.pk, SUPERSEDED, "resumed", generation=generation - 1)
        self.tell_ended(superseded, SUPERSEDED, "superseded")
        return Opened(
            id=found.pk,
            generation=generation,
            resumed=resumed is not None,
            superseded=tuple(each.id for each in superseded),
        )

    def note(self, notes: Sequence[Note]) -> tuple[str, ...]:
        """Keep how these sessions stand; those that are no longer live in that generation, whose sockets have to end.

        Two messages to the database, whatever the number.
        """
        if not notes:
            return ()
        with transaction.atomic(), connection.cursor() as cursor:
            # In one order, so that two processes do not wait for each other.
            ordered = sorted(notes, key=lambda each: each.session)
            cursor.executemany(_NOTE, [_parameters(each) for each in ordered])
            rows = Connection.objects.filter(
                pk__in=[each.session for each in notes], status__in=LIVE_STATUSES
            ).values_list("pk", "generation", "space", "agent")
            found = {row[0]: row[1:] for row in rows}
        lost = []
        for each in notes:
            generation, space, agent = found.get(each.session, (0, "", ""))
            if generation != each.generation:
                lost.append(each.session)
            else:
                self._beat(space, agent, each)
        return tuple(lost)

    def leave(self, session: str, generation: int, *, ended: bool = False, error: str = "") -> None:
        """The socket of that generation is gone: the session is kept for five minutes, unless it `ended` (a bye of the
        client's, told to go) or failed with `error`. Nothing happens when another socket has taken it up, or the
        second time."""
        now = self._clock()
        rows = Connection.objects.filter(
            pk=session, generation=generation, status__in=LIVE_STATUSES
        )
        if error or ended:
            status = ConnectionStatus.ERROR if error else ConnectionStatus.DISCONNECTED
            if self._parting is not None and not error:
                try:
                    self._parting(session)
                except Exception:
                    logger.exception("what a session had is not kept", extra={"session": session})
            self.end(rows, status, error)
        else:
            rows.exclude(status=ConnectionStatus.RECONNECTING).update(
                status=ConnectionStatus.RECONNECTING, process="", expires_at=now + KEPT
            )

    def leave_all(self, process: str) -> None:
        """That process ends: its sessions are kept for five minutes. One statement."""
        expires = self._clock() + KEPT
        Connection.objects.filter(process=process, status__in=LIVE_STATUSES).update(
            status=ConnectionStatus.RECONNECTING, process="", expires_at=expires
        )

    def end(
        self,
        rows: QuerySet[Connection],
        status: ConnectionStatus = ConnectionStatus.DISCONNECTED,
        error: str = "",
        *,
        code: int = 0,
        reason: str = "",
    ) -> list[Ended]:
        """End those of the sessions that are live (failed webhooks count as live), free what they held and tell of
        it; with a close `code` also the processes that hold their sockets."""
        with transaction.atomic():
            ended = self._end(rows, status, error)
        self.tell_ended(ended, code, reason)
        return ended

    def sweep(self) -> dict[str, int]:
        """Notice who fell silent, end what nobody came back to, forget what ended a day ago; how many of each."""
        now = self._clock()
        unheard = Connection.objects.filter(
            status__in=[ConnectionStatus.CONNECTING, ConnectionStatus.CONNECTED],
            address="",
            last_heartbeat__lt=now - SILENT,
        )
        silent = unheard.update(
            status=ConnectionStatus.RECONNECTING, process="", expires_at=now + KEPT
        )
        over = Connection.objects.filter(
            status__in=LIVE_STATUSES, expires_at__isnull=False, expires_at__lte=now
        )
        expired = len(self.end(over))
        forgotten, _ = Connection.objects.filter(ended_at__lt=now - SHOWN).delete()
        return {"silent": silent, "expired": expired, "forgotten": forgotten}

    # -- within ------------------------------------------------------------------------------------------------------

    def _resumed(self, caller: Caller, user_id: Any, session: str) -> Connection | None:
        """The row, locked."""
        if not session:
            return None
        return (
            live(self._clock())
            .filter(pk=session, space=caller.space, agent=caller.name, user=user_id, address="")
            .select_for_update()
            .first()
        )

    def _end(self, rows: QuerySet[Connection], status: ConnectionStatus, error: str) -> list[Ended]:
        """In a transaction. Each session is ended by exactly one call."""
        rows = rows.filter(ended_at__isnull=True).order_by("pk").select_for_update()
        found = [
            Ended(*row)
            for row in rows.values_list("pk", "space", "agent", "name", "generation")[:BATCH]
        ]
        if found:
            Connection.objects.filter(pk__in=[each.id for each in found]).update(
                status=status,
                error=error,
                subscriptions=[],
                acked=None,
                parked=False,
                process="",
                expires_at=None,
                due_at=None,
                lease="",
                lease_until=None,
                ended_at=self._clock(),
                generation=F("generation") + 1,
            )
        return found

    def tell_ended(self, ended: Iterable[Ended], code: int, reason: str) -> None:
        """What has ended is told to handlers of events, and with a close `code` to whoever holds the sockets."""
        for each in ended:
            self._tell(
                EventType.AGENT_DISCONNECTED, each.space, each.agent, each.id, name=each.name
            )
            if code:
                control.end(each.id, code, reason, generation=each.generation)

    def _beat(self, space: str, agent: str, note: Note) -> None:
        now = self._clock()
        with self._lock:
            told = self._told.get((space, agent))
            if told is not None and now - told < HEARTBEATS:
                return
            if len(self._told) >= 10_000:
                since = now - HEARTBEATS
                self._told = {key: at for key, at in self._told.items() if at > since}
            self._told[space, agent] = now
        self._tell(EventType.AGENT_HEARTBEAT, space, agent, note.session)

    def _tell(self, kind: EventType, space: str, agent: str, session: str, **more: Any) -> None:
        at = self._clock()
        tell(self._publish, kind, at, space=space, agent=agent, session=session, **more)


def new_id() -> str:
    """An id that nobody guesses."""
    return f"s_{secrets.token_urlsafe(16)}"


def _parameters(note: Note) -> tuple[Any, ...]:
    acked = min((each.acked for each in note.subscriptions), default=None)
    return (
        json.dumps(msgspec.to_builtins(note.subscriptions)),
        acked,
        note.parked,
        connection.ops.adapt_datetimefield_value(note.heartbeat),
        note.conflicts,
        ConnectionStatus.CONNECTED.value,
        note.session,
        note.generation,
        *LIVE_STATUSES,
    )
