"""The leader's proposal: subtasks, who does them and in what order. Pure; JSON in and out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from groups.errors import PlanInvalid

#: Caps that keep a plan readable and a run bounded.
MAX_SUBTASKS: Final = 500
MAX_TITLE: Final = 200
MAX_INSTRUCTIONS: Final = 20_000
MAX_NOTE: Final = 20_000
KEY_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Assignable(msgspec.Struct, frozen=True, kw_only=True):
    """A member as a planner sees it."""

    agent_id: str
    role: str
    tags: tuple[str, ...] = ()
    name: str = ""
    description: str = ""


class PlanItem(msgspec.Struct, frozen=True, kw_only=True):
    """One proposed subtask. `assignee` is a member's agent id, or a tag that some worker bears."""

    key: str
    title: str
    assignee: str
    instructions: str = ""
    depends_on: tuple[str, ...] = ()
    #: Given when the plan is stored; the subtask's id from the proposal on.
    id: str | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """An ordered list of subtasks; `note` is the leader's word on why it planned so."""

    subtasks: tuple[PlanItem, ...]
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The plan as the API, the event log and the database hold it."""
        return msgspec.to_builtins(self)  # type: ignore[no-any-return]


def plan_from_json(value: object) -> Plan:
    """The plan in `value` (as `Plan.as_json` gives it), checked for shape only.

    Raises PlanInvalid, naming the field, when the shape is wrong.
    """
    try:
        return msgspec.convert(value, Plan)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".") or "plan"
        raise PlanInvalid(fields={field: [message]}) from None


def candidates(members: Iterable[Assignable], assignee: str) -> list[Assignable]:
    """The members that `assignee` means: the one with that agent id, else the workers with that tag."""
    everyone = list(members)
    by_id = [member for member in everyone if member.agent_id == assignee]
    return by_id or [m for m in everyone if m.role == "worker" and assignee in m.tags]


def validate(plan: Plan, members: Sequence[Assignable]) -> None:
    """Check that the plan can be carried out by `members`.

    Raises PlanInvalid with one entry per fault: no subtasks or too many, empty or doubled keys,
    unknown assignees, unknown or circular dependencies.
    """
    faults: dict[str, list[str]] = {}

    def fault(field: str, message: str) -> None:
        faults.setdefault(field, []).append(message)

    if not plan.subtasks:
        fault("subtasks", "A plan needs at least one subtask.")
    if len(plan.subtasks) > MAX_SUBTASKS:
        fault("subtasks", f"A plan may have at most {MAX_SUBTASKS} subtasks.")
    if not _fits(plan.note, MAX_NOTE):
        fault("note", f"The note has at most {MAX_NOTE} characters and no NUL.")
    keys = {item.key for item in plan.subtasks}
    seen: set[str] = set()
    for index, item in enumerate(plan.subtasks):
        where = f"subtasks[{index}]"
        if not KEY_PATTERN.fullmatch(item.key) or item.key in RESERVED_KEYS:
            fault(
                f"{where}.key",
                "A key is 1 to 64 letters, digits, '.', '_' or '-', and not 'plan' or 'summary'.",
            )
        if item.key in seen:
            fault(f"{where}.key", f"The key '{_shown(item.key)}' is used twice.")
        seen.add(item.key)
        if not item.title.strip() or not _fits(item.title, MAX_TITLE):
            fault(f"{where}.title", f"A title has 1 to {MAX_TITLE} characters, no NUL among them.")
        if not _fits(item.instructions, MAX_INSTRUCTIONS):
            fault(
                f"{where}.instructions",
                f"Instructions have at most {MAX_INSTRUCTIONS} characters and no NUL.",
            )
        if not candidates(members, item.assignee):
            fault(
                f"{where}.assignee",
                f"'{_shown(item.assignee)}' is neither a member of this group nor a tag of a worker.",
            )
        for name in item.depends_on:
            if name not in keys:
                fault(f"{where}.depends_on", f"There is no subtask with the key '{_shown(name)}'.")
    if not faults:
        circle = find_cycle(plan)
        if circle:
            fault(
                "subtasks",
                "These subtasks wait for each other: " + " -> ".join(circle) + ".",
            )
    if faults:
        raise PlanInvalid(fields=faults)


def _fits(text: str, longest: int) -> bool:
    """Whether the text is short enough, and every database can hold it (no NUL, no half of a surrogate pair)."""
    return len(text) <= longest and "\x00" not in text and _shown(text) == text


def _shown(text: str) -> str:
    """The text as a message may quote it."""
    return text.encode("utf-8", "replace").decode()


#: The plan and the summary are subtasks too, under these keys.
RESERVED_KEYS: Final = frozenset({"plan", "summary"})


def find_cycle(plan: Plan) -> list[str]:
    """The keys of one circular dependency, first key repeated at the end; empty when there is none.

    Depth-first search with three colours (Cormen et al., Introduction to Algorithms, 20.3), iterative.
    """
    needs = {item.key: item.depends_on for item in plan.subtasks}
    done: set[str] = set()
    for root in needs:
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, bool]] = [(root, False)]
        while stack:
            key, leaving = stack.pop()
            if leaving:
                path.pop()
                on_path.discard(key)
                done.add(key)
            elif key in on_path:
                return [*path[path.index(key) :], key]
            elif key not in done:
                path.append(key)
                on_path.add(key)
                stack.append((key, True))
                stack.extend((need, False) for need in needs[key])
    return []
