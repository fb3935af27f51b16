"""What AG-UI's clients send (RunAgentInput, protocol 1.0), and what the answers of `resume` come to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from groups.doors.common.refusals import BodyInvalid
from groups.doors.common.standing import Piece, Standing
from groups.execution.statuses import RunStatus


class Message(msgspec.Struct):
    role: str
    id: str = ""
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        """Its words; what is no text is passed over."""
        if isinstance(self.content, list):
            return "".join(str(p.get("text", "")) for p in self.content if p.get("type") == "text")
        return self.content or ""


class Context(msgspec.Struct):
    description: str = ""
    value: str = ""


class Resume(msgspec.Struct, rename="camel"):
    """The answer to one interrupt."""

    interrupt_id: str
    status: Literal["resolved", "cancelled"]
    payload: Any = None


class AgentInput(msgspec.Struct, rename="camel"):
    """RunAgentInput. `forwarded_props` may hold `mode`, `options` and `approve_plan` of the run."""

    thread_id: str
    run_id: str
    messages: list[Message] = []
    context: list[Context] | None = None
    forwarded_props: Any = None
    resume: list[Resume] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """How the run is to be carried out. Raises BodyInvalid."""
        props = self.forwarded_props if isinstance(self.forwarded_props, dict) else {}
        known = msgspec.json.encode(
            {k: v for k, v in props.items() if k in Settings.__struct_fields__}
        )
        try:
            given = msgspec.json.decode(known, type=Settings)
        except msgspec.ValidationError as error:
            raise BodyInvalid(f"forwardedProps cannot be used: {error}") from None
        return {k: v for k, v in msgspec.structs.asdict(given).items() if v is not None}

    @property
    def last(self) -> Message:
        """The message that is the task. Raises BodyInvalid."""
        for message in reversed(self.messages):
            if message.role == "user" and message.text.strip():
                return message
        raise BodyInvalid("There must be a message of the user's: it is the task.")

    @property
    def earlier(self) -> list[tuple[str, str]]:
        """Turns (said, answered) before the last message, and first what the client's context says."""
        notes = [f"{note.description}: {note.value}" for note in self.context or ()]
        turns, open_ = list[tuple[str, str]](), ""
        for message in self.messages[: self.messages.index(self.last)]:
            if message.role == "user":
                open_ = f"{open_}\n\n{message.text}" if open_ else message.text
            elif message.role == "assistant" and message.text:
                turns.append((open_, message.text))
                open_ = ""
            elif message.role in ("system", "developer"):
                notes.append(message.text)
        return [("\n\n".join(notes), ""), *turns] if notes else turns


class Settings(msgspec.Struct):
    """What `forwardedProps` may say of a run."""

    mode: str | None = None
    approve_plan: bool | None = None
    options: dict[str, Any] | None = None


PLAN_ANSWER = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}, "plan": {"type": "object"}},
    "required": ["approved"],
}


def question_id(piece: Piece) -> str:
    """The id of the interrupt that a waiting subtask is."""
    return f"{piece.id}.{piece.asked}"


def plan_id(standing: Standing) -> str:
    """The id of the interrupt that a plan awaiting approval is."""
    return f"plan.{standing.proposed}"


def interrupts(standing: Standing, subagents: dict[str, str]) -> list[dict[str, Any]]:
    """What the run waits for, as AG-UI's interrupts; `subagents` names whoever asks, by subtask."""
    found: list[dict[str, Any]] = []
    if standing.status == RunStatus.AWAITING_APPROVAL:
        words = "Approve the plan, or send another in its place."
        about = {"id": plan_id(standing), "reason": "plan_approval", "message": words}
        found.append({**about, "responseSchema": PLAN_ANSWER})
    for piece in standing.questions:
        answer: dict[str, Any] = {"type": "string"}
        if piece.options:
            answer["enum"] = piece.options
        asked = {"id": question_id(piece), "reason": "input_required", "message": piece.question}
        asked["responseSchema"] = answer  # type: ignore[assignment]
        if piece.due_at:
            asked["expiresAt"] = piece.due_at
        if piece.id in subagents:
            asked["subagentRunId"] = subagents[piece.id]
        found.append(asked)
    return found


class Answers(msgspec.Struct):
    """What the answers to all open interrupts come to."""

    cancel: bool = False
    approve: bool = False
    #: In place of the proposed one.
    plan: Any = None
    #: (subtask's id, text).
    texts: list[tuple[str, str]] = []


def answers(standing: Standing, given: Sequence[Resume]) -> Answers:
    """The answers in `given`. To cancel one, or not to approve, cancels the run. Raises BodyInvalid."""
    questions = {question_id(piece): piece.id for piece in standing.questions}
    plan = plan_id(standing) if standing.status == RunStatus.AWAITING_APPROVAL else None
    by_id = {each.interrupt_id: each for each in given}
    if set(by_id) != set(questions) | ({plan} if plan else set()):
        raise BodyInvalid("`resume` must answer all open interrupts, and no others.")
    found = Answers(cancel=any(each.status == "cancelled" for each in given))
    for id, each in by_id.items():
        if found.cancel:
            break
        if id == plan:
            payload = each.payload if isinstance(each.payload, dict) else {"approved": each.payload}
            found.approve = payload.get("approved") is True
            found.cancel, found.plan = not found.approve, payload.get("plan")
        else:
            found.texts.append((questions[id], _text(each.payload)))
    return found


def _text(payload: Any) -> str:
    if isinstance(payload, dict):
        payload = payload.get("answer", payload.get("value"))
    if not isinstance(payload, str) or not payload.strip():
        raise BodyInvalid("The payload of an answer is a text, or an object with `answer`.")
    return payload
