"""Delivers what is new to webhooks: in order, at least once, each from its own place, by one worker at a time.

A place moves on only when the receiver has answered. Who fails is tried again soon, then ever more rarely for a day.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from django.db import Error
from django.db.models import Q

from state.bus.threads import fresh_connections, no_connections
from state.errors import StarsError, Unavailable
from state.manager import StateManager
from state.models import Connection, SyncTask
from state.policy import Caller
from state.sync import secrets, tokens
from state.sync.filters import filter_of
from state.sync.metrics import counts
from state.sync.sessions import Sessions
from state.sync.tasks import leases, messages
from state.sync.tasks.messages import Posting
from state.sync.tasks.reading import Page, Reading
from state.sync.tasks.recipients import Callers
from state.sync.tasks.runner import AWAY, pause
from state.sync.telling import Publish, tell
from state.sync.webhooks import sending
from state.sync.webhooks.sending import WebhookFailed
from state.values import (
    ConnectionStatus,
    EventType,
    SharedState,
    SyncConfig,
    TargetStatus,
    TaskStatus,
)

logger = logging.getLogger(__name__)

#: Of a webhook that has failed: the pauses between attempts, growing, and how long it is tried at all.
RARELY: Final = (timedelta(minutes=1), timedelta(hours=1))
GIVEN_UP: Final = timedelta(days=1)
#: Seconds that one webhook is served before others have their turn.
TURN: Final = 10.0


class Send(Protocol):
    """As `webhooks.sending.send`."""

    def __call__(
        self,
        address: str,
        secret: str,
        message_id: str,
        body: bytes,
        *,
        timeout: float,
        allowed: Sequence[str],
    ) -> None: ...


class Webhooks:
    """All webhooks of the installation. Thread-safe; blocks."""

    def __init__(
        self,
        manager: StateManager,
        sessions: Sessions,
        config: SyncConfig,
        callers: Callers,
        publish: Publish,
        clock: Callable[[], datetime],
        *,
        allowed: Sequence[str] = (),
        send: Send = sending.send,
        threads: int = 0,
    ) -> None:
        """`allowed`: hosts and networks that may be private (`webhooks.addresses`). With `threads` so many webhooks are
        served at once and nobody waits for them; with 0, whoever calls `work` does it all."""
        self._manager, self._sessions, self._config = manager, sessions, config
        self._reading = Reading(manager, config)
        self._callers, self._publish, self._clock = callers, publish, clock
        self._allowed, self._send = allowed, send
        self._threads = ThreadPoolExecutor(threads, "state-webhooks") if threads else None
        #: Whom a thread of this process serves, or is about to.
        self._at_it: set[str] = set()
        self._lock = threading.Lock()

    def work(self) -> None:
        """Serve those for whom there is something."""
        leases.settle()
        for key in self._behind():
            if self._threads is None:
                self._turn(key)
                continue
            with self._lock:
                if key in self._at_it:
                    continue
                self._at_it.add(key)
            try:
                self._threads.submit(self._in_thread, key)
            except RuntimeError:  # closed
                return

    def close(self) -> None:
        """Begin nothing more; idempotent. What is under way comes to its end, or another process sends it again."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        self._reading.close()

    def _in_thread(self, key: str) -> None:
        """A slow receiver holds up nobody who calls `work`."""
        fresh_connections()
        try:
            self._turn(key)
        except Exception:
            logger.exception("a webhook is tried again later", extra={"connection": key})
        finally:
            no_connections()
            with self._lock:
                self._at_it.discard(key)

    def _turn(self, key: str) -> None:
        row = leases.take(_kept().filter(pk=key), self._clock())
        if row is not None:
            self._serve(row, time.monotonic() + TURN)

    def push(self, row: Connection, task: str, state: SharedState) -> None:
        """The state as a snapshot, at once and beside what is delivered in order. Raises WebhookFailed."""
        token = _place(row)["token"]
        posting = messages.of_task(state, session=row.pk, token=token, task=task)
        self._post(row, posting)
        counts.sent(0, len(posting.body))

    def hurry(self, row: Connection) -> None:
        """Have what it has not got sent now."""
        _kept().filter(pk=row.pk).update(due_at=self._clock())

    # -- whom to serve -----------------------------------------------------------------------------------------------

    def _behind(self) -> list[str]:
        """Webhooks that have not got everything, or have to try again; two reads, or one when there are none."""
        now = self._clock()
        due = _kept().filter(Q(due_at__isnull=True) | Q(due_at__lte=now))
        free = due.filter(Q(lease_until__isnull=True) | Q(lease_until__lte=now))
        rows = list(free.order_by("due_at", "last_heartbeat").only(*_LOOKED_AT))
        if not rows:
            return []
        heads = {info.id: info for info in self._manager.store.spaces()}
        found = []
        for row in rows:
            head = heads.get(row.space)
            token = _place(row)["token"]
            if head is None or not token or row.due_at is not None:
                found.append(row.pk)
            else:
                place = tokens.decode(token)
                if (place.epoch, place.revision) != (head.epoch, head.revision):
                    found.append(row.pk)
        return found

    # -- serving -----------------------------------------------------------------------------------------------------

    def _serve(self, row: Connection, until: float) -> None:
        """All that is new to one webhook, as far as the time goes; afterwards the lease is given back."""
        try:
            self._go_on(row, until)
        except (Unavailable, Error) as error:
            logger.warning("a webhook waits: %s", error, extra={"connection": row.pk})
            leases.release(row, due_at=self._clock() + AWAY)
        except Exception:
            logger.exception("a webhook is tried again later", extra={"connection": row.pk})
            leases.release(row, due_at=self._clock() + RARELY[0])

    def _go_on(self, row: Connection, until: float) -> None:
        try:
            caller = self._callers(row)
            while self._deliver(row, caller):
                if time.monotonic() >= until:
                    leases.release(row, due_at=self._clock())
                    return
        except WebhookFailed as error:
            self._failed(row, error)
        except Unavailable:
            raise
        except StarsError as error:
            # Whoever made it may act there no more, the space is gone, or its token is none.
            self._end(row, ConnectionStatus.ERROR, error.message)

    def _deliver(self, row: Connection, caller: Caller) -> bool:
        """The next message or messages; whether there may be more and the webhook is still ours."""
        place, now = _place(row), self._clock()
        wanted, token = filter_of(place["states"]), place["token"] or None
        page = self._reading.page(caller, wanted, token, self._config.batch_size)
        connects = row.status != ConnectionStatus.CONNECTED
        if not page.is_empty:
            page, digest, postings = self._postings(row, page)
            sending = {"revision": page.revision, "synced": page.synced, "digest": digest}
            for posting in postings:
                if not self._keep(row, sending=sending):
                    return False
                self._post(row, posting)
            if not page.entries:  # else the engine has counted them
                counts.sent(0, sum(len(each.body) for each in postings))
            now = self._clock()
        moves = not page.is_empty or page.token != token
        place |= {"acked": page.revision, "token": page.token}
        row.subscriptions, row.acked, row.sending = [place], page.revision, None
        row.status, row.tries = ConnectionStatus.CONNECTED.value, 0
        done = {
            "subscriptions": row.subscriptions,
            "acked": row.acked,
            "sending": None,
            "status": row.status,
            "tries": 0,
            "failing_since": None,
            "error": "",
            "due_at": None,
            "last_heartbeat": now,
        }
        if connects:
            done["connected_at"] = now
        more = page.more and moves
        kept = self._keep(row, **done) if more else leases.release(row, **done)
        if kept and connects:
            self._tell(EventType.AGENT_CONNECTED, row)
        if kept:
            self._wake_tasks(row)
        return kept and more

    def _postings(self, row: Connection, page: Page) -> tuple[Page, str, list[Posting]]:
        """The messages of a page, or of as much of it as was sent before and not acknowledged.

        What comes again is the very same, whatever was committed since; where that cannot be, for states or rights are
        others by now, the whole page goes out, and by other ids.
        """
        if row.sending is not None:
            same = page.until(row.sending["revision"], synced=row.sending["synced"])
            digest, postings = messages.of_page(same, space=row.space, session=row.pk)
            if digest == row.sending["digest"]:
                return same, digest, postings
        return page, *messages.of_page(page, space=row.space, session=row.pk)

    def _post(self, row: Connection, posting: Posting) -> None:
        assert row.secret is not None  # the table's own rule
        self._send(
            row.address,
            secrets.reveal(bytes(row.secret), row.pk),
            posting.id,
            posting.body,
            timeout=self._config.timeout.total_seconds(),
            allowed=self._allowed,
        )

    def _keep(self, row: Connection, **changes: Any) -> bool:
        lasting = max(leases.LEASE, 2 * self._config.timeout)
        return leases.extend(row, self._clock(), lasting=lasting, **changes)

    # -- failing -----------------------------------------------------------------------------------------------------

    def _failed(self, row: Connection, error: WebhookFailed) -> None:
        now = self._clock()
        since = row.failing_since or now
        if error.gone:
            self._end(row, ConnectionStatus.DISCONNECTED, error.message)
            return
        if now - since >= GIVEN_UP:
            self._end(row, ConnectionStatus.ERROR, error.message)
            return
        tries = row.tries + 1
        status = row.status
        if error.transient and tries <= self._config.max_retries:
            rest = pause(self._config, tries)
        else:
            status = ConnectionStatus.ERROR.value
            beyond = min(max(0, tries - 1 - self._config.max_retries), 10)
            rest = min(RARELY[0] * 2**beyond, RARELY[1])
        rest = max(rest, timedelta(seconds=error.retry_after or 0))
        leases.release(
            row,
            status=status,
            tries=tries,
            failing_since=since,
            error=error.message,
            due_at=now + rest,
        )

    def _end(self, row: Connection, status: ConnectionStatus, error: str) -> None:
        rows = Connection.objects.filter(pk=row.pk, lease=row.lease)
        self._sessions.end(rows, status, error)

    # -- telling -----------------------------------------------------------------------------------------------------

    def _tell(self, kind: EventType, row: Connection) -> None:
        tell(
            self._publish,
            kind,
            self._clock(),
            space=row.space,
            agent=row.agent,
            session=row.pk,
            name=row.name,
        )

    def _wake_tasks(self, row: Connection) -> None:
        """Tasks that wait for this agent look again at once."""
        waiting = SyncTask.objects.filter(
            space=row.space,
            status=TaskStatus.RUNNING,
            targets__agent=row.agent,
            targets__status=TargetStatus.SENT,
        )
        SyncTask.objects.filter(pk__in=waiting.values("pk")).update(due_at=self._clock())


#: What is needed to see whether a webhook is behind.
_LOOKED_AT: Final = ("space", "due_at", "subscriptions")


def _kept() -> Any:
    """Webhooks that have not ended, those included that fail."""
    return Connection.objects.filter(ended_at__isnull=True).exclude(address="")


def _place(row: Connection) -> dict[str, Any]:
    """Its one subscription."""
    return dict(row.subscriptions[0])
