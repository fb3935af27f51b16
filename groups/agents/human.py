"""The kind `human`: a colleague as a member. He is asked in the inbox; his answer is the result."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec

from groups.agents import settings
from groups.agents.base import AgentError, AgentEvent, Answered, Outcome, Planned, Request, Waiting
from groups.errors import PlanInvalid
from groups.execution.plan import MAX_TITLE, Assignable, Plan, PlanItem, plan_from_json, validate
from groups.execution.statuses import SubtaskKind, WaitsFor

HOUR: Final = 3600.0
#: Characters of each finding that the question quotes; the run's page has it whole.
QUOTED: Final = 2_000

#: What begins an item of a list.
_MARK: Final = re.compile(r"^\s*(?:[-*•·–]|\d{1,3}[.)])\s+")

Hours = Annotated[float, msgspec.Meta(gt=0, le=8760)]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `config` of a human agent."""

    #: Who answers (a user name); empty: anybody who may operate the group.
    user: Annotated[str, msgspec.Meta(max_length=150)] = ""
    #: Hours after which nobody is waited for and the subtask fails; null: without end.
    deadline: Hours | None = None
    #: Hours between two reminders; null: none.
    remind_every: Hours | None = 24.0


class Memo(msgspec.Struct, frozen=True):
    """Which question waits, and how many answers there were before it."""

    question: str = ""
    answers: int = 0


def validate_config(config: Mapping[str, Any]) -> None:
    """Check the `config` of a human agent. Raises Invalid with the field at fault."""
    settings.read(config, Config)


class HumanRuntime:
    """Carries out requests of `human` agents: asks, and passes the answer on."""

    async def perform(self, request: Request) -> AsyncGenerator[AgentEvent | Outcome, None]:
        """Yield the question, or at the next call the answer's outcome. Raises AgentError."""
        config = settings.read_at_work(request.config, Config)
        question = "\n".join(_question(request))
        memo = msgspec.convert(request.memo, Memo)
        digest = hashlib.sha256(question.encode("utf-8", "replace")).hexdigest()
        if memo.question == digest and len(request.answers) > memo.answers:
            yield _outcome(request, request.answers[-1])
            return
        options = tuple(each.key for each in request.findings)
        is_vote = request.kind == SubtaskKind.VOTE and bool(options)
        yield Waiting(
            question=question,
            waits_for=WaitsFor.APPROVAL if is_vote else WaitsFor.PERSON,
            options=options if is_vote else (),
            patience=None if config.deadline is None else config.deadline * HOUR,
            memo=msgspec.to_builtins(Memo(digest, len(request.answers))),
        )


def plan_of(text: str, members: Sequence[Assignable]) -> Plan:
    """The plan in a person's words: a list, one subtask a line (`- @wim: Count the ships`), or a plan as JSON.

    Who is not named is chosen as the rule-based leader would. Raises PlanInvalid under the field `text`.
    """
    try:
        plan = _from_json(text) if text.lstrip().startswith("{") else _from_list(text, members)
        validate(plan, members)
    except PlanInvalid as error:
        told = [
            f"{name}: {' '.join(texts)}" if name not in ("", "plan", "text") else " ".join(texts)
            for name, texts in error.fields.items()
        ]
        raise PlanInvalid(fields={"text": told or [error.message]}) from None
    return plan


def _from_json(text: str) -> Plan:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanInvalid(fields={"text": [f"This is not JSON: {error}"]}) from None
    if isinstance(value, dict) and isinstance(value.get("subtasks"), list):
        # People need not number what they list.
        for index, item in enumerate(value["subtasks"]):
            if isinstance(item, dict):
                item.setdefault("key", str(index + 1))
    return plan_from_json(value)


def _from_list(text: str, members: Sequence[Assignable]) -> Plan:
    from groups.agents.builtin.routing import Router, strip_address
    from groups.agents.builtin.steps import Step, take_apart

    if not members:
        raise PlanInvalid(fields={"text": ["The group has no members to give work to."]})
    router = Router(members)
    items = []
    for index, found in enumerate(take_apart(text).steps):
        step = Step(_MARK.sub("", found.text), found.waits)  # a list of one still has its mark
        words = strip_address(step.text)
        title = " ".join(words.split())
        title = title[:1].upper() + title[1:]
        items.append(
            PlanItem(
                key=str(index + 1),
                title=title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…",
                assignee=_named(step.text, members) or router.assign(step.text),
                instructions=words,
                depends_on=(str(index),) if step.waits else (),
            )
        )
    return Plan(subtasks=tuple(items))


def _named(step: str, members: Sequence[Assignable]) -> str:
    """Whom a step begins with (`@bo: …`); a name that nobody bears is kept, so that it is refused, not guessed."""
    word = step.strip().partition(" ")[0].rstrip(":,，：")
    if not word.startswith("@") or len(word) == 1:
        return ""
    known = {member.agent_id.lower(): member.agent_id for member in members}
    return known.get(word[1:].lower(), word[1:])


def _task_of_run(task: str) -> str:
    """The task beside its words; a list begins on a line of its own."""
    words = task.strip()
    between = "\n" if "\n" in words else " "
    return f"Task of the run:{between}{words}"


def _question(request: Request) -> Iterator[str]:
    """What is asked, in plain text."""
    match request.kind:
        case SubtaskKind.PLAN:
            yield (
                "Plan this task: one subtask a line, each with who is to do it, "
                "as in '- @name: what to do'. 'then' makes a line wait for the one before."
            )
            yield from ("", f"Task: {request.task}")
            if request.replan:
                yield f"Why another plan is needed: {request.replan}"
            yield ""
            for member in request.members:
                tags = f" #{' #'.join(member.tags)}" if member.tags else ""
                yield f"- @{member.agent_id} ({member.role}){tags} {member.description}".rstrip()
        case SubtaskKind.SUMMARY:
            yield "Write the result of the run from what the members found."
            yield from ("", f"Task: {request.task}")
            if request.wrap_up:
                yield f"Why the run ends now: {request.wrap_up}"
        case SubtaskKind.VOTE:
            yield request.instructions or f"Choose the best answer to: {request.task}"
        case _:
            yield request.instructions or request.title or request.task
            if request.task and request.instructions != request.task:
                yield from ("", _task_of_run(request.task))
    for found in request.findings:
        yield from ("", f"[{found.key}] {found.title} ({found.agent_id}, {found.status})")
        told = found.text or found.error
        yield told if len(told) <= QUOTED else f"{told[:QUOTED]}…"


def _outcome(request: Request, answer: str) -> Outcome:
    if request.kind == SubtaskKind.PLAN:
        try:
            return Planned(plan_of(answer, request.members))
        except PlanInvalid as error:
            faults = "; ".join(" ".join(texts) for texts in error.fields.values())
            raise AgentError(f"The plan is invalid: {faults}") from None
    if request.kind == SubtaskKind.VOTE:
        return Answered(answer, {"choice": answer})
    return Answered(answer)
