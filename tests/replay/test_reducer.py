"""The page's reducer tells the same as the rows, at every step of whatever happens to a run."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import User
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from groups import live
from groups.agents.base import Waiting
from groups.events import TextDelta
from groups.execution.plan import Plan, PlanItem
from groups.models import Group, Run, RunEvent
from groups.services import runs
from groups.services.ledger import opened
from tests.js.node import replay
from tests.unit.test_machine_random import AnyOrder
from tests.unit.world import RunRow, SubtaskRow

FIELDS = (
    "key",
    "kind",
    "title",
    "assignee",
    "agent_id",
    "status",
    "attempt",
    "result",
    "error",
    "question",
)


def rows_tell(run: Run | RunRow, subtasks: list[Any], spoken_of: set[str]) -> dict[str, Any]:
    """The rows in the shape of the reducer's `summary`.

    The log names a subtask's agent from its first event on (`spoken_of`), the row perhaps earlier.
    """
    told = {}
    for row in subtasks:
        one = {"id": str(row.id)} | {name: getattr(row, name) for name in FIELDS}
        if str(row.id) not in spoken_of:
            one["agent_id"] = ""
        told[str(row.id)] = one
    return {
        "status": run.status,
        "plan": run.plan,
        "subtasks": told,
        "result": run.result,
        "error": run.error,
        "usage": run.usage,
        "last_seq": run.last_seq,
        "stop_reason": run.stop_reason,
    }


class Recorded(AnyOrder):
    """What may happen in any order, with the rows written down after every step."""

    logs: ClassVar[list[dict[str, Any]]] = []

    @invariant()
    def write_down(self) -> None:
        if not hasattr(self, "told"):
            self.told: dict[int, dict[str, Any]] = {}
        spoken = {str(e.subtask) for e in self.world.log if e.event.TYPE.startswith("subtask.")}
        rows: list[SubtaskRow] = list(self.world.rows.values())
        self.told[self.world.run.last_seq] = _plain(rows_tell(self.world.run, rows, spoken))

    def teardown(self) -> None:
        super().teardown()
        self.write_down()
        events = [
            {
                "seq": entry.seq,
                "type": entry.event.TYPE,
                "at": entry.at.isoformat(),
                "agent_id": entry.agent_id or None,
                "subtask": str(entry.subtask) if entry.subtask else None,
                "data": entry.event.data(),
            }
            for entry in self.world.log
        ]
        self.logs.append({"events": events, "stops": sorted(self.told), "told": self.told})


def _plain(value: Any) -> Any:
    """A copy as JSON would give it back: the rows go on changing."""
    return json.loads(json.dumps(value))


def test_whatever_happens_the_page_shows_what_the_rows_say() -> None:
    Recorded.logs.clear()
    run_state_machine_as_test(
        Recorded,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    shown = replay([{k: log[k] for k in ("events", "stops")} for log in Recorded.logs])
    assert len(shown) == len(Recorded.logs) > 30
    for log, found in zip(Recorded.logs, shown, strict=True):
        for stop, told in log["told"].items():
            assert found[str(stop)] == told, [e["type"] for e in log["events"][:stop]]


def test_the_log_in_the_database_gives_the_rows_in_the_database(harbour: Group, ada: User) -> None:
    run = runs.start(actor=ada, group=harbour, task="Count the ships", approve_plan=True)
    [leader] = _claim(run)
    items = (
        PlanItem(key="count", title="Count", assignee="wim"),
        PlanItem(key="tell", title="Tell", assignee="steady", depends_on=("count",)),
    )
    with opened(run.id) as machine:
        machine.propose(leader.id, leader.lease_token, Plan(subtasks=items, note="Short."))
    runs.approve(actor=ada, run=run)
    [count] = _claim(run)
    with opened(run.id) as machine:
        machine.append(count.id, count.lease_token, [TextDelta(text="4 ")])
        machine.wait(count.id, count.lease_token, Waiting(question="Barges too?"))
    runs.answer(actor=ada, run=run, subtask=run.subtasks.get(key="count"), text="yes")
    [count] = _claim(run)
    with opened(run.id) as machine:
        machine.complete(count.id, count.lease_token, "| ships |\n|---|\n| 4 |")
    [tell] = _claim(run)
    with opened(run.id) as machine:
        machine.fail(tell.id, tell.lease_token, "No words.", transient=True)
    runs.cancel(actor=ada, run=run, reason="enough")

    run.refresh_from_db()
    events = [live.event_json(event) for event in RunEvent.objects.filter(run=run).order_by("seq")]
    [shown] = replay([{"events": events, "stops": [len(events)]}])
    spoken = {e["subtask"] for e in events if e["type"].startswith("subtask.")}
    assert shown[str(run.last_seq)] == rows_tell(run, list(run.subtasks.all()), spoken)


def _claim(run: Run) -> list[Any]:
    with opened(run.id) as machine:
        return machine.claim(9, owner="test", lease=timedelta(minutes=5), room=lambda _: True)
