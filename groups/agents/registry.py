"""Which runtime carries out which kind of agent. A new kind is one entry here and one file beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from groups.agents.base import AgentRuntime


def _builtin() -> AgentRuntime:
    from groups.agents.builtin import BuiltinRuntime

    return BuiltinRuntime()


#: Kind -> maker. Made on first use, so a worker loads only the libraries its agents need.
KINDS: Final[dict[str, Callable[[], AgentRuntime]]] = {"builtin": _builtin}


def configure(*, threads: int) -> None:
    """How many threads the agents that compute share in this process."""
    from groups.agents.builtin import thread

    thread.configure(threads)


@cache
def runtime(kind: str) -> AgentRuntime:
    """The one runtime of this process for agents of `kind`. Raises KeyError for an unknown kind."""
    return KINDS[kind]()
