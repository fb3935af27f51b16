"""A toolbox outside of any run: what a tool reaches beyond it is written down, or stands in dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groups.agents.base import AgentError, Attachment, Request, StateConflict
from groups.agents.surroundings import StateDocument, States, StateWritten
from groups.agents.tools.base import Fault, Server
from groups.agents.tools.box import Toolbox
from groups.execution.plan import Assignable
from groups.execution.statuses import SubtaskKind


class World:
    """See `agents.tools.base.World`."""

    def __init__(self, allowed: Sequence[str] = ("127.0.0.1",)) -> None:
        self.allowed = allowed
        self.sent: list[tuple[str, str]] = []
        self.servers: dict[str, Server] = {}
        self.settled = 0

    async def settle(self) -> None:
        self.settled += 1

    async def send(self, to: str, text: str) -> bool:
        self.sent.append((to, text))
        return True

    async def server(self, name: str) -> Server:
        if name not in self.servers:
            raise Fault(f"no server {name}")
        return self.servers[name]


class Shelf:
    """States of one document, `plan`; the next write raises `collision` if there is one."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {"a": {"b": [1, 2]}, "long": "x" * 100_000}
        self.collision: StateConflict | None = None
        self.writes: list[tuple[str, list[Any], int | None, str]] = []

    async def read(self, state_id: str, *, version: int | None = None) -> StateDocument:
        if state_id != "plan":
            raise AgentError("There is no such state here.")
        return StateDocument(
            id="plan", type="session", version=3, revision=9, frozen=False, data=self.data
        )

    async def list(self, prefix: str = "") -> tuple[StateDocument, ...]:
        return (await self.read("plan"),)

    async def create(self, state_id: str, data: Any, *, type: str = "resource") -> StateWritten:
        raise StateConflict("A state by that id exists.", {"reason": "exists"})

    async def write(
        self, state_id: str, ops: Any, *, base_version: int | None = None, op_id: str = ""
    ) -> StateWritten:
        self.writes.append((state_id, list(ops), base_version, op_id))
        if self.collision:
            raise self.collision
        return StateWritten(id=state_id, version=4, revision=10, status="applied")


def request(
    *grants: dict[str, Any], files: Sequence[Path] = (), states: States | None = None, **fields: Any
) -> Request:
    """What wim is asked, with these grants and attachments."""
    kinds = {".csv": "text/csv", ".json": "application/json", ".txt": "text/plain"}
    attachments = tuple(
        Attachment(
            id=f"id-{path.name}",
            name=path.name,
            path=path,
            media_type=kinds.get(path.suffix, "application/vnd.apache.parquet"),
            size=path.stat().st_size,
        )
        for path in files
    )
    return Request(
        kind=SubtaskKind.WORK,
        run_id="r1",
        subtask_id="s1",
        group_id="Crew",
        agent_id="wim",
        config={},
        task="Count the ships",
        members=(Assignable(agent_id="lena", role="leader"),),
        grants=grants,
        attachments=attachments,
        states=states,
        **fields,
    )


def box(*grants: Any, world: World | None = None, **given: Any) -> Toolbox:
    """wim's tools; a grant may be given by the tool's name alone."""
    full = [{"tool": grant} if isinstance(grant, str) else grant for grant in grants]
    return Toolbox(request(*full, **given), world or World())


async def use(toolbox: Toolbox, tool: str, /, **arguments: Any) -> tuple[bool, str]:
    """Whether the call went well, and what the agent is told."""
    found = await toolbox.call(tool, arguments, call_id="c1")
    return found.ok, found.text
