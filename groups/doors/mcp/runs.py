"""Tools for groups, their runs and their messages: the same services as everywhere, in the caller's name and rights."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated, Any, Final

from msgspec import Meta

from groups import access, selectors
from groups.doors.common import door, log
from groups.doors.common.once import started
from groups.doors.mcp.tool import Arguments, GroupId, Json, RunId, tool
from groups.execution.statuses import RUN_ENDED, RunStatus, SubtaskStatus, WaitsFor
from groups.identity import Identity
from groups.live import timestamp
from groups.models import Level, Member, Run, Scope, Subtask
from groups.services import messaging, runs
from groups.viewing.following import Following
from state import conf, pace
from state.threads import in_thread

#: The most runs that are listed as waiting.
LISTED: Final = 50
#: The longest that get_run waits, in seconds: shorter than what clients and proxies wait for an answer.
PATIENCE: Final = 25.0


class NoArguments(Arguments):
    pass


class StartRun(Arguments):
    group: GroupId
    task: Annotated[str, Meta(description="What the group is to do, in words; 100,000 bytes.")]
    mode: Annotated[str, Meta(description="How it works together.")] = "leader_worker"
    approve_plan: Annotated[bool, Meta(description="Wait for approve_plan before working.")] = False
    max_tokens: Annotated[int | None, Meta(description="Cap of tokens, in and out together.")] = (
        None
    )
    max_cost_usd: float | None = None
    conversation: Annotated[
        str,
        Meta(max_length=128, description="Runs of the same conversation go on with each other."),
    ] = ""
    key: Annotated[
        str, Meta(max_length=200, description="Yours: asked twice with it, one run is started.")
    ] = ""


class GetRun(Arguments):
    run: RunId
    wait: Annotated[
        float,
        Meta(ge=0, le=PATIENCE, description="Seconds to wait for its end or a question."),
    ] = 0.0


class OneRun(Arguments):
    run: RunId
    reason: Annotated[str, Meta(max_length=500)] = ""


class Waiting(Arguments):
    group: Annotated[str, Meta(description="Only of this group; empty: of all.")] = ""


class Answer(Arguments):
    run: RunId
    subtask: Annotated[str, Meta(description="The id or key that list_waiting names.")]
    text: Annotated[str, Meta(description="The answer; one of the options, if there are any.")]


class ApprovePlan(Arguments):
    run: RunId
    plan: Annotated[
        dict[str, Any] | None,
        Meta(description="Another plan in its place: {subtasks: [{key, title, assignee, …}]}."),
    ] = None


class SendMessage(Arguments):
    group: GroupId
    text: str
    to: Annotated[str, Meta(description="A member's agent id; empty: to all.")] = ""


@tool(NoArguments, Scope.READ)
async def list_groups(who: Identity, given: NoArguments) -> Json:
    """List the groups of agents that you may see, with their members (role leader or worker) and what they do."""

    @in_thread
    def read() -> list[Json]:
        return [
            {
                "id": group.id,
                "name": group.name,
                "description": group.description,
                "members": [_member(member) for member in group.members.all()],
            }
            for group in selectors.groups_with_counts(who.user)
        ]

    return {"groups": await read()}


@tool(StartRun, Scope.RUN)
async def start_run(who: Identity, given: StartRun) -> Json:
    """Give a group a task. Answers at once with the run's id; the work goes on by itself, get_run has its result."""

    @in_thread
    def start() -> Run:
        return started(
            who,
            given.group,
            f"mcp\n{given.key}" if given.key else "",
            task=given.task,
            mode=given.mode,
            approve_plan=given.approve_plan,
            max_tokens=given.max_tokens,
            max_cost_usd=given.max_cost_usd,
            conversation=given.conversation,
            origin="mcp",
        )

    run = await start()
    return {"run": str(run.id), "status": run.status}


@tool(GetRun, Scope.READ)
async def get_run(who: Identity, given: GetRun) -> Json:
    """Get a run: its status, plan, subtasks, result (Markdown) once it has ended, and what it waits for.
    With `wait`, return when it has ended or asks something, or when that time is over; then ask again."""
    found = await _told(who, given.run)
    if given.wait and not _is_settled(found):
        with suppress(TimeoutError):
            async with asyncio.timeout(given.wait):
                return await _settled(who, found)
        found = await _told(who, given.run)
    return found


@tool(OneRun, Scope.RUN)
async def cancel_run(who: Identity, given: OneRun) -> Json:
    """End a run now. Agents at work are stopped."""
    await door.cancel(who, given.run, given.reason)
    return await _told(who, given.run)


