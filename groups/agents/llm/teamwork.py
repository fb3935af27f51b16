"""What a model may do with its subtask beside carrying it out: hand it over, or put further items up for others."""

from __future__ import annotations

from typing import Any, Final

from pydantic_ai import ToolDefinition

from groups.agents.base import HandedOver, Request
from groups.agents.llm.config import Config
from groups.agents.surroundings import ToolResult
from groups.execution.plan import candidates
from groups.execution.statuses import SubtaskKind

HAND_OVER: Final = "hand_over"
PUT_UP: Final = "put_up"
#: Items that one answer may put up.
_MOST: Final = 50


def _tool(name: str, description: str, *fields: str) -> ToolDefinition:
    properties = {field: {"type": "string"} for field in fields}
    schema = {"type": "object", "properties": properties, "required": list(fields)}
    return ToolDefinition(name=name, description=description, parameters_json_schema=schema)


_TOOLS: Final = (
    _tool(
        HAND_OVER,
        "Give your subtask to another member (an id or a tag) who is better at it; text is what they need to know. "
        "It ends your part.",
        "to",
        "text",
    ),
    _tool(PUT_UP, "Put a further item of work on the group's board.", "title", "instructions"),
)


class Teamwork:
    """The two tools of one piece of work, where the agent's settings allow them."""

    def __init__(self, request: Request, config: Config) -> None:
        self._request = request
        self.tools: tuple[ToolDefinition, ...] = ()
        if config.teamwork and request.kind == SubtaskKind.WORK and not request.wrap_up:
            self.tools = _TOOLS
        #: What was put up, as the mode swarm reads it.
        self.board: list[dict[str, Any]] = list(request.memo.get("board", []))
        #: To whom it goes, once that is said.
        self.handed: HandedOver | None = None

    def use(self, name: str, arguments: dict[str, Any] | None) -> ToolResult | None:
        """What the tool came to; None when it is none of these. Whom it names is asked of the group."""
        if arguments is None or name not in {tool.name for tool in self.tools}:
            return None
        given = {key: value.strip() for key, value in arguments.items() if isinstance(value, str)}
        if name == HAND_OVER:
            others = [m for m in self._request.members if m.agent_id != self._request.agent_id]
            to = given.get("to", "").lstrip("@#")
            if not to or not candidates(others, to):
                ids = ", ".join(member.agent_id for member in others)
                return ToolResult(
                    text=f"There is no such other member. There are: {ids}.", ok=False
                )
            self.handed = HandedOver(to=to, text=given.get("text", ""))
            return ToolResult(text=f"It goes to {to}.")
        title = given.get("title", "")
        if not title or len(self.board) >= _MOST:
            return ToolResult(text=f"An item needs a title; at most {_MOST} are taken.", ok=False)
        self.board.append({"title": title, "instructions": given.get("instructions") or title})
        return ToolResult(text="It is on the board.")
