"""Which runtime carries out which kind of agent. A new kind is one entry here and one file beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

from groups.agents.base import AgentRuntime
from state import structs


def _builtin() -> AgentRuntime:
    from groups.agents.builtin import BuiltinRuntime

    return BuiltinRuntime()


def _connected() -> AgentRuntime:
    from groups.agents.connected import ConnectedRuntime

    return ConnectedRuntime()


def _human() -> AgentRuntime:
    from groups.agents.human import HumanRuntime

    return HumanRuntime()


def _llm() -> AgentRuntime:
    from groups.agents.llm.runtime import LlmRuntime

    return LlmRuntime()


def _a2a() -> AgentRuntime:
    from groups.agents.a2a.runtime import A2ARuntime

    return A2ARuntime()


def _webhook() -> AgentRuntime:
    from groups.agents.webhook import WebhookRuntime

    return WebhookRuntime()


class Words(NamedTuple):
    """How the dashboard names a kind of agent, in English; pages translate it."""

    #: Beside the agent's name.
    short: str
    #: Where one chooses.
    long: str


#: Kind -> maker. Made on first use, so a worker loads only the libraries its agents need.
KINDS: Final[dict[str, Callable[[], AgentRuntime]]] = {
    "a2a": _a2a,
    "builtin": _builtin,
    "connected": _connected,
    "human": _human,
    "llm": _llm,
    "webhook": _webhook,
}
#: Kinds that understand why a plan failed; others are asked for a further one only where a run says so (`replans`).
PLANS_AGAIN: Final = frozenset({"llm"})
WORDS: Final[dict[str, Words]] = {
    "builtin": Words("rule-based", "built-in, rule-based (needs no key)"),
    "connected": Words("dials in", "connected: a program of yours that dials in"),
    "llm": Words("model", "language model: OpenAI, Anthropic, Google, Ollama …"),
    "a2a": Words("A2A", "A2A: an agent elsewhere, by its card"),
    "webhook": Words("webhook", "webhook: a program of yours that takes signed requests"),
    "human": Words("person", "human: a colleague, asked in the inbox"),
}


def words(kind: str) -> Words:
    """How the kind is named; by itself when nobody has found words for it."""
    return WORDS.get(kind, Words(kind, kind))


def configure(*, threads: int) -> None:
    """How many threads the agents that compute share in this process."""
    from groups.agents.builtin import thread

    thread.configure(threads)


@cache
def runtime(kind: str) -> AgentRuntime:
    """The one runtime of this process for agents of `kind`. Raises KeyError for an unknown kind."""
    made = KINDS[kind]()
    structs.learn()
    return made
