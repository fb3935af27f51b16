"""Who acts in these tests, on which managers, and what they hear."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import pytest

from state.bus import InMemoryEventBus
from state.conflicts import ConflictDetector
from state.errors import StarsError
from state.manager import Base, StateManager, WriteResult, verifying
from state.persistence.base import PersistenceLayer
from state.policy import Caller
from state.values import (
    EventType,
    Json,
    Limits,
    Operation,
    OperationType,
    StateEvent,
    StateManagerConfig,
)
from tests.persistence.backends import Backend

T = TypeVar("T")

SPACE = "Harbour"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def agent(name: str, *principals: str, space: str = SPACE, **more: Any) -> Caller:
    """A member of the space: a worker, unless `principals` say otherwise."""
    known = frozenset(principals or ("role:worker",))
    return Caller(space=space, name=f"agent:{name}", principals=known, **more)


LENA = agent("lena", "role:leader")
WIM = agent("wim")
WES = agent("wes")
CY = Caller(space=SPACE, name="human:cy", member=False)
ADMIN = Caller(space=SPACE, name="human:ada", admin=True)


def put(path: str, value: Json) -> Operation:
    return Operation(OperationType.SET, path, value)


def drop(path: str) -> Operation:
    return Operation(OperationType.DELETE, path)


def patch(path: str, value: Json) -> Operation:
    return Operation(OperationType.MERGE, path, value)


def swap(path: str, value: Json, **expect: Any) -> Operation:
    """A `cas`; `expect`, `expect_absent` or `expect_version` is its condition."""
    return Operation(OperationType.CAS, path, value, **expect)


def at(version: int, **more: Any) -> Base:
    """The version that the writer has seen."""
    return Base(version=version, **more)


def until(what: Callable[[], T], seconds: float = 10) -> T:
    """Ask until it is true; its answer."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)
    return found


def refused(call: Callable[[], object]) -> StarsError:
    """What a call is refused with."""
    with pytest.raises(StarsError) as caught:
        call()
    return caught.value


#: What `collide` begins with.
BASE: Final = {"a": 0, "b": 0, "list": [1], "n": 10}


def collide(manager: StateManager, **given: Any) -> WriteResult:
    """Wim and Wes have both seen version 1; Wim is first."""
    manager.create_state(LENA, "plan", data=BASE, **given)
    manager.update_state(WIM, "plan", {"a": "wim", "b": 1}, base=at(1))
    return manager.update_state(WES, "plan", {"a": "wes", "c": 1}, base=at(1), op_id="late")


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def go(self, **time_: float) -> None:
        """On by a timedelta's arguments."""
        self.now += timedelta(**time_)


class Ear:
    """Hears all events of a bus."""

    def __init__(self, bus: InMemoryEventBus) -> None:
        self.events: list[StateEvent] = []
        bus.subscribe("*", self.events.append)

    def types(self) -> list[EventType]:
        return [each.type for each in self.events]

    def of(self, kind: EventType) -> list[StateEvent]:
        return [each for each in self.events if each.type is kind]

    def wait(self, kind: EventType, count: int = 1) -> list[StateEvent]:
        """The events of that type, once there are so many."""
        until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)


class Office:
    """A store and managers on it, each like a process of its own."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.layer: PersistenceLayer = backend.open()
        self._managers: list[StateManager] = []

    def manager(
        self,
        *,
        bus: InMemoryEventBus | None = None,
        store: PersistenceLayer | None = None,
        clock: Callable[[], datetime] | None = None,
        limits: Limits | None = None,
        detector: ConflictDetector | None = None,
        poke: Callable[[str, int, tuple[str, ...]], None] | None = None,
        drains: bool = True,
        **config: Any,
    ) -> StateManager:
        """Another manager; with `drains` false its journal is applied by `tick` alone. `config` is of the manager."""
        more: dict[str, Any] = {} if clock is None else {"clock": clock}
        found = StateManager(
            StateManagerConfig(**config),
            bus or InMemoryEventBus(),
            store or self.layer,
            limits=limits,
            detector=detector,
            poke=poke,
            **more,
        )
        if not drains:
            found.journal.want = lambda space: None  # type: ignore[method-assign]
        self._managers.append(found)
        return found

    def restarted(self) -> StateManager:
        """All processes ended, and another one began; only where the store keeps what it is given."""
        assert self.backend.keeps, "memory has nothing to reopen"
        self.close()
        self.layer = self.backend.open()
        return self.manager()

    def close(self) -> None:
        """End everything."""
        for each in self._managers:
            each.close()
        self._managers.clear()
        self.layer.close()

    def check(self, space: str = SPACE) -> verifying.Verified:
        """Replaying the log gives exactly what is kept."""
        found = verifying.verify(self.layer, space)
        assert found.faults == ()
        return found
