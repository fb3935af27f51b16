"""Shared states as tools: what is read is the base of what is written, and a collision is told so that the agent can
decide what to do."""

from __future__ import annotations

from typing import Any, Final

from groups.agents.base import StateConflict
from groups.agents.surroundings import StateWritten, ToolResult
from groups.agents.tools.base import MAX_RESULT, Fault, Use, as_json, brief, cut
from state.errors import Invalid
from state.jsonvalue import MISSING, get

#: Collisions that are told one by one.
_TOLD: Final = 20
#: Characters of one value in a sentence.
_SHORT: Final = 500


async def listed(use: Use) -> ToolResult:
    """The states that the agent may read."""
    states = await use.states.list(use.arguments.get("prefix", ""))
    found = [
        {"id": s.id, "type": s.type, "version": s.version, **({"frozen": True} if s.frozen else {})}
        for s in states
    ]
    more = "Ask with a longer prefix."
    return ToolResult(text=cut(as_json(found), MAX_RESULT, more), summary=f"{len(found)} states")


async def read(use: Use) -> ToolResult:
    """A state, or the part of it at a path."""
    state = await use.states.read(use.arguments["id"], version=use.arguments.get("version"))
    path = use.arguments.get("path", "")
    try:
        part = get(state.data, path)
    except Invalid as error:
        raise Fault(error.message) from None
    if part is MISSING:
        keys = ", ".join(map(repr, list(state.data)[:50])) or "nothing"
        raise Fault(
            f"{state.id!r} (version {state.version}) has nothing at {path!r}. It holds: {keys}."
        )
    told = {"id": state.id, "version": state.version, "frozen": state.frozen, "path": path}
    text = f"{as_json(told)}\n{as_json(part)}"
    more = "Read parts of it by `path`."
    return ToolResult(
        text=cut(text, MAX_RESULT, more), summary=f"{state.id} version {state.version}"
    )


async def create(use: Use) -> ToolResult:
    """A new state."""
    arguments = use.arguments
    try:
        written = await use.states.create(
            arguments["id"], arguments["data"], type=arguments.get("type", "resource")
        )
    except StateConflict as error:
        if error.problem.get("reason") != "exists":
            raise
        raise Fault(
            f"There is a state {arguments['id']!r} already. Read it, and write to it instead."
        ) from None
    return _told(written)


async def write(use: Use) -> ToolResult:
    """Set and delete at paths, all or none."""
    return await _write(use, use.arguments["changes"])


async def merge(use: Use) -> ToolResult:
    """Join an object into what stands at a path."""
    change = {"op": "merge", "path": use.arguments.get("path", ""), "value": use.arguments["value"]}
    return await _write(use, [change])


async def _write(use: Use, ops: list[dict[str, Any]]) -> ToolResult:
    try:
        written = await use.states.write(
            use.arguments["id"], ops, base_version=use.arguments.get("base_version"), op_id=use.key
        )
    except StateConflict as error:
        return ToolResult(text=_collision(error), summary=brief(error.message), ok=False)
    return _told(written)


def _told(written: StateWritten) -> ToolResult:
    words = f"{written.id!r} is at version {written.version} now ({written.status})."
    if written.status == "merged":
        words += " Others had written meanwhile; both changes stand. Read it again before you build on it."
    elif written.status == "unchanged":
        words = f"{written.id!r} said so already (version {written.version})."
    elif written.status not in ("applied", "created"):
        words = f"The write to {written.id!r} is not applied yet: {written.status}."
        words += f" {as_json(written.conflict)[:_SHORT]}" if written.conflict else ""
    return ToolResult(text=words, summary=brief(words))


def _collision(error: StateConflict) -> str:
    """What collided, what stands there now, and what the agent can do."""
    problem = error.problem
    head = problem.get("head_version")
    if head is None:
        return f"Nothing was written. {error.message}"
    lines = [
        f"Nothing was written: {error.message} "
        f"Your base was version {problem.get('base_version')}; it is at version {head} now."
    ]
    causes = problem.get("causes", [])
    for cause in causes[:_TOLD]:
        said = [f"- at {cause.get('path') or 'the whole document'} ({cause.get('kind')})"]
        for key, words in (("base", "it was"), ("theirs", "it is now"), ("mine", "you wanted")):
            if key in cause:
                said.append(f"{words} {as_json(cause[key])[:_SHORT]}")
        if by := cause.get("by"):
            said.append(f"written by {by}")
        lines.append(", ".join(said))
    if len(causes) > _TOLD:
        lines.append(f"- and {len(causes) - _TOLD} more.")
    lines.append(
        f"What to do: decide what is right in view of what others wrote, then write again with "
        f"base_version {head}; leave alone what they have settled already."
    )
    if current := problem.get("current"):
        more = "state.read gives parts of it."
        lines.append(cut(f"The whole state now: {as_json(current)}", MAX_RESULT // 2, more))
    return "\n".join(lines)