@tool(Waiting, Scope.READ)
async def list_waiting(who: Identity, given: Waiting) -> Json:
    """List what waits for a person: questions of agents (answer them with `answer`) and plans (approve_plan)."""

    @in_thread
    def read() -> list[Json]:
        found = access.visible_runs(who.user)
        if given.group:
            found = found.filter(group=access.get_group(who.user, given.group))
        asking = _asking().filter(run__in=found.exclude(status__in=list(RUN_ENDED)))
        rows = asking.select_related("run").order_by("-run__created_at", "position")[:LISTED]
        plans = found.filter(status=RunStatus.AWAITING_APPROVAL).order_by("-created_at")[:LISTED]
        return [
            *(
                {"run": str(row.run_id), "group": row.run.group_id, **_question(row)}
                for row in rows
            ),
            *({"run": str(run.id), "group": run.group_id, "plan": run.plan} for run in plans),
        ]

    return {"waiting": await read()}


@tool(Answer, Scope.RUN)
async def answer(who: Identity, given: Answer) -> Json:
    """Answer the question that a subtask waits with; its agent then goes on."""

    @in_thread
    def write() -> None:
        run = _steered(who, given.run)
        subtask = access.get_subtask(run, given.subtask)
        runs.answer(actor=who.user, run=run, subtask=subtask, text=given.text)

    await write()
    return await _told(who, given.run)


@tool(ApprovePlan, Scope.RUN)
async def approve_plan(who: Identity, given: ApprovePlan) -> Json:
    """Let the plan that a run has proposed be carried out, or another one in its place."""

    @in_thread
    def write() -> None:
        runs.approve(actor=who.user, run=_steered(who, given.run), plan=given.plan)

    await write()
    return await _told(who, given.run)


@tool(SendMessage, Scope.MESSAGE)
async def send_message(who: Identity, given: SendMessage) -> Json:
    """Write to one member of a group, or to all. Whoever is addressed or mentioned (@agent, @all) may answer."""

    @in_thread
    def write() -> int:
        group = access.get_group(who.user, given.group, Level.OPERATOR)
        pace.check(conf.manager().limits, who.user.pk, "")
        if given.to:
            sent = messaging.send(
                actor=who.user, group=group, sender="system", to=given.to, text=given.text
            )
        else:
            sent = messaging.broadcast(actor=who.user, group=group, text=given.text)
        return int(sent.pk)

    return {"message": await write()}


def _steered(who: Identity, run_id: str) -> Run:
    run = access.get_run(who.user, door.run_key(run_id), Level.OPERATOR)
    pace.check(conf.manager().limits, who.user.pk, "")
    return run


async def _settled(who: Identity, found: Json) -> Json:
    """The run when it has ended or asks something."""
    following = await Following.begin(who, door.run_key(found["run"]), found["last_seq"])
    try:
        async for entries in log.entries(following):
            if any(entry.type.startswith(("run.", "plan.", "subtask.")) for entry in entries):
                found = await _told(who, found["run"])
                if _is_settled(found):
                    break
    finally:
        following.close()
    return found


def _is_settled(found: Json) -> bool:
    return found["status"] in (*RUN_ENDED, RunStatus.AWAITING_APPROVAL) or bool(found["waiting"])


@in_thread
def _told(who: Identity, run_id: str) -> Json:
    run = selectors.in_full(access.get_run(who.user, door.run_key(run_id)))
    subtasks = list(run.subtasks.all())
    asks = run.status not in RUN_ENDED
    return {
        "run": str(run.id),
        "group": run.group_id,
        "task": run.task,
        "status": run.status,
        "result": run.result,
        "error": run.error,
        "stop_reason": run.stop_reason,
        "plan": run.plan,
        "subtasks": [
            {
                "key": row.key,
                "title": row.title,
                "agent": row.agent_id,
                "status": row.status,
                "error": row.error,
            }
            for row in subtasks
        ],
        "waiting": [_question(row) for row in subtasks if asks and _asks(row)],
        "usage": run.usage,
        "last_seq": run.last_seq,
        "created_at": timestamp(run.created_at),
    }


def _asking() -> Any:
    waiting = Subtask.objects.filter(status=SubtaskStatus.WAITING)
    return waiting.exclude(waits_for=WaitsFor.REMOTE)


def _asks(row: Subtask) -> bool:
    return row.status == SubtaskStatus.WAITING and row.waits_for != WaitsFor.REMOTE


def _question(row: Subtask) -> Json:
    return {
        "subtask": str(row.id),
        "title": row.title,
        "agent": row.agent_id,
        "question": row.question,
        "options": row.options,
        "due_at": timestamp(row.due_at) if row.due_at else None,
    }


def _member(member: Member) -> Json:
    agent = member.agent
    return {"id": agent.agent_id, "name": agent.name, "role": member.role, "tags": member.tags}
