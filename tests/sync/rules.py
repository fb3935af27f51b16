"""What the tests of the socket's rules have in common: writers beside the socket, short times, the end of a socket."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import pytest
from asgiref.sync import sync_to_async

from state.manager import StateManager
from state.policy import Caller
from state.sync import pool
from tests.sync.speaker import Speaker

LENA = Caller(space="lab", name="agent:lena", admin=True)


def in_other_thread(call: Any) -> Any:
    """The blocking call, awaited beside what the socket does."""
    return sync_to_async(call, thread_sensitive=False)


async def write(manager: StateManager, state_id: str, **values: Any) -> int:
    """Set top-level fields in lena's name; the revision."""
    result = await in_other_thread(manager.update_state)(LENA, state_id, values)
    return int(result.revision)


async def create(manager: StateManager, state_id: str, data: Any = None, **more: Any) -> int:
    """Make a state in lena's name; the revision."""
    result = await in_other_thread(manager.create_state)(LENA, state_id, data=data or {}, **more)
    return int(result.revision)


def shorten(monkeypatch: pytest.MonkeyPatch, **times: float) -> None:
    """Pools made from now on look at their sockets every few milliseconds, and have these times (`pool.Pool`)."""
    monkeypatch.setattr(pool, "Pool", partial(pool.Pool, **times))  # type: ignore[arg-type]
    monkeypatch.setattr(pool, "TICK", 0.02)


class End(NamedTuple):
    """How the server ended a socket."""

    bye: dict[str, Any]
    code: int
    #: What came before, heartbeats left out.
    before: list[dict[str, Any]]


async def end_of(speaker: Speaker, timeout: float = 5) -> End:
    """Wait for the server's bye and close."""
    before = []
    while (frame := await speaker.hear(timeout=timeout))["t"] != "bye":
        before.append(frame)
    return End(frame, await speaker.ended(), before)


async def error_of(speaker: Speaker) -> tuple[int, str]:
    """The next frame is a refusal: its code and reason."""
    frame = await speaker.hear("error")
    assert frame["message"] and "Traceback" not in frame["message"]
    return frame["code"], frame["reason"]
