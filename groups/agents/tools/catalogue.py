"""The built-in tools by name: what an agent is told of each, and what carries it out."""

from __future__ import annotations

from typing import Any, Final

from groups.agents.surroundings import ToolSpec
from groups.agents.tools import fetching, sharing, tables, talking, windows
from groups.agents.tools.base import Tool

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 20_000}
_STATE: Final = {
    "type": "string",
    "minLength": 1,
    "maxLength": 300,
    "description": "The state's id; 'run' is the state of the run at work.",
}
_PATH: Final = {
    "type": "string",
    "maxLength": 2000,
    "description": "A JSON Pointer such as /steps/2/owner; empty: the whole document.",
}
_BASE: Final = {
    "type": "integer",
    "minimum": 0,
    "description": "The version your change builds on; without it, the one you read last.",
}
_OFFSET: Final = {"type": "integer", "minimum": 0}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _tool(name: str, use: Any, description: str, parameters: dict[str, Any]) -> Tool:
    return Tool(spec=ToolSpec(name=name, description=description, parameters=parameters), use=use)


_CHANGE: Final = {
    "type": "object",
    "properties": {"op": {"enum": ["set", "delete"]}, "path": _PATH, "value": {}},
    "required": ["op", "path"],
    "additionalProperties": False,
}

#: In the order in which people are shown them.
TOOLS: Final[dict[str, Tool]] = {
    tool.spec.name: tool
    for tool in (
        _tool(
            "state.list",
            sharing.listed,
            "List the group's shared states that you may read, by id, with their versions.",
            _object(prefix={"type": "string", "maxLength": 300}),
        ),
        _tool(
            "state.read",
            sharing.read,
            "Read a shared state of the group, or the part of it at a path. Read before you write: "
            "what you read is the base that your write is checked against.",
            _object(("id",), id=_STATE, path=_PATH, version={"type": "integer", "minimum": 1}),
        ),
        _tool(
            "state.create",
            sharing.create,
            "Make a new shared state. You own it; others see it as its rights say.",
            _object(
                ("id", "data"),
                id=_STATE,
                data={"type": "object"},
                type={"enum": ["agent", "task", "session", "workflow", "resource"]},
            ),
        ),
        _tool(
            "state.write",
            sharing.write,
            "Change a shared state: set or delete values at paths, all or none. Nothing is overwritten "
            "that others wrote since your base; then you are told what collided.",
            _object(
                ("id", "changes"),
                id=_STATE,
                changes={"type": "array", "items": _CHANGE, "minItems": 1, "maxItems": 100},
                base_version=_BASE,
            ),
        ),
        _tool(
            "state.merge",
            sharing.merge,
            "Join an object into a shared state at a path: its keys are set, those it does not name "
            "stay as they are.",
            _object(
                ("id", "value"), id=_STATE, path=_PATH, value={"type": "object"}, base_version=_BASE
            ),
        ),
        _tool(
            "message.send",
            talking.send,
            "Send a message to a member of your group by its id, or to all of them (without `to`). "
            "The same text goes to the same member once only.",
            _object(("text",), to={"type": "string", "maxLength": 64}, text=_TEXT),
        ),
        _tool(
            "person.ask",
            talking.ask,
            "Ask a person, and go on with the answer. Give `options` when only certain answers make "
            "sense. Ask rarely: it takes time.",
            _object(
                ("question",),
                question=_TEXT,
                options={
                    "type": "array",
                    "items": {"type": "string", "minLength": 1, "maxLength": 200},
                    "maxItems": 10,
                },
            ),
        ),
        _tool(
            "attachment.list",
            windows.listed,
            "List the files attached to the run.",
            _object(),
        ),
        _tool(
            "attachment.read",
            windows.read,
            "Read the text of an attached file in windows: from byte `offset`, `length` bytes. The "
            "answer says where to go on.",
            _object(
                ("name",),
                name={"type": "string", "maxLength": 300},
                offset=_OFFSET,
                length={"type": "integer", "minimum": 1, "maximum": windows.MAX_WINDOW},
            ),
        ),
        _tool(
            "table.query",
            tables.query,
            "Answer one SELECT (DuckDB's SQL) over the attached tables. At most "
            f"{tables.ROWS} rows come back, so aggregate. Columns are called as in the file; put names "
            'into double quotes. DESCRIBE "table" shows them.',
            _object(("sql",), sql=_TEXT),
        ),
        _tool(
            "web.fetch",
            fetching.fetch,
            "Fetch a page by GET and read its text, in windows by `offset`.",
            _object(("url",), url={"type": "string", "maxLength": 2000}, offset=_OFFSET),
        ),
        _tool(
            "calculator",
            talking.calculate,
            "Calculate exactly: + - * / // % **, brackets, abs round floor ceil min max sum mean sqrt "
            "ln log10 exp, pi, e. '≈' marks what had to be rounded.",
            _object(
                ("expression",),
                expression={"type": "string", "minLength": 1, "maxLength": 2000},
            ),
        ),
    )
}
#: Tools that may be given seconds for each call.
TIMED: Final = frozenset({"table.query", "web.fetch"})
