"""The settings of a built-in agent: its skill, and a script that makes it behave as a test or a demo needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from groups.agents import settings
from groups.agents.base import AgentError, AgentEvent, Answered, Request, TextDelta, Usage
from groups.execution.plan import MAX_SUBTASKS, Assignable, Plan, PlanItem, generalists
from groups.execution.statuses import SubtaskKind

Skill = Literal["leader", "collector", "processor", "analyzer", "checker", "digest"]

#: Skill -> what the dashboard says of it.
SKILLS: Final[dict[str, str]] = {
    "leader": "Plans from lists, sentences, names, tags and attachments, and writes the report.",
    "collector": "Reads tables: rows, columns, types, missing values, duplicates, unreadable rows.",
    "processor": "Adds up tables: statistics per column, totals per category and per day.",
    "analyzer": "Looks for patterns in tables: outliers, correlations, trends over time.",
    "checker": "Checks the quality of tables: spelling variants, wrong values, gaps, suspicious dates.",
    "digest": "Condenses text: key sentences, keywords, figures and dates.",
}

Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class HandOver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom work is handed over to (agent id or tag), and what that one shall know."""

    to: str
    text: str = ""


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the agent does instead of, or before, its own work. Every part is optional."""

    #: Only these kinds of request follow the script; empty means all.
    kinds: tuple[SubtaskKind, ...] = ()
    #: Waits so many seconds first.
    delay: Seconds = 0.0
    #: The first so many attempts fail as a network fault would.
    fail_times: Annotated[int, msgspec.Meta(ge=0)] = 0
    #: Fails for good with this message.
    fail: str = ""
    #: Never answers.
    hang: bool = False
    #: Asks a person this and goes on with the answer.
    ask: str = ""
    #: Answers with this text; `{answer}` stands for the person's answer.
    reply: str | None = None
    #: Goes with the reply: what a mode reads, such as {"choice": key} of a vote or {"board": [items]} of a swarm.
    data: dict[str, Any] = {}
    #: Hands its work over to another member instead of answering.
    hand_over: HandOver | None = None
    #: Streams the reply in so many pieces, `pace` seconds apart.
    chunks: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    pace: Seconds = 0.0
    #: So many subtasks over the workers, or exactly these.
    plan: Annotated[int, msgspec.Meta(ge=1, le=MAX_SUBTASKS)] | tuple[PlanItem, ...] | None = None
    #: Recorded as the use of a model would be.
    usage: Usage | None = None


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `config` of a built-in agent."""

    skill: Skill = "digest"
    script: Script | None = None
    #: Seconds between pieces of output, so that people can watch a demonstration.
    pace: Seconds = 0.0


def validate_config(config: Mapping[str, Any]) -> None:
    """Check the `config` of a built-in agent. Raises Invalid with the field at fault."""
    settings.read(config, Config)


async def hold(script: Script, request: Request) -> None:
    """The delays and failures that `script` wants before an answer.

    Raises AgentError as scripted; never returns when the script hangs.
    """
    if script.delay:
        await asyncio.sleep(script.delay)
    if script.hang:
        await asyncio.Event().wait()
    if request.attempt <= script.fail_times:
        raise AgentError(
            f"Scripted failure {request.attempt} of {script.fail_times}.", transient=True
        )
    if script.fail:
        raise AgentError(script.fail)


async def recite(
    script: Script, reply: str, request: Request
) -> AsyncGenerator[AgentEvent | Answered, None]:
    """The scripted reply, whole or in pieces of nearly equal length."""
    text = reply.replace("{answer}", request.answers[-1]) if request.answers else reply
    size = -(-len(text) // script.chunks)
    for start in range(0, len(text), max(1, size)):
        yield TextDelta(text[start : start + size])
        if script.pace:
            await asyncio.sleep(script.pace)
    yield Answered(text, script.data)


def scripted_plan(wanted: int | Sequence[PlanItem], members: Sequence[Assignable]) -> Plan:
    """`wanted` subtasks spread over the workers, or the given items as they are.

    Raises AgentError when there is nobody to give work to.
    """
    if not isinstance(wanted, int):
        return Plan(subtasks=tuple(wanted), note="Scripted plan.")
    able = [m.agent_id for m in generalists(members)]
    if not able:
        raise AgentError("The group has no members to give work to.")
    items = tuple(
        PlanItem(key=str(i + 1), title=f"Subtask {i + 1}", assignee=able[i % len(able)])
        for i in range(wanted)
    )
    return Plan(subtasks=items, note="Scripted plan.")
