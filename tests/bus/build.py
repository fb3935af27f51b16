"""A store in memory, what is committed to it, and buses that tell of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from state.bus import (
    CursorStore,
    EventBus,
    InMemoryCursorStore,
    InMemoryEventBus,
    LogEventBus,
    event_of,
)
from state.bus.events_of import event_of_audit
from state.persistence.codec import Codec
from state.persistence.keyring import Keyring
from state.persistence.memory import MemoryPersistence
from state.values import (
    AuditRecord,
    Committed,
    Entry,
    EntryKind,
    EventType,
    Operation,
    OperationType,
    PersistenceConfig,
    SharedState,
    StateEvent,
    Transaction,
    Write,
)

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
SPACE = "Harbour"


def until(holds: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for it; fail when it does not come true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.002)


def memory_store() -> MemoryPersistence:
    return MemoryPersistence(PersistenceConfig(), Codec(True, False, Keyring()))


class Bench:
    """A store, cursors, and as many buses of one kind as a test opens."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.store = memory_store()
        self.store.open_space(SPACE)
        self.cursors: CursorStore = InMemoryCursorStore()
        self.pauses: list[float] = []
        self.buses: list[EventBus] = []
        self._lock = threading.Lock()
        self._versions: dict[tuple[str, str], int] = {}

    def bus(self, **options: Any) -> EventBus:
        """A bus whose pauses between tries take no time and are noted; no sweep comes to the help of the log's."""
        options = {"sleep": self.pauses.append, **options}
        bus: EventBus = (
            InMemoryEventBus(cursors=self.cursors, **options)
            if self.kind == "memory"
            else LogEventBus(self.store, self.cursors, **{"sweep": 60, **options})
        )
        self.buses.append(bus)
        return bus

    def write(
        self, state_id: str = "plan", value: Any = 7, *, kind: EntryKind | None = None, space: str
    ) -> Write:
        with self._lock:
            expect = self._versions.get((space, state_id), 0)
            self._versions[space, state_id] = expect + 1
        if kind is None:
            kind = EntryKind.UPDATE if expect else EntryKind.CREATE
        at = NOON + timedelta(minutes=expect)
        state = SharedState(
            id=state_id,
            space=space,
            uid=f"uid-{state_id}",
            data={"step": value},
            version=expect + 1,
            timestamp=at,
            created_at=NOON,
        )
        entry = Entry(
            space=space,
            state_id=state_id,
            uid=state.uid,
            version=expect + 1,
            kind=kind,
            agent="agent:wim",
            op_id=f"op-{state_id}-{expect + 1}",
            base_version=expect,
            ops=(Operation(OperationType.SET, "/step", value),),
            metadata={"why": "tide"},
            at=at,
        )
        return Write(state=state, expect=expect, entry=entry)

    def commit(
        self, *ids: str, space: str = SPACE, value: Any = 7, kind: EntryKind | None = None
    ) -> list[StateEvent]:
        """One transaction that writes these states; the events of its entries."""
        writes = tuple(self.write(each, value, kind=kind, space=space) for each in ids)
        return [event_of(each) for each in self._commit(Transaction(writes=writes), space).entries]

    def one(self, state_id: str = "plan", **options: Any) -> StateEvent:
        """A transaction with a single write; its event."""
        return self.commit(state_id, **options)[0]

    def audit(
        self,
        state_id: str = "plan",
        type: EventType = EventType.CONFLICT_DETECTED,
        minute: float = 0,
    ) -> StateEvent:
        """A fact in the audit trail; its event."""
        event = StateEvent(
            type=type, timestamp=NOON + timedelta(minutes=minute), space=SPACE, state_id=state_id
        )
        record = self._commit(Transaction(audit=(AuditRecord(event=event),)), SPACE).audit[0]
        return event_of_audit(SPACE, record)

    def _commit(self, transaction: Transaction, space: str) -> Committed:
        self.store.open_space(space)
        result = self.store.commit(space, [transaction])[0]
        assert isinstance(result, Committed)
        return result


def beat(state_id: str = "plan", version: int = 0) -> StateEvent:
    """A best-effort event: in no log."""
    return StateEvent(
        type=EventType.AGENT_HEARTBEAT,
        timestamp=NOON,
        space=SPACE,
        state_id=state_id,
        version=version,
        metadata={"load": [1]},
    )


class Ear:
    """A handler that remembers what it heard, fails as often as it is told, and can be held up."""

    def __init__(self, *, fail: int = 0, hold: bool = False) -> None:
        self.heard: list[StateEvent] = []
        self.calls = 0
        self.fail = fail
        self.entered = threading.Event()
        self.let_go = threading.Event()
        if not hold:
            self.let_go.set()

    def handle(self, event: StateEvent) -> None:
        self.calls += 1
        self.entered.set()
        assert self.let_go.wait(10)
        if self.fail > 0:
            self.fail -= 1
            raise ValueError(f"no to {event.id or event.type}")
        self.heard.append(event)

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.heard]

    @property
    def versions(self) -> list[int]:
        return [each.version for each in self.heard]


def plain(event: StateEvent) -> Any:
    return msgspec.to_builtins(event)
