"""The toolbox of one attempt: what was granted is there, everything else is not; each call is checked, approved where
a person must, kept within its bounds, and ends in a result."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from groups.agents.base import AgentError, Request, StateConflict
from groups.agents.surroundings import NeedsPerson, ToolResult, ToolSpec
from groups.agents.tools import grants
from groups.agents.tools.base import (
    MAX_RESULT,
    Fault,
    Grant,
    Tool,
    Use,
    World,
    as_json,
    brief,
    cut,
)
from groups.agents.tools.catalogue import TOOLS
from groups.agents.tools.servers import Servers
from groups.agents.tools.tables import table_names
from state.errors import StarsError
from state.schema import violations

logger = logging.getLogger(__name__)

APPROVE: Final = "approve"
DENY: Final = "deny"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST: Final = 64
#: Characters of all arguments together, as JSON.
MAX_ARGUMENTS: Final = 300_000
#: Characters of the arguments that a person is shown.
_SHOWN: Final = 6000


class Toolbox:
    """See `agents.surroundings.Toolbox`. A context manager: at its end the MCP servers are let go."""

    def __init__(self, request: Request, world: World) -> None:
        """`request` as it is given to the agent, states included."""
        self._request = request
        self._world = world
        self._grants = {grant.tool: grant for grant in grants.parse(request.grants)}
        self._servers = Servers(world)
        #: The names that models are given -> the tools' own.
        self._meant: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._servers.close()

    async def specs(self) -> tuple[ToolSpec, ...]:
        """See `agents.surroundings.Toolbox`. A server of tools that is away has none now, and its tools say so when
        they are called: one server does not hold up an agent that may not need it."""
        found = [self._spec(tool) for tool in self._own()]
        names = {name: grants.server_of(name) for name in self._grants}
        for server in dict.fromkeys(filter(None, names.values())):
            try:
                tools = await self._servers.tools(server, self._limit(server))
            except Fault as fault:
                logger.warning("tools of %s are away: %s", server, fault)
                continue
            found += [tool.spec for tool in tools.values() if self._grant(tool.spec.name)]
        return tuple(self._named(spec) for spec in found)

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, call_id: str, answer: str | None = None
    ) -> ToolResult:
        """See `agents.surroundings.Toolbox`."""
        try:
            result = await self._called(name, arguments, call_id, answer)
        except (NeedsPerson, asyncio.CancelledError):
            raise
        except Fault as fault:
            result = _failed(str(fault))
        except StateConflict as error:
            result = _failed(f"Nothing was done. {error.message}")
        except AgentError as error:
            again = " It may work in a moment." if error.transient else ""
            result = _failed(f"{error.message}{again}")
        except StarsError as error:
            told = "; ".join(f"{field}: {' '.join(each)}" for field, each in error.fields.items())
            result = _failed(f"{error.message} {told}".strip())
        except Exception:
            logger.exception("tool failed", extra={"tool": name})
            result = _failed("The tool failed in a way it should not. Try to do without it.")
        more = "Ask for a smaller part."
        return msgspec.structs.replace(result, text=cut(result.text, MAX_RESULT + 2000, more))

    async def _called(
        self, name: str, arguments: Mapping[str, Any], call_id: str, answer: str | None
    ) -> ToolResult:
        name = await self._resolved(name)
        grant = self._grant(name)
        if grant is None:
            there = ", ".join(self._grants) or "none"
            raise Fault(f"There is no tool {name[:100]!r} for you. You have: {there}.")
        given = dict(arguments)
        shown = self._checked_size(given)
        tool = await self._tool(name, grant)
        if tool is None:
            raise Fault(f"The server has no tool {name[:200]!r} (any more).")
        wrong = violations(tool.spec.parameters, given)
        if wrong:
            places = "\n".join(f"- {place or 'the arguments'}: {words}" for place, words in wrong)
            raise Fault(f"The arguments do not fit; nothing was done.\n{places}")
        if grant.approval:
            if answer is None:
                raise self._approval(name, given, grant)
            if answer.strip().lower() != APPROVE:
                said = "" if answer.strip().lower() == DENY else f" They said: {answer}"
                raise Fault(f"A person did not approve this call; nothing was done.{said}")
        use = Use(
            arguments=given,
            grant=grant,
            request=self._request,
            world=self._world,
            key=_key(self._request.subtask_id, call_id, name, shown),
            answer=answer,
        )
        return await tool.use(use)

    def _own(self) -> list[Tool]:
        """The granted tools that are no server's."""
        return [TOOLS[name] for name in self._grants if name in TOOLS]

    def _named(self, spec: ToolSpec) -> ToolSpec:
        """With a name that every model's provider takes: letters, digits, '_' and '-', 64 at most."""
        safe = _UNSAFE.sub("_", spec.name)
        if len(safe) > _LONGEST or self._meant.get(safe, spec.name) != spec.name:
            digest = hashlib.sha256(spec.name.encode()).hexdigest()[:8]
            safe = f"{safe[: _LONGEST - 9]}_{digest}"
        self._meant[safe] = spec.name
        return msgspec.structs.replace(spec, name=safe)

    async def _resolved(self, name: str) -> str:
        """The tool's own name, whichever it was called by."""
        if self._grant(name) is None and name not in self._meant:
            # Perhaps told in an earlier attempt. The servers are asked only if it is none of the others.
            for tool in self._own():
                self._named(tool.spec)
            if name not in self._meant and any(map(grants.server_of, self._grants)):
                await self.specs()
        return self._meant.get(name, name)

    def _grant(self, name: str) -> Grant | None:
        server = grants.server_of(name)
        whole = self._grants.get(f"{grants.MCP}{server}") if server and "/" in name else None
        found = self._grants.get(name, whole)
        # The name of a server alone is a right, not a tool.
        return None if found is None or (server and "/" not in name) else found

    async def _tool(self, name: str, grant: Grant) -> Tool | None:
        if name in TOOLS:
            return TOOLS[name]
        server = grants.server_of(name)
        return (await self._servers.tools(server, grant.timeout)).get(name)

    def _limit(self, server: str) -> float | None:
        limits = [g.timeout for g in self._grants.values() if grants.server_of(g.tool) == server]
        return max((limit for limit in limits if limit is not None), default=None)

    def _spec(self, tool: Tool) -> ToolSpec:
        """With what this run and this grant make of it."""
        spec, more = tool.spec, ""
        if spec.name == "table.query":
            tables = [f'"{name}"' for name in table_names(self._request.attachments)]
            more = f" Tables: {', '.join(tables) or 'none'}."
        elif spec.name == "web.fetch":
            more = f" Hosts: {', '.join(self._grants[spec.name].hosts)}."
        elif spec.name == "message.send":
            mates = [member.agent_id for member in self._request.members]
            more = f" Members: {', '.join(mates)}." if mates else ""
        return msgspec.structs.replace(spec, description=f"{spec.description}{more}")

    def _approval(self, name: str, arguments: dict[str, Any], grant: Grant) -> NeedsPerson:
        """The question, with exactly what would be done."""
        told = "\n".join(f"{key} = {as_json(value)}" for key, value in arguments.items())
        if len(told) > _SHOWN:
            told = f"{told[:_SHOWN]}\n… ({len(told):,} characters in all)"
        question = f"{self._request.agent_id} wants to use {name}:\n{told}".rstrip()
        return NeedsPerson(question, options=(APPROVE, DENY), patience=grant.patience)

    def _checked_size(self, arguments: dict[str, Any]) -> str:
        try:
            shown = msgspec.json.encode(arguments, order="sorted").decode()
        except (TypeError, ValueError, RecursionError):
            raise Fault("The arguments are no JSON object.") from None
        if len(shown) > MAX_ARGUMENTS:
            raise Fault(f"The arguments have more than {MAX_ARGUMENTS:,} characters. Give less.")
        return shown


def _failed(words: str) -> ToolResult:
    return ToolResult(text=words, summary=brief(words), ok=False)


def _key(subtask_id: str, call_id: str, name: str, arguments: str) -> str:
    """The same for the same call of the same subtask, whichever attempt; models count their calls anew in each."""
    what = "\n".join((subtask_id, call_id, name, arguments)).encode("utf-8", "replace")
    return str(uuid.UUID(bytes=hashlib.sha256(what).digest()[:16], version=4))
