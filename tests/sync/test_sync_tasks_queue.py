"""The queue of sync tasks: who is next, how many at once, how a task is cancelled and forgotten."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from state.models import SyncTarget, SyncTask
from state.sync import control
from state.values import TargetStatus
from tests.sync.desk import ADA, LENA, WES, WIM, Desk, desk

__all__ = ["desk"]
pytestmark = pytest.mark.django_db


def order(desk: Desk) -> list[str]:
    """The order in which tasks start, one at a time."""
    found = []
    while (task := desk.sync.queue.claim()) is not None:
        found.append(str(task.pk))
        desk.sync.queue.fail(task, "next")
    return found


def test_higher_priorities_go_first_and_equal_ones_in_their_order(desk: Desk) -> None:
    low, one = desk.task(priority=0), desk.task()
    high, two = desk.task(priority=9), desk.task()
    desk.go(seconds=1)
    assert order(desk) == [high, one, two, low]


def test_a_task_gains_one_step_of_priority_for_every_half_minute_it_waits(desk: Desk) -> None:
    old = desk.task(priority=0)
    desk.go(seconds=59)
    young = desk.task(priority=2)
    desk.go(seconds=2)
    younger = desk.task(priority=2)
    assert order(desk) == [young, old, younger]


def test_no_more_tasks_run_than_may_and_none_counts_itself() -> None:
    desk = Desk(max_concurrent_syncs=1)
    desk.write(step=1)
    opened = desk.socket(WIM)
    one, two = desk.task("unicast", "wim"), desk.task("full_sync", "wim")
    desk.work()
    desk.work()
    assert (desk.status(one), desk.status(two)) == ("running", "pending")
    desk.note(opened, "*", acked=1)
    desk.ack(one, "wim")
    desk.work()
    assert (desk.status(one), desk.status(two)) == ("completed", "running")
    assert desk.sync.get_metrics().pending_tasks == 1
    desk.close()


def test_a_task_that_rests_between_retries_leaves_its_place_to_others() -> None:
    desk = Desk(max_concurrent_syncs=1)
    desk.write(step=1)
    opened = desk.socket(WIM)
    one, two = desk.task("full_sync", "wim"), desk.task("full_sync", "wim")
    desk.work()
    desk.go(seconds=31)
    desk.note(opened, "*")
    desk.work()
    assert desk.status(two) == "running"
    assert SyncTask.objects.get(pk=one).slot is None
    desk.close()


def test_cancelling_is_heeded_between_targets(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for caller in (LENA, WES, WIM):
        desk.socket(caller)
    task = desk.task()
    send = control.send
    sent: list[control.Message] = []

    def cancel_after_the_first(*messages: control.Message) -> None:
        send(*messages)
        sent.extend(messages)
        desk.sync.cancel_sync_task(ADA, task)

    monkeypatch.setattr(control, "send", cancel_after_the_first)
    desk.work()
    desk.go(seconds=61)
    desk.work()
    assert (desk.status(task), len(sent)) == ("cancelled", 1)
    assert set(desk.statuses(task).values()) == {TargetStatus.CANCELLED}
    assert desk.sync.cancel_sync_task(ADA, task).status == "cancelled"


def test_ended_tasks_are_forgotten_after_a_week(desk: Desk) -> None:
    ended, waiting = desk.task(), desk.task()
    desk.sync.cancel_sync_task(LENA, ended)
    desk.go(days=8)
    assert desk.sync.sweep()["tasks"] == 1
    assert [str(each) for each in SyncTask.objects.values_list("pk", flat=True)] == [waiting]
    assert not SyncTarget.objects.exclude(task__pk=waiting).exists()


def test_beat_looks_after_them_as_often_as_the_settings_say() -> None:
    asked = (
        "from stars_site.settings import CELERY_BEAT_SCHEDULE as each;"
        "print(each['state-sync-tasks']['schedule'].total_seconds())"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "STARS_SYNC_INTERVAL": "2.5"},
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert float(told.stdout) == 2.5
