"""A space with states, sessions of agents in it, and a StateSyncManager with a clock that goes when it is told to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from state import fanout
from state.bus import InMemoryEventBus
from state.manager import StateManager
from state.models import Connection, SyncTask
from state.policy import Caller
from state.refusals import SpaceNotFound
from state.sync import control, tasks
from state.sync.manager import StateSyncManager
from state.sync.sessions import Note, Opened, SubNote
from state.sync.tasks.webhooks import Send
from state.sync.webhooks.sending import WebhookFailed
from state.values import (
    ConnectionType,
    EventType,
    Filters,
    StateEvent,
    StateManagerConfig,
    SyncConfig,
    SyncTaskType,
    TargetStatus,
)
from tests.bus.build import memory_store

SPACE = "Harbour"


def agent(name: str, role: str = "worker") -> Caller:
    """A member of the space."""
    return Caller(space=SPACE, name=f"agent:{name}", principals=frozenset({f"role:{role}"}))


LENA = agent("lena", "leader")
WIM, WES = agent("wim"), agent("wes")
ADA = Caller(space=SPACE, name="human:ada", admin=True)
VI = Caller(space=SPACE, name="human:vi", read_only=True)


class Post:
    """In the place of the internet: what webhooks were sent, and how receivers answer."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        #: Raised by the next attempts, in their order; None: it is taken.
        self.answers: list[WebhookFailed | None] = []

    def __call__(self, address: str, secret: str, message_id: str, body: bytes, **_: Any) -> None:
        assert secret.startswith("whsec_") and address.startswith("http")
        self.sent.append((message_id, msgspec.json.decode(body)))
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer

    @property
    def ids(self) -> list[str]:
        return [each for each, _ in self.sent]

    @property
    def bodies(self) -> list[Any]:
        return [each for _, each in self.sent]


class Desk:
    """See above. The states are in memory; connections and tasks in the database."""

    def __init__(self, **config: Any) -> None:
        self.now = datetime.now(UTC)
        self.bus = InMemoryEventBus()
        self.events: list[StateEvent] = []
        self.bus.subscribe("*", self.events.append)
        self.states = StateManager(StateManagerConfig(), self.bus, memory_store())
        self.post = Post()
        self.gone: set[str] = set()
        self._made: list[StateSyncManager] = []
        self.sync = self.another(**config)
        self.delivered: list[control.Deliver] = []
        self.ended: list[control.End] = []
        self._listening = fanout.hub().subscribe(control.TOPIC, self._hear)
        self._listening.ready.result(10)

    def another(
        self, *, send: Send | None = None, threads: int = 0, **config: Any
    ) -> StateSyncManager:
        """One more process's."""
        config = {"timeout": timedelta(seconds=30), **config}
        made = StateSyncManager(
            self.states,
            self.bus,
            SyncConfig(**config),
            callers=self._caller_of,
            clock=lambda: self.now,
            send=send or self.post,
            threads=threads,
        )
        self._made.append(made)
        return made

    def close(self) -> None:
        self._listening.close()
        for each in self._made:
            each.close()
        self.states.close()

    def _caller_of(self, row: Connection) -> Caller:
        if row.agent in self.gone:
            raise SpaceNotFound
        return msgspec.convert(row.reader, Caller)

    def _hear(self, message: fanout.Outgoing) -> None:
        said = control.read(message.payload)
        if isinstance(said, control.Deliver):
            self.delivered.append(said)
        elif isinstance(said, control.End):
            self.ended.append(said)

    def go(self, **time: float) -> None:
        """On by a timedelta's arguments."""
        self.now += timedelta(**time)

    def told(self, *kinds: EventType) -> list[EventType]:
        """What was told since, of these kinds."""
        page = self.states.store.list_states(SPACE, Filters(), limit=100)
        # The bus keeps an order per state: one behind all that each still has to tell.
        for state_id in ("", *(state.id for state in page.states)):
            self.bus.publish(
                StateEvent(
                    type=EventType.STATE_READ,
                    timestamp=self.now,
                    space=SPACE,
                    state_id=state_id,
                )
            )
        found = [each.type for each in self.events if each.type in kinds]
        self.events.clear()
        return found

    # -- agents --------------------------------------------------------------------------------------------------------

    def socket(
        self,
        caller: Caller,
        *states: str,
        acked: int = 0,
        mode: str = "bidirectional",
        name: str = "",
    ) -> Opened:
        """A session with one subscription."""
        opened = self.sync.sessions.open(
            caller, user_id=None, process="p1", mode=ConnectionType(mode), name=name
        )
        self.note(opened, *(states or ("*",)), acked=acked)
        return opened

    def note(self, opened: Opened, *states: str, acked: int = 0, **more: Any) -> None:
        subs = (SubNote(1, states, "all", acked, ""),)
        given = {"subscriptions": subs, "heartbeat": self.now, **more}
        note = Note(session=opened.id, generation=opened.generation, **given)
        assert self.sync.sessions.note([note]) == ()

    def away(self, opened: Opened) -> None:
        self.sync.sessions.leave(opened.id, opened.generation)

    def webhook(self, caller: Caller = WIM, states: Sequence[str] = ("*",)) -> Connection:
        made = self.sync.connect_agent(caller, address="https://example.com/hook", states=states)
        return Connection.objects.get(pk=made.connection.id)

    # -- states and tasks ----------------------------------------------------------------------------------------------

    def write(self, state_id: str = "plan", **data: Any) -> int:
        """One more revision; its number."""
        if self.states.store.load_states(SPACE, [state_id]):
            return self.states.update_state(LENA, state_id, data).revision
        return self.states.create_state(LENA, state_id, data=data).revision

    def task(self, type: str = "broadcast", *agents: str, **more: Any) -> str:
        """A sync task of plan, made by lena; its id."""
        made = self.sync.create_sync_task(LENA, SyncTaskType(type), "plan", agents, **more)
        return made.id

    def statuses(self, task: str) -> dict[str, TargetStatus]:
        """Of the targets, by agent."""
        return {each.agent: each.status for each in self.sync.get_sync_task(ADA, task).targets}

    def status(self, task: str) -> str:
        return SyncTask.objects.get(pk=task).status

    def ack(self, task: str, name: str, revision: int | None = None) -> None:
        """As the engine says that a socket has acknowledged; by default all there is."""
        at = self.states.space(LENA).revision if revision is None else revision
        tasks.acked(task, f"agent:{name}", at)
        # The engine's clock is not this one.
        SyncTask.objects.filter(pk=task, due_at__gt=self.now).update(due_at=self.now)

    def work(self) -> None:
        self.sync.work()


@pytest.fixture
def desk() -> Iterator[Desk]:
    """With the state plan in it."""
    found = Desk()
    found.write(step=1)
    yield found
    found.close()
