"""The sweep's decisions on rows: what it takes back, ends and rings for, and what it leaves alone."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from groups import queue
from groups.engine.engine import owner_name
from groups.execution.statuses import SubtaskStatus
from groups.models import Group, Run, Subtask
from groups.services import recovery, runs
from groups.services.ledger import opened
from groups.services.recovery import Swept
from tests.engine.scripted import check_log

HOME = owner_name().rpartition("/")[0]


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of runs that were rung for."""
    ids: list[str] = []

    def send(name: str, **kwargs: Any) -> None:
        if name == queue.DRIVE:
            ids.extend(kwargs["run_ids"])

    monkeypatch.setattr(queue, "_send", send)
    return ids


def claimed(group: Group, *, owner: str, **fields: Any) -> Run:
    """A run whose plan is being made by `owner`."""
    run = runs.start(actor=None, group=group, task="Count the ships", **fields)
    with opened(run.id) as machine:
        machine.claim(1, owner=owner, lease=timedelta(seconds=30), room=lambda agent_id: True)
    return run


def lapse(run: Run) -> None:
    """Let the run's leases have run out just now."""
    Subtask.objects.filter(run=run).update(lease_until=timezone.now())


def plan_of(run: Run) -> Subtask:
    return Subtask.objects.get(run=run, key="plan")


def dead_pid() -> int:
    """The number of a process of this machine that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_nothing_to_do_costs_few_queries(db: None, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(6):
        assert recovery.sweep(owner="here/1/1") == Swept(0, 0, 0, 0)


def test_a_lease_that_ran_out_is_taken_back(harbour: Group) -> None:
    run, other = claimed(harbour, owner="far/1/1"), claimed(harbour, owner="far/1/2")
    lapse(run)
    assert recovery.sweep(owner="here/1/1").expired == 1
    assert plan_of(run).status == "ready" and plan_of(other).status == "running"
    assert check_log(run).status == "planning"


def test_at_the_last_try_it_fails(harbour: Group) -> None:
    run = claimed(harbour, owner="far/1/1", max_attempts=1)
    lapse(run)
    assert recovery.sweep(owner="here/1/1").expired == 1
    assert check_log(run).status == "failed"


@pytest.mark.parametrize(
    ("owner", "dead"),
    [
        ("{home}/{dead}", True),
        ("{home}/{alive}", False),
        ("{home}/{mine}", False),
        ("elsewhere/1/{dead}", False),
        ("{home}/words", False),
        ("{home}/-1", False),
        ("{home}/", False),
        ("words", False),
        ("{home}/1", False),  # lives, but may belong to somebody else
    ],
)
def test_only_dead_processes_of_this_machine_lose_their_leases_early(
    harbour: Group, owner: str, dead: bool
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as alive:
        name = owner.format(home=HOME, dead=dead_pid(), alive=alive.pid, mine=os.getpid())
        run = claimed(harbour, owner=name)
        assert recovery.sweep(owner=owner_name()).expired == dead
        assert plan_of(run).status == ("ready" if dead else "running")


def test_a_run_past_its_time_limit_fails(harbour: Group) -> None:
    run, young = claimed(harbour, owner="far/1/1"), claimed(harbour, owner="far/1/1")
    Run.objects.filter(pk=run.pk).update(deadline_at=timezone.now())
    assert recovery.sweep(owner="here/1/1").timed_out == 1
    assert check_log(run).status == "failed" and check_log(young).status == "planning"
    assert recovery.sweep(owner="here/1/1").timed_out == 0


def test_ready_work_is_rung_for_until_it_is_taken(
    harbour: Group,
    rung: list[str],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    run = runs.start(actor=None, group=harbour, task="Count the ships")
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            assert recovery.sweep(owner="here/1/1").rung == 1
        queue.settle()
    assert rung == [str(run.id)] * 2
    with opened(run.id) as machine:
        machine.claim(1, owner="far/1/1", lease=timedelta(30), room=lambda agent_id: True)
    assert recovery.sweep(owner="here/1/1").rung == 0


def test_a_back_off_is_respected(harbour: Group) -> None:
    run = runs.start(actor=None, group=harbour, task="Count the ships")
    Subtask.objects.filter(run=run).update(not_before=timezone.now() + timedelta(seconds=60))
    assert recovery.sweep(owner="here/1/1").rung == 0
    Subtask.objects.filter(run=run).update(not_before=timezone.now())
    assert recovery.sweep(owner="here/1/1").rung == 1


def test_what_was_taken_back_is_rung_for_at_once(
    harbour: Group,
    rung: list[str],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """Its back-off is not over, but an engine that knows of it waits exactly as long as needed."""
    run = claimed(harbour, owner="far/1/1")
    lapse(run)
    with django_capture_on_commit_callbacks(execute=True):
        swept = recovery.sweep(owner="here/1/1")
    assert (swept.expired, swept.rung) == (1, 0)
    queue.settle()
    assert rung == [str(run.id)]


@pytest.mark.parametrize("status", ["paused", "cancelled"])
def test_standing_and_ended_runs_are_not_rung_for(harbour: Group, status: str) -> None:
    run = runs.start(actor=None, group=harbour, task="Count the ships")
    (runs.pause if status == "paused" else runs.cancel)(actor=None, run=run)
    assert recovery.sweep(owner="here/1/1") == Swept(0, 0, 0, 0)


def test_many_runs_are_swept_in_several_goes(
    harbour: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "AT_ONCE", 3)
    several = [claimed(harbour, owner="far/1/1") for _ in range(5)]
    for run in several:
        lapse(run)
    assert [recovery.sweep(owner="here/1/1").expired for _ in range(3)] == [3, 2, 0]


def test_what_waits_is_found_without_a_look_at_all_that_ever_was(harbour: Group) -> None:
    """Every sweep asks for it, and every page says how much there is."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SET LOCAL enable_seqscan = off"
            )  # which is quicker while there is little
    waiting = Subtask.objects.filter(status=SubtaskStatus.WAITING)
    assert "subtask_waiting" in waiting.filter(due_at__lte=timezone.now()).explain()
    assert "subtask_waiting" in waiting.filter(agent_id="wim").explain()
