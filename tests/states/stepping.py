"""Sessions that stop at named points between reading a state and answering a write, until they are told to go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar, cast

from django.db import connections

from state.manager import StateManager
from state.persistence.base import PersistenceLayer
from state.values import Result, SharedState, Transaction
from tests.states.build import Office

T = TypeVar("T")

#: after_read: the states are read and not judged yet. before_commit, after_commit: around the store's commit.
#: before_answer: it stands and is published; its writer does not know yet.
Point = Literal["after_read", "before_commit", "after_commit", "before_answer"]

#: Seconds that anybody waits for anybody.
PATIENCE = 10


class Stop:
    """One place where one session stops once."""

    def __init__(self, point: Point) -> None:
        self.point = point
        self._reached, self._go = threading.Event(), threading.Event()

    def reach(self) -> None:
        """The session is here, and waits."""
        self._reached.set()
        assert self._go.wait(PATIENCE), f"nobody told the session at {self.point} to go on"

    def wait(self) -> None:
        """Until the session is here."""
        assert self._reached.wait(PATIENCE), f"the session never came to {self.point}"

    def go(self) -> None:
        """Let it go on."""
        self._go.set()


class Call:
    """A call in a thread of its own."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._end: tuple[Any, BaseException | None] | None = None
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()

    def _run(self, call: Callable[[], Any]) -> None:
        try:
            self._end = (call(), None)
        except BaseException as error:
            self._end = (None, error)
        finally:
            connections.close_all()

    @property
    def waits(self) -> bool:
        """It has not come to its end."""
        return self._thread.is_alive()

    def result(self) -> Any:
        """What it returned; raises what it raised."""
        self._thread.join(PATIENCE)
        assert self._end is not None, "the call hangs"
        value, error = self._end
        if error is not None:
            raise error
        return value


class Stepped:
    """A layer whose reads and commits come by the points of a session."""

    def __init__(self, layer: PersistenceLayer, pass_: Callable[[Point], None]) -> None:
        self._layer, self._pass = layer, pass_
        self.holds = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)

    def load_states(self, space: str, ids: Iterable[str]) -> dict[str, SharedState]:
        found = self._layer.load_states(space, ids)
        self._pass("after_read")
        return found

    def commit(self, space: str, batch: Sequence[Transaction]) -> list[Result]:
        self._pass("before_commit")
        results = self._layer.commit(space, batch)
        self._pass("after_commit")
        return results

    @contextmanager
    def hold(self, space: str, ids: Iterable[str]) -> Iterator[None]:
        self.holds += 1
        with self._layer.hold(space, ids):
            yield


class Session:
    """A manager like a process of its own, that can be stopped and broken."""

    def __init__(self, office: Office, **config: Any) -> None:
        self._stops: list[Stop] = []
        self._breaks: list[tuple[Point, Exception]] = []
        self.store = Stepped(office.layer, self._at)
        self.manager: StateManager = office.manager(
            store=cast(PersistenceLayer, self.store),
            poke=lambda *_: self._at("before_answer"),
            **{"drains": False, **config},
        )

    def stop(self, point: Point) -> Stop:
        """The next time that it comes there, it stops."""
        self._stops.append(Stop(point))
        return self._stops[-1]

    def fail(self, point: Point, error: Exception) -> None:
        """The next time that it comes there, this is raised."""
        self._breaks.append((point, error))

    def start(self, call: Callable[[StateManager], object]) -> Call:
        """Have its manager do something in another thread."""
        return Call(lambda: call(self.manager))

    def _at(self, point: Point) -> None:
        for stop in self._stops:
            if stop.point == point:
                self._stops.remove(stop)
                stop.reach()
                break
        for found in self._breaks:
            if found[0] == point:
                self._breaks.remove(found)
                raise found[1]


Pair = tuple[Session, Session]


@contextmanager
def stopped(
    session: Session, point: Point, call: Callable[[StateManager], object]
) -> Iterator[Call]:
    """The session stands at the point within its call while the block runs, and goes on after it."""
    stop = session.stop(point)
    started = session.start(call)
    stop.wait()
    try:
        yield started
    finally:
        stop.go()
