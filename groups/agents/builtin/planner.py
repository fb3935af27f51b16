"""The leader's plan, made by fixed rules from the task's text and attachments: the same task gives the same plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from groups.agents.base import AgentError, Attachment, Request
from groups.agents.builtin.files import is_text, names, shape
from groups.agents.builtin.jobs import JOBS
from groups.agents.builtin.markdown import listed
from groups.agents.builtin.routing import Router, strip_address
from groups.agents.builtin.scaffold import CONTEXT, TASK
from groups.agents.builtin.steps import Steps, take_apart
from groups.execution.plan import MAX_INSTRUCTIONS, MAX_SUBTASKS, MAX_TITLE, Plan, PlanItem

#: With more files than this, one subtask takes them all.
MAX_FILES: Final = 20
_TITLE: Final = 80


def make_plan(request: Request) -> Plan:
    """The plan for the request's task. Raises AgentError when the group has nobody to give work to."""
    if not request.members:
        raise AgentError("The group has no members to give work to.")
    router = Router(request.members)
    tables = [file for file in request.attachments if shape(file)]
    texts = [file for file in request.attachments if is_text(file)]
    steps = take_apart(request.task)
    explicit = "list items" in steps.rule or "numbered points" in steps.rule
    items: list[PlanItem] = []
    rules: list[str] = []
    if explicit or not (tables or texts):
        items += _from_steps(steps, router, request)
        rules.append(steps.rule)
    if tables:
        busy = {item.assignee for item in items}
        added = [
            item for item in _from_tables(tables, router, request.task) if item.assignee not in busy
        ]
        if added:
            rules.append(f"{listed(names(tables))} read from {len(added)} sides at once")
        items += added
    if texts:
        items += _from_texts(texts, router, request.task)
        rules.append(f"a digest of {listed(names(texts))}")
    if max(len(items), len(steps.steps)) > MAX_SUBTASKS:
        rules.append(f"a plan holds {MAX_SUBTASKS} subtasks, so the rest is left out")
        items = items[:MAX_SUBTASKS]
    plan = _numbered(items)
    return Plan(subtasks=plan, note=f"Rule-based plan: {'; '.join(rules)}.")


def _from_steps(steps: Steps, router: Router, request: Request) -> list[PlanItem]:
    items: list[PlanItem] = []
    for index, step in enumerate(steps.steps[:MAX_SUBTASKS]):
        text = strip_address(step.text)
        instructions = text if not steps.context else f"{text}{CONTEXT}{steps.context}"
        items.append(
            PlanItem(
                key=str(index + 1),
                title=_title(text),
                assignee=router.assign(step.text),
                instructions=instructions[:MAX_INSTRUCTIONS],
                depends_on=(str(index),) if step.waits else (),
            )
        )
    return items


def _from_tables(tables: Sequence[Attachment], router: Router, task: str) -> list[PlanItem]:
    """Every job on every file. None waits for another: each reads the file itself, so all run at once."""
    together = [names(tables)] if len(tables) > MAX_FILES else [[file.name] for file in tables]
    return [
        PlanItem(
            key="1",
            title=_title(job.title.format(file=listed(group, 3))),
            assignee=router.assign_job(job),
            instructions=_with_task(job.instructions.format(file=", ".join(group)), task),
        )
        for group in together
        for job in JOBS
    ]


def _from_texts(texts: Sequence[Attachment], router: Router, task: str) -> list[PlanItem]:
    together = [names(texts)] if len(texts) > MAX_FILES else [[file.name] for file in texts]
    return [
        PlanItem(
            key="1",
            title=_title(f"Digest {listed(group, 3)}"),
            assignee=router.assign(f"digest summarise text document {group[0]}"),
            instructions=_with_task(
                f"Condense {', '.join(group)}: key sentences, keywords, figures and dates.", task
            ),
        )
        for group in together
    ]


def _with_task(instructions: str, task: str) -> str:
    return f"{instructions}{TASK}{task.strip()}"[:MAX_INSTRUCTIONS]


def _title(text: str) -> str:
    """The first line, cut at a word."""
    line = " ".join(text.replace("\0", "").split()).rstrip(" .。;；:：") or "Work on the task"
    if len(line) <= _TITLE:
        return line
    cut = line[: _TITLE - 1]
    if line.isascii() and " " in cut[_TITLE // 2 :]:
        cut = cut[: cut.rindex(" ")]
    return f"{cut.rstrip(' ,')}…"[:MAX_TITLE]


def _numbered(items: Sequence[PlanItem]) -> tuple[PlanItem, ...]:
    """Keys 1, 2, … in order; steps from the text come first, so what they wait for keeps its key."""
    return tuple(
        PlanItem(
            key=str(index + 1),
            title=item.title,
            assignee=item.assignee,
            instructions=item.instructions.replace("\0", ""),
            depends_on=item.depends_on,
        )
        for index, item in enumerate(items)
    )
