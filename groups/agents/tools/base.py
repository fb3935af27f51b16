"""What a tool is, and what it is given when it is used."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from groups.agents.base import Attachment, Request
from groups.agents.surroundings import States, ToolResult, ToolSpec

#: Characters of a result that an agent is given at most; a tool that has more says how to get it.
MAX_RESULT: Final = 30_000
#: Of a summary for people.
MAX_SUMMARY: Final = 300


class Grant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The right to use one tool; `tool` is a name of the catalogue, `mcp:<server>` or `mcp:<server>/<tool>`."""

    tool: str
    #: A person approves each call.
    approval: bool = False
    #: Seconds that a person is waited for; None: without end.
    patience: float | None = None
    #: For web.fetch: hosts that may be asked ("example.org", "*.example.org", "example.org:8443").
    hosts: tuple[str, ...] = ()
    #: Seconds that one call may take, for tools that compute or ask elsewhere; None: the tool's own.
    timeout: float | None = None


class Fault(Exception):
    """The tool did not do it; the words tell the agent why, and what it can do."""


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """An MCP server: streamable HTTP at `url`, or else a process started by `command`."""

    name: str
    url: str = ""
    command: tuple[str, ...] = ()
    #: Headers (HTTP) or environment (process). Never shown.
    secrets: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Server({self.name!r})"


class World(Protocol):
    """What tools reach beyond the run, in the agent's name and within its group."""

    #: Hosts and networks that may be asked although they are not public.
    allowed: Sequence[str]

    async def settle(self) -> None:
        """Return once the attempt's lease stands, so that what is done now is not a zombie's. Raises AgentError."""
        ...

    async def send(self, to: str, text: str) -> bool:
        """A message to a member of the group, or to all ("").

        False: it was sent by this subtask before. Raises Fault.
        """
        ...

    async def server(self, name: str) -> Server:
        """The MCP server by that name. Raises Fault when there is none, or it may not be used here."""
        ...


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a tool."""

    arguments: dict[str, Any]
    grant: Grant
    request: Request
    world: World
    #: The same for a repetition of this call, and for no other.
    key: str
    #: A person's answer to the question that this call raised before.
    answer: str | None = None

    @property
    def states(self) -> States:
        """The group's states. Raises Fault where the agent is tried outside of a run."""
        if self.request.states is None:
            raise Fault("There are no shared states here.")
        return self.request.states

    def attachment(self, wanted: str) -> Attachment:
        """The run's attachment by name or id. Raises Fault naming those that there are."""
        files = self.request.attachments
        found = [file for file in files if wanted in (file.name, file.id)]
        if not found:
            names = ", ".join(repr(file.name) for file in files) or "none at all"
            raise Fault(f"There is no attachment {wanted!r}. This run has {names}.")
        return found[0]


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool with what carries it out. `use` may raise Fault, AgentError, StateConflict, NeedsPerson."""

    spec: ToolSpec
    use: Callable[[Use], Awaitable[ToolResult]]


def as_json(value: object) -> str:
    """JSON as models read it well: one line, no escapes but the needed."""
    return json.dumps(value, ensure_ascii=False, default=str)


def cut(text: str, longest: int, more: str = "") -> str:
    """The text, or its beginning with a note of what is missing and how to get `more`."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}\n[Cut: {longest:,} of {len(text):,} characters. {more}]".rstrip()


def brief(text: str) -> str:
    """One line for people."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_SUMMARY else f"{line[: MAX_SUMMARY - 1]}…"
