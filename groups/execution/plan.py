"""The leader's proposal: subtasks, who does them and in what order. Pure; JSON in and out."""

from __future__ import annotations

import heapq
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import msgspec

from groups.errors import PlanInvalid

#: Caps that keep a plan readable and a run bounded.
MAX_SUBTASKS: Final = 500
MAX_TITLE: Final = 200
MAX_INSTRUCTIONS: Final = 20_000
MAX_NOTE: Final = 20_000
KEY_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
#: Further plans, and what a swarm puts on its board, are subtasks too, under keys like these.
RESERVED_PATTERN: Final = re.compile(r"(?:replan-\d+|board-\d+-\d+)")
#: An assignee that means whoever does open work: the workers, in a group without any the leader.
ANYONE: Final = "*"


class Assignable(msgspec.Struct, frozen=True, kw_only=True):
    """A member as a planner sees it."""

    agent_id: str
    role: str
    tags: tuple[str, ...] = ()
    name: str = ""
    description: str = ""
    #: Whether it makes sense to ask it for a further plan without being told to.
    plans_again: bool = False


class PlanItem(msgspec.Struct, frozen=True, kw_only=True):
    """One proposed subtask. `assignee` is a member's agent id, a tag that a worker or specialist bears, or ANYONE."""

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
    """The members that `assignee` means: the one with that agent id, else the workers and specialists with that tag.

    ANYONE means those for open work. An observer is never meant: it is given no work.
    """
    able = [member for member in members if member.role != "observer"]
    if assignee == ANYONE:
        return generalists(able)
    by_id = [member for member in able if member.agent_id == assignee]
    return by_id or [m for m in able if m.role in ("worker", "specialist") and assignee in m.tags]


def generalists(members: Iterable[Assignable]) -> list[Assignable]:
    """Who takes work that is addressed to nobody: the workers, in a group without any the leader and coordinator.

    A specialist never does; it takes what is addressed to it or to its tags.
    """
    found = list(members)
    workers = [m for m in found if m.role == "worker"]
    return workers or [m for m in found if m.role in ("leader", "coordinator")]


def validate(
    plan: Plan,
    members: Sequence[Assignable],
    *,
    kept: Collection[str] = (),
    done: Collection[str] = (),
) -> None:
    """Check that the plan can be carried out by `members`.

    For a further plan, `kept` are the keys of what was planned before: items with these keys stay as they are and are
    passed over here; `done` are those of them that are completed, which new items may wait for. It may add nothing.

    Raises PlanInvalid with one entry per fault: no subtasks or too many, empty or doubled keys,
    unknown assignees, unknown or circular dependencies.
    """
    faults: dict[str, list[str]] = {}

    def fault(field: str, message: str) -> None:
        faults.setdefault(field, []).append(message)

    keys = {item.key for item in plan.subtasks}
    if not plan.subtasks and not kept:
        fault("subtasks", "A plan needs at least one subtask.")
    if max(len(plan.subtasks), len(keys.union(kept))) > MAX_SUBTASKS:
        fault("subtasks", f"A plan may have at most {MAX_SUBTASKS} subtasks.")
    if not _fits(plan.note, MAX_NOTE):
        fault("note", f"The note has at most {MAX_NOTE} characters and no NUL.")
    waitable = keys.difference(kept).union(done)
    roles = {member.agent_id: member.role for member in members}
    seen: set[str] = set()
    for index, item in enumerate(plan.subtasks):
        where = f"subtasks[{index}]"
        if item.key in seen:
            fault(f"{where}.key", f"The key '{_shown(item.key)}' is used twice.")
        seen.add(item.key)
        if item.key in kept:
            continue
        if not is_key(item.key):
            fault(
                f"{where}.key",
                "A key is 1 to 64 letters, digits, '.', '_' or '-', and not 'plan' or 'summary'.",
            )
        if not item.title.strip() or not _fits(item.title, MAX_TITLE):
            fault(f"{where}.title", f"A title has 1 to {MAX_TITLE} characters, no NUL among them.")
        if not _fits(item.instructions, MAX_INSTRUCTIONS):
            fault(
                f"{where}.instructions",
                f"Instructions have at most {MAX_INSTRUCTIONS} characters and no NUL.",
            )
        if roles.get(item.assignee) == "observer":
            fault(
                f"{where}.assignee",
                f"'{_shown(item.assignee)}' is an observer; it reads along and is given no work.",
            )
        elif not candidates(members, item.assignee):
            fault(
                f"{where}.assignee",
                f"'{_shown(item.assignee)}' is neither a member of this group nor a tag of a worker.",
            )
        for name in item.depends_on:
            if name in kept and name not in waitable:
                told = f"'{_shown(name)}' was not completed, so nothing can wait for it."
                fault(f"{where}.depends_on", told)
            elif name not in waitable:
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


def is_key(text: str) -> bool:
    """Whether an item of a plan may bear this key."""
    reserved = text in RESERVED_KEYS or RESERVED_PATTERN.fullmatch(text)
    return not reserved and KEY_PATTERN.fullmatch(text) is not None


def find_cycle(plan: Plan) -> list[str]:
    """The keys of one circular dependency, first key repeated at the end; empty when there is none.

    Depth-first search with three colours (Cormen et al., Introduction to Algorithms, 20.3), iterative.
    """
    keys = {item.key for item in plan.subtasks}
    needs = {item.key: [n for n in item.depends_on if n in keys] for item in plan.subtasks}
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


def in_order(plan: Plan) -> list[PlanItem]:
    """The items one after the other: as planned, but none before what it waits for (Kahn's algorithm, by position).

    The plan must have no circle.
    """
    place = {item.key: n for n, item in enumerate(plan.subtasks)}
    waits = {item.key: {key for key in item.depends_on if key in place} for item in plan.subtasks}
    wanted: dict[str, list[str]] = {key: [] for key in place}
    for key, needs in waits.items():
        for need in needs:
            wanted[need].append(key)
    free = [place[key] for key, needs in waits.items() if not needs]
    heapq.heapify(free)
    row: list[PlanItem] = []
    while free:
        item = plan.subtasks[heapq.heappop(free)]
        row.append(item)
        for key in wanted[item.key]:
            waits[key].discard(item.key)
            if not waits[key]:
                heapq.heappush(free, place[key])
    return row
