"""Agents that do as the test says, and ways to wait for what must happen without guessing how long it takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

from groups.agents.base import AgentEvent, Answered, Outcome, Planned, Request
from groups.execution.plan import Plan
from groups.execution.statuses import RUN_ENDED, SubtaskKind, SubtaskStatus
from groups.models import Group, Run, RunEvent, Subtask
from groups.services import runs
from tests.replay.fold import View, fold
from tests.unit.world import item, plan

Said: TypeAlias = AgentEvent | Outcome
Act: TypeAlias = Callable[[Request], AsyncIterator[Said]]

#: Seconds after which something that must happen is taken not to happen.
PATIENCE = 15.0


class Scripted:
    """A runtime: `acts` by the subtask's title; without an act a leader plans `plan`, everybody else answers."""

    def __init__(self) -> None:
        self.plan: Plan = plan(item("a"))
        self.acts: dict[str, Act] = {}
        #: All requests, in the order in which they began.
        self.calls: list[Request] = []

    async def perform(self, request: Request) -> AsyncIterator[Said]:
        """See `AgentRuntime.perform`."""
        self.calls.append(request)
        if act := self.acts.get(request.title):
            async for said in act(request):
                yield said
        elif request.kind == SubtaskKind.PLAN:
            yield Planned(self.plan)
        elif request.kind == SubtaskKind.SUMMARY:
            yield Answered("\n".join(f"{f.key}: {f.text or f.error}" for f in request.findings))
        else:
            yield Answered(f"{request.title} by {request.agent_id}")

    def called(self, title: str) -> list[Request]:
        """The requests with that title so far."""
        return [request for request in self.calls if request.title == title]


def start(group: Group, **fields: Any) -> Run:
    """Submit a run of the group."""
    return runs.start(actor=None, group=group, task="Count the ships", **fields)


class Gate:
    """An act that shows how many are inside at once, and holds them until it is opened."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self.cancelled = 0
        self.is_open = False

    async def __call__(self, request: Request) -> AsyncIterator[Said]:
        """Wait inside, then answer."""
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            while not self.is_open:
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.inside -= 1
        yield Answered(f"{request.title} passed")


def wait_for(condition: Callable[[], object], what: str = "", *, seconds: float = PATIENCE) -> None:
    """Return as soon as the condition holds; fail when it has not come true in time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"never came true: {what or condition}"
        time.sleep(0.005)


def ended(run: Run, *, seconds: float = PATIENCE) -> Run:
    """The run once it is over; its log must tell the same as its rows."""

    def over() -> bool:
        run.refresh_from_db()
        return run.status in RUN_ENDED

    wait_for(over, f"the end of the run, which has {log_of(run)[-5:]}", seconds=seconds)
    check_log(run)
    return run


def log_of(run: Run) -> list[str]:
    """The types in the log, with the subtask's key."""
    keys = dict(Subtask.objects.filter(run=run).values_list("id", "key"))
    rows = RunEvent.objects.filter(run=run).order_by("seq")
    return [f"{row.type} {keys.get(row.subtask, '?')}" if row.subtask else row.type for row in rows]


def events(run: Run, kind: str) -> list[RunEvent]:
    """The run's events of that type."""
    return list(RunEvent.objects.filter(run=run, type=kind).order_by("seq"))


def sub(run: Run, key: str) -> Subtask:
    """The subtask by its key."""
    return Subtask.objects.get(run=run, key=key)


def statuses(run: Run) -> dict[str, str]:
    """Key -> status of all its subtasks."""
    return dict(Subtask.objects.filter(run=run).values_list("key", "status"))


def at_work(run: Run, *keys: str) -> None:
    """Wait until these subtasks are claimed for all to see: agents begin before their claim is committed."""
    running = Subtask.objects.filter(run=run, key__in=keys, status=SubtaskStatus.RUNNING)
    wait_for(lambda: running.count() == len(keys), f"{keys} at work")


def check_log(run: Run) -> View:
    """The log is gap-free, completes nothing twice and tells what the rows say."""
    rows = list(RunEvent.objects.filter(run=run).order_by("seq"))
    run = Run.objects.get(pk=run.pk)
    view = fold((r.seq, r.type, str(r.subtask) if r.subtask else None, r.data) for r in rows)
    assert view.last_seq == run.last_seq
    assert view.status == run.status
    assert view.subtasks == {str(s.id): s.status for s in Subtask.objects.filter(run=run)}
    done: set[str] = set()
    for row in rows:
        if row.type == "run.resumed":
            done -= set(row.data["retried"])
        elif row.type == "subtask.completed":
            assert str(row.subtask) not in done, "completed twice"
            done.add(str(row.subtask))
    assert view.stop_reason == run.stop_reason
    if run.status in RUN_ENDED:
        assert (view.result, view.error) == (run.result, run.error)
    return view
