"""Targets that were away: they are served when their agent is back and has acknowledged, and not before."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from state.sync.metrics import counts
from state.values import AccessPolicy, SyncTaskType, TargetStatus
from tests.sync.desk import LENA, WES, WIM, Desk, agent, desk

__all__ = ["desk"]
pytestmark = pytest.mark.django_db
DEFERRED = {"agent:wim": TargetStatus.DEFERRED}
COMPLETED = {"agent:wim": TargetStatus.COMPLETED}


@pytest.mark.parametrize("kind", ["unicast", "full_sync"])
def test_it_is_served_when_its_agent_is_back_and_has_acknowledged(desk: Desk, kind: str) -> None:
    desk.write(step=2)
    opened = desk.socket(WIM, "*", acked=1)
    desk.away(opened)
    before = counts.total("successful")
    task = desk.task(kind, "wim")
    desk.work()
    assert (desk.status(task), desk.statuses(task)) == ("completed", DEFERRED)
    assert counts.total("successful") == before  # nobody has it
    back = desk.sync.sessions.open(WIM, user_id=None, session=opened.id, process="p2")
    desk.work()
    assert desk.statuses(task) == DEFERRED
    desk.note(back, "*", acked=2)
    desk.work()
    assert desk.statuses(task) == COMPLETED
    assert counts.total("successful") == before + 1
    desk.work()
    assert counts.total("successful") == before + 1


def test_a_whole_document_is_not_there_before_its_agent_is_back(desk: Desk) -> None:
    opened = desk.socket(WIM, "*", acked=1)
    desk.away(opened)
    task = desk.task("full_sync", "wim")
    desk.work()
    desk.work()
    assert desk.statuses(task) == DEFERRED
    desk.sync.sessions.open(WIM, user_id=None, session=opened.id, process="p2")
    desk.work()
    assert desk.statuses(task) == COMPLETED


def test_another_space_agent_subscription_or_right_does_not_serve_it(desk: Desk) -> None:
    policy = AccessPolicy(read_allow=("agent:wes",))
    desk.states.create_state(LENA, "secret", data={}, access_policy=policy)
    plan = desk.task("unicast", "wim")
    secret = desk.sync.create_sync_task(LENA, SyncTaskType.UNICAST, "secret", ["wim"]).id
    desk.work()
    desk.socket(WES, "*", acked=9)
    desk.socket(WIM, "secret", "notes/*", acked=9)
    desk.work()
    assert (desk.statuses(plan), desk.statuses(secret)) == (DEFERRED, DEFERRED)


def test_who_comes_for_a_moment_and_says_goodbye_was_served(desk: Desk) -> None:
    task = desk.task("unicast", "wim")
    desk.work()
    opened = desk.socket(WIM, acked=1)
    desk.sync.sessions.leave(opened.id, opened.generation, ended=True)
    assert desk.statuses(task) == COMPLETED


def test_a_cancelled_task_serves_nobody_any_more(desk: Desk) -> None:
    desk.socket(WES)
    task = desk.task("multicast", "wim", "wes")
    desk.work()
    desk.sync.cancel_sync_task(LENA, task)
    desk.socket(WIM, acked=1)
    desk.work()
    assert desk.statuses(task) == DEFERRED | {"agent:wes": TargetStatus.CANCELLED}


def test_looking_costs_the_same_for_3_and_for_30(desk: Desk) -> None:
    def cost(numbers: range) -> int:
        for n in numbers:
            desk.task("unicast", f"w{n}")
        desk.work()
        for n in numbers:
            desk.socket(agent(f"w{n}"), acked=1)
        with CaptureQueriesContext(connection) as asked:
            desk.work()
        return len(asked)

    assert cost(range(3)) == cost(range(3, 33))
