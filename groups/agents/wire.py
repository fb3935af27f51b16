"""What agents elsewhere are asked, as JSON, and reading what they answer. The shapes are in docs/agents.md."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from groups.agents.base import AgentError, Answered, HandedOver, Outcome, Planned, Request, Waiting
from groups.agents.scrubbing import scrub
from groups.errors import PlanInvalid
from groups.execution import plan as plans
from groups.execution.plan import Assignable, Plan, plan_from_json
from groups.execution.statuses import SubtaskKind, WaitsFor
from state.errors import Invalid

#: Characters of a text, as many as the engine takes of any agent.
MAX_TEXT: Final = 4_000_000

#: JSON Schema (2020-12) of a plan, as it is sent to those that are to make one.
PLAN_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["subtasks"],
    "properties": {
        "note": {"type": "string", "description": "Why you planned so."},
        "subtasks": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["key", "title", "assignee"],
                "properties": {
                    "key": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"},
                    "title": {"type": "string", "maxLength": plans.MAX_TITLE},
                    "assignee": {
                        "type": "string",
                        "description": "A member's agent_id, or a tag that some worker bears.",
                    },
                    "instructions": {"type": "string"},
                    "depends_on": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "Keys of subtasks that must be completed first.",
                    },
                },
            },
        },
    },
}

Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent says it used; without `cost_usd` the price is unknown."""

    input_tokens: Count = 0
    output_tokens: Count = 0
    requests: Count = 1
    cost_usd: Annotated[float, msgspec.Meta(ge=0)] | None = None
    model: Annotated[str, msgspec.Meta(max_length=100)] = ""


class HandOver(msgspec.Struct, frozen=True, kw_only=True):
    """Another member (agent id or tag) is to go on."""

    to: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    text: Text = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent elsewhere ends a request: with a text, a plan, a question, a hand-over or an error."""

    text: Text | None = None
    plan: dict[str, Any] | None = None
    question: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)] | None = None
    hand_over: HandOver | None = None
    error: Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)] | None = None
    #: With a text: what a mode of running asks for beside it, such as {"choice": key} of a vote.
    data: dict[str, Any] = {}
    #: With a question: what may be answered, how long a person is waited for (seconds), what is to come back.
    options: Annotated[tuple[str, ...], msgspec.Meta(max_length=50)] = ()
    patience: Annotated[float, msgspec.Meta(gt=0, le=10_000_000)] | None = None
    memo: dict[str, Any] = {}
    #: With an error: another try may succeed, not before `retry_after` seconds.
    transient: bool = False
    retry_after: Annotated[float, msgspec.Meta(ge=0, le=86_400)] | None = None
    usage: Used | None = None

    def failed(self, request: Request) -> AgentError:
        """The error in the answer."""
        return AgentError(
            scrub(self.error or "", request.secrets),
            transient=self.transient,
            retry_after=self.retry_after,
        )


#: Exactly one of these makes an answer.
_ENDS: Final = ("text", "plan", "question", "hand_over", "error")


def read_answer(value: object) -> Answer:
    """The answer in `value` (JSON). Raises Invalid, naming the field, when it is none."""
    try:
        answer = msgspec.convert(value, Answer)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".") or "body"
        raise Invalid(f"The answer is misshapen: {error}.", fields={field: [message]}) from None
    ends = [name for name in _ENDS if getattr(answer, name) is not None]
    if len(ends) != 1:
        say = f"An answer has exactly one of {', '.join(_ENDS)}; this has {' and '.join(ends) or 'none'}."
        raise Invalid(say, fields={"body": [say]})
    return answer


def outcome(answer: Answer, request: Request) -> Outcome:
    """What the answer means to the engine; questions are left to the caller. Raises AgentError."""
    if answer.error is not None:
        raise answer.failed(request)
    if answer.hand_over is not None:
        return HandedOver(to=answer.hand_over.to, text=answer.hand_over.text)
    if request.kind == SubtaskKind.PLAN:
        found = answer.plan if answer.plan is not None else answer.text
        try:
            return Planned(read_plan(found, request.members))
        except PlanInvalid as error:
            raise AgentError(f"The plan cannot be used: {faults_of(error)}") from None
    if answer.text is None:
        raise AgentError("The agent answered with a plan where text was asked for.")
    return Answered(answer.text, answer.data)


def asks(answer: Answer, memo: dict[str, Any]) -> Waiting:
    """The question in the answer, for a person."""
    return Waiting(
        question=answer.question or "",
        waits_for=WaitsFor.APPROVAL if answer.options else WaitsFor.PERSON,
        options=answer.options,
        patience=answer.patience,
        memo=memo,
    )


def read_plan(value: object, members: Sequence[Assignable]) -> Plan:
    """The plan in `value`: JSON, or a text that holds it. Raises PlanInvalid."""
    if isinstance(value, str):
        value = _json_in(value)
    plan = plan_from_json(value)
    plans.validate(plan, members)
    return plan


def faults_of(error: PlanInvalid) -> str:
    """All of them in one line."""
    return "; ".join(f"{field}: {' '.join(texts)}" for field, texts in error.fields.items())


def _json_in(text: str) -> object:
    """The JSON object in a text, in a fenced block or between other words."""
    fenced = re.search(r"```(?:json)?\s*\n(.*?)```", text, re.DOTALL)
    within = fenced.group(1) if fenced else text
    begin, end = within.find("{"), within.rfind("}")
    try:
        return json.loads(within[begin : end + 1])
    except (ValueError, RecursionError):
        told = "There is no JSON object in the answer, or it is broken."
        raise PlanInvalid(fields={"plan": [told]}) from None


def key_of(request: Request) -> str:
    """The name of this piece of work: the same at every attempt. Letters, digits, '-' and ':'."""
    return f"{request.subtask_id}:{request.turn}" if request.turn else request.subtask_id


def asked(request: Request, answers: Sequence[str]) -> dict[str, Any]:
    """The request as JSON; `answers` are those that people gave to the agent's questions."""
    body = {
        "kind": request.kind.value,
        "run": request.run_id,
        "group": request.group_id,
        "agent": request.agent_id,
        "subtask": request.subtask_id,
        "attempt": request.attempt,
        "task": request.task,
        "title": request.title,
        "instructions": request.instructions,
        "role": request.role,
        "members": msgspec.to_builtins(request.members),
        "findings": msgspec.to_builtins(request.findings),
        "notes": msgspec.to_builtins(request.notes),
        "earlier": [{"task": task, "result": result} for task, result in request.earlier],
        "attachments": [
            {
                "id": file.id,
                "name": file.name,
                "media_type": file.media_type,
                "size": file.size,
                "path": f"/api/v1/runs/{request.run_id}/attachments/{file.id}/",
            }
            for file in request.attachments
        ],
        "answers": list(answers),
        "wrap_up": request.wrap_up,
        "replan": request.replan,
        "time_limit": request.time_limit,
    }
    if request.kind == SubtaskKind.PLAN:
        body["plan_schema"] = PLAN_SCHEMA
    return body
