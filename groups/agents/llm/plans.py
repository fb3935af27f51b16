"""The leader's plan as a model gives it: its shape, what must hold of it, and how people see it being written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from pydantic_core import from_json

from groups.agents.base import Request
from groups.agents.llm.config import Config
from groups.agents.llm.structured import Faulty, Shape
from groups.errors import PlanInvalid
from groups.execution.plan import Assignable, Plan, PlanItem, plan_from_json, validate
from groups.execution.statuses import SubtaskStatus

#: Caps on what a model may write, so that even the longest plan ends.
_KEY, _TITLE, _INSTRUCTIONS, _NOTE, _DEMAND = 32, 120, 2_000, 600, 200
_DEMANDS: Final = 20
#: Longer lists of assignees are checked but not put into the schema.
_LISTED: Final = 200
#: Roles whose bearers are given no subtasks while there is anybody else.
_NOT_WORKING: Final = frozenset({"leader", "coordinator", "observer"})


def shape(request: Request, config: Config) -> Shape[Plan]:
    """What is asked of the leader for this request."""
    allowed = assignees(request.members)
    return Shape(
        name="plan",
        schema=_schema(allowed, config, least=0 if request.replan else 1),
        explanation=_explanation(config),
        read=partial(_read, request=request, allowed=frozenset(allowed), config=config),
    )


def assignees(members: Sequence[Assignable]) -> list[str]:
    """Whom a plan may name: ids and tags of those who work, of all when nobody else is there."""
    able = [m for m in members if m.role not in _NOT_WORKING] or list(members)
    tags = sorted({t for m in able if m.role in ("worker", "specialist") for t in m.tags})
    return list(dict.fromkeys([*(member.agent_id for member in able), *tags]))


def _schema(allowed: Sequence[str], config: Config, least: int) -> dict[str, Any]:
    key = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]*$", "maxLength": _KEY}
    who: dict[str, Any] = {"type": "string", "maxLength": 64}
    if 0 < len(allowed) <= _LISTED:
        who = {"type": "string", "enum": list(allowed)}
    item = {
        "key": key,
        "title": _text(_TITLE),
        "assignee": who,
        "instructions": _text(_INSTRUCTIONS),
        "depends_on": {"type": "array", "items": key, "maxItems": config.max_subtasks - 1},
    }
    plan: dict[str, Any] = {"note": _text(_NOTE)}
    if config.check_demands:
        plan["demands"] = {"type": "array", "items": _text(_DEMAND), "maxItems": _DEMANDS}
        item["covers"] = {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": _DEMANDS},
            "maxItems": _DEMANDS,
        }
    items = {
        "type": "array",
        "items": _object(item),
        "minItems": least,
        "maxItems": config.max_subtasks,
    }
    return _object({**plan, "subtasks": items})


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _text(longest: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": longest}


def _explanation(config: Config) -> str:
    demands = (
        '"demands" lists everything the task asks for, one short sentence each; "covers" names, by number from 1, the '
        "demands that a subtask answers. Every demand must be covered by a subtask. "
        if config.check_demands
        else ""
    )
    return (
        'Answer with one JSON object. "note" says in a sentence or two why you plan so. '
        f'{demands}"subtasks" has 1 to {config.max_subtasks} items: "key" is a short word that no other subtask has '
        '(not "plan" or "summary"), "title" a few words, "assignee" exactly one of the members\' ids or tags, '
        '"instructions" what is to be done, "depends_on" the keys of the subtasks whose results it needs, often none.'
    )


def _read(value: Any, *, request: Request, allowed: frozenset[str], config: Config) -> Plan:
    """The plan in the model's JSON. Raises Faulty with every fault at once."""
    if not isinstance(value.get("subtasks"), list):
        raise Faulty(['"subtasks" must be a list of objects.'])
    known = set(PlanItem.__struct_fields__) - {"id"}
    items = [
        {name: item[name] for name in item if name in known} if isinstance(item, dict) else item
        for item in value["subtasks"]
    ]
    try:
        plan = plan_from_json({"subtasks": items, "note": value.get("note") or ""})
        validate(plan, request.members, **_before(request))
    except PlanInvalid as error:
        raise Faulty(
            f"{name}: {text}" for name, texts in error.fields.items() for text in texts
        ) from None
    faults = [
        f"subtasks[{index}].assignee: '{item.assignee}' is not one of: {', '.join(sorted(allowed))}."
        for index, item in enumerate(plan.subtasks)
        if item.assignee not in allowed
    ]
    if len(items) > config.max_subtasks:
        faults.append(
            f"subtasks: there are {len(items)}; at most {config.max_subtasks} are allowed."
        )
    if config.check_demands and not request.replan:
        faults += _uncovered(value)
    if faults:
        raise Faulty(faults)
    return plan


def _before(request: Request) -> dict[str, list[str]]:
    """What a further plan finds: the keys that are taken, and those of them that it may wait for."""
    if not request.replan:
        return {}
    return {
        "kept": [f.key for f in request.findings],
        "done": [f.key for f in request.findings if f.status == SubtaskStatus.COMPLETED],
    }


def _uncovered(value: dict[str, Any]) -> Iterator[str]:
    demands = value.get("demands")
    demands = demands if isinstance(demands, list) else []
    covered: set[object] = set()
    for item in value["subtasks"]:
        if isinstance(item.get("covers"), list):
            covered |= {number for number in item["covers"] if isinstance(number, int)}
    for number, demand in enumerate(demands, start=1):
        if number not in covered:
            yield f"demands: number {number} ('{str(demand)[:80]}') is covered by no subtask."


class Teller:
    """Tells a plan in words while its JSON is being written: the note, then each subtask once it is complete."""

    def __init__(self) -> None:
        self._told = 0
        self._length = 0
        self._noted = False

    def __call__(self, raw: str) -> Iterable[str]:
        """The lines that are new, given all of the text by now."""
        begins_anew = len(raw) < self._length
        new, self._length = raw[0 if begins_anew else self._length :], len(raw)
        if begins_anew:
            self._told, self._noted = 0, False
        # Parsing from the start each time is only worth it when something may have ended.
        if "}" not in new and "[" not in new:
            return
        try:
            found = from_json(raw[max(0, raw.find("{")) :], allow_partial=True)
        except ValueError:
            return
        if not isinstance(found, dict) or not isinstance(found.get("subtasks"), list):
            return
        if not self._noted and isinstance(found.get("note"), str):
            self._noted = True
            yield f"{found['note']}\n\n"
        complete = [item for item in found["subtasks"] if isinstance(item, dict) and _is_told(item)]
        for item in complete[self._told :]:
            yield _line(item)
        self._told = max(self._told, len(complete))


def _is_told(item: dict[str, Any]) -> bool:
    """Whether all of its line is there; the fields come in the schema's order."""
    return {"key", "title", "assignee", "depends_on"} <= item.keys()


def _line(item: dict[str, Any]) -> str:
    needs = item["depends_on"] if isinstance(item["depends_on"], list) else []
    after = f" (after {', '.join(map(str, needs))})" if needs else ""
    return f"{item['key']}. {item['title']} → {item['assignee']}{after}\n"
