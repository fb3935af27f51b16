"""What the engine gives an agent to work with, in the agent's own name and rights: shared states, tools, a purse.

Protocols and their values; the engine has what fulfils them (`groups.engine`), tests have others.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

import msgspec


class StateDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A shared state as an agent reads it; `data` is its own copy ({} in lists)."""

    id: str
    type: str
    version: int
    revision: int
    frozen: bool
    data: dict[str, Any]


class StateWritten(msgspec.Struct, frozen=True, kw_only=True):
    """How a write ended: applied, merged (with what others wrote meanwhile), unchanged, queued or parked."""

    id: str
    version: int
    revision: int
    status: str
    #: What collided and how it was settled, or who is asked.
    conflict: dict[str, Any] | None = None


class States(Protocol):
    """The shared states of the agent's group, in its own name and rights. "run" is the state of the run at work.

    Raises AgentError (transient when the store is away), StateConflict.
    """

    async def read(self, state_id: str, *, version: int | None = None) -> StateDocument:
        """The state as it stands, or as of an older version."""
        ...

    async def list(self, prefix: str = "") -> tuple[StateDocument, ...]:
        """The states that the agent may read, without data."""
        ...

    async def create(
        self, state_id: str, data: Mapping[str, Any], *, type: str = "resource"
    ) -> StateWritten:
        """A new state, owned by the agent."""
        ...

    async def write(
        self,
        state_id: str,
        ops: Sequence[Mapping[str, Any]],
        *,
        base_version: int | None = None,
        op_id: str = "",
    ) -> StateWritten:
        """Operations ({"op": "set", "path": "/a", "value": 1} …), all or none.

        The base is the version that was read last unless another is named; `op_id` makes a repetition harmless.
        """
        ...


class ToolSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that the agent was granted; `parameters` is a JSON Schema of an object."""

    name: str
    description: str
    parameters: dict[str, Any]


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool came to: `text` for the agent, `summary` for people. `ok` false: `text` says what to do otherwise."""

    text: str
    summary: str = ""
    ok: bool = True


class NeedsPerson(Exception):
    """A tool cannot go on before a person has answered: end the attempt with `Waiting`, then call it again with the
    answer."""

    def __init__(
        self, question: str, *, options: tuple[str, ...] = (), patience: float | None = None
    ) -> None:
        """`options` are what may be answered (empty: anything), `patience` in seconds (None: without end)."""
        super().__init__(question)
        self.question = question
        self.options = options
        self.patience = patience


class Toolbox(Protocol):
    """The tools that the agent was granted, used in its name and rights, within its group."""

    async def specs(self) -> tuple[ToolSpec, ...]:
        """All of them. Raises AgentError (transient) when a server of tools is away."""
        ...

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, call_id: str, answer: str | None = None
    ) -> ToolResult:
        """Use one. What goes wrong within it, a wrong name or arguments included, is told in the result.

        `answer` is a person's to the NeedsPerson that the same call raised before; `call_id` makes repetition harmless.
        """
        ...


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What may still be used; None is no cap. `last` says that this is to be the last call: wrap up."""

    tokens: int | None = None
    cost_usd: float | None = None
    last: bool = False


class Purse(Protocol):
    """The brakes on money: caps of the run, the agent, the group and the site, as far as they go by now."""

    async def ask(self) -> Allowance:
        """Before each call of a model. Raises BudgetExhausted when nothing is left."""
        ...


class Line(Protocol):
    """The way to the agent's own process, which has dialled in (kind `connected`)."""

    def call(
        self,
        request: Mapping[str, Any],
        *,
        patience: float,
        grace: float,
        heard: tuple[str, int] = ("", 0),
    ) -> AsyncGenerator[tuple[str, Mapping[str, Any]], None]:
        """What the process says of `request`, as (id of the call, frame), in order; close it to take the call back.

        It may end after a question, whose call is kept: `heard` then says which it was and how far it was heard.
        Raises AgentError (transient) when nobody is connected for `patience` seconds, or whoever has the call is gone
        for `grace` seconds.
        """
        ...


class Outside(Protocol):
    """The world around this installation, for agents that are elsewhere."""

    @property
    def allowed(self) -> Sequence[str]:
        """Hosts and networks that may be reached although they are not public."""
        ...

    async def callback(self, patience: float) -> str | None:
        """A new one-time address at which this attempt can be answered for `patience` seconds; it ends older ones.

        None where nobody would wait for it."""
        ...


class Secrets(dict[str, str]):
    """Keys and passwords of an agent. Never shown, whoever prints or logs it."""

    def __repr__(self) -> str:
        return f"<{len(self)} secrets>"

    __str__ = __repr__
