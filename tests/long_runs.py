"""Finished runs of any length, made by the engine's own rules in one transaction, for benchmarks and big exports."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from groups.events import TextDelta, ToolFinished, ToolStarted, UsageRecorded
from groups.execution.plan import Plan, PlanItem
from groups.models import Group, Run
from groups.services.ledger import Ledger, Machine

#: Between two events.
STEP: Final = timedelta(milliseconds=100)
WORDS: Final = ("the", "harbour", "master", "counts", "ships", "before", "noon", "by", "name")


def make_long_run(
    *,
    group: Group,
    events: int = 10_000,
    subtasks: int = 24,
    task: str = "Count what came into the harbour",
    begun: datetime | None = None,
) -> Run:
    """A completed run with exactly that many events: a plan, work in three waves with tools and tries, a summary."""
    with transaction.atomic():
        ledger = Ledger()
        begun = begun or ledger.now - events * STEP
        run = Run(group=group, task=task, created_at=begun)
        machine = ledger.adopt(run, list(group.members.select_related("agent").order_by("id")))
        machine.now = begun
        machine.begin(attachments=[], by="admin")
        [plan] = claim(machine)
        machine.propose(plan.id, plan.lease_token, make_plan(machine, subtasks))
        # What the rest takes beside the words: per subtask a try that fails now and then, tools, usage.
        done = 0
        while ready := claim(machine):
            for item in ready:
                done += 1
                if item.kind == "summary":
                    # The last words are the summary's: then follow its end and the run's.
                    _write(machine, item, events - run.last_seq - 3)
                    _use(machine, item)
                    machine.complete(
                        item.id, item.lease_token, "# Report\n\nAll ships are counted."
                    )
                    break
                if done % 7 == 0 and item.attempt == 1:
                    _write(machine, item, 5)
                    machine.fail(
                        item.id, item.lease_token, "The gauge did not answer.", transient=True
                    )
                    continue
                _call_tools(machine, item)
                _write(machine, item, max(1, (events - 500) // (subtasks + 1) - 12))
                _use(machine, item)
                machine.complete(item.id, item.lease_token, f"**{item.title}**: {done * 17} ships.")
            machine.now += timedelta(minutes=1)  # past every back-off
        ledger.store()
    assert run.last_seq == events, run.last_seq
    assert run.status == "completed", run.status
    return run


def make_plan(machine: Machine, number: int) -> Plan:
    """Work for the workers in three waves, each waiting for the one before."""
    workers = [member.agent_id for member in machine.members if member.role == "worker"]
    items = [
        PlanItem(
            key=f"s{index}",
            title=f"Count pier {index}",
            assignee=workers[index % len(workers)],
            instructions="Count them twice.",
            depends_on=(f"s{index - number // 3}",) if index >= number // 3 else (),
        )
        for index in range(number)
    ]
    return Plan(subtasks=tuple(items), note="Three waves, pier by pier.")


def claim(machine: Machine) -> list[Any]:
    """All that is ready, a step later."""
    machine.now += STEP
    return machine.claim(16, owner="bench", lease=timedelta(hours=1), room=lambda _: True)


def _say(machine: Machine, item: Any, event: Any) -> None:
    machine.now += STEP
    assert machine.append(item.id, item.lease_token, [event])


def _write(machine: Machine, item: Any, pieces: int) -> None:
    for number in range(pieces):
        words = [WORDS[(number * 5 + offset) % len(WORDS)] for offset in range(5)]
        end = "\n\n" if number % 20 == 19 else " "
        _say(machine, item, TextDelta(text=" ".join(words) + end))


def _call_tools(machine: Machine, item: Any) -> None:
    for number in range(2):
        call = f"{item.key}-{number}"
        arguments = {"pier": item.title, "night": bool(number)}
        _say(machine, item, ToolStarted(call_id=call, tool="count", arguments=arguments))
        _say(machine, item, ToolFinished(call_id=call, tool="count", summary="17 ships"))


def _use(machine: Machine, item: Any) -> None:
    used = UsageRecorded(
        input_tokens=1200, output_tokens=340, requests=1, cost_usd=0.0123, model="tide-1"
    )
    _say(machine, item, used)
