"""Delivering to webhooks: in order, at least once, each message by one id, from a place that outlives everything."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from state.models import Connection
from state.sync.webhooks.sending import WebhookFailed
from state.values import AccessPolicy, ConnectionStatus, EventType, SyncStatus, TargetStatus
from tests.sync.desk import ADA, LENA, SPACE, WIM, Desk, desk

__all__ = ["desk"]
pytestmark = pytest.mark.django_db
LATER = WebhookFailed("The receiver answered with status 503.", transient=True, answered=503)
NEVER = WebhookFailed("The receiver answered with status 404.", transient=False, answered=404)
GONE = WebhookFailed("The receiver wants no more messages (410).", transient=False, answered=410)


def row() -> Connection:
    return Connection.objects.get()


def versions(bodies: list[Any]) -> list[tuple[str, int]]:
    """What the entries of all messages say, in order."""
    return [(entry["id"], entry["v"]) for body in bodies for entry in body["entries"]]


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_a_webhook_gets_a_snapshot_and_then_every_change_in_order(desk: Desk) -> None:
    hook = desk.webhook()
    desk.work()
    (first,) = desk.post.bodies
    assert (first["type"], first["space"], first["session"]) == ("changes", SPACE, hook.pk)
    assert (first["snapshot"], first["synced"], first["entries"]) == (True, True, [])
    assert [(each["id"], each["v"], each["data"]) for each in first["states"]] == [
        ("plan", 1, {"step": 1})
    ]
    desk.post.sent.clear()
    for step in (2, 3):
        desk.write(step=step)
    desk.work()
    desk.write("other", n=1)
    desk.work()
    desk.work()
    assert versions(desk.post.bodies) == [("plan", 2), ("plan", 3), ("other", 1)]
    assert [each["synced"] for each in desk.post.bodies] == [True, True]
    assert len(set(desk.post.ids)) == 2
    assert row().acked == desk.states.space(LENA).revision


def test_long_stretches_come_in_messages_of_the_batch_size() -> None:
    desk = Desk(batch_size=4)
    desk.write(step=1)
    desk.webhook()
    desk.work()
    desk.post.sent.clear()
    for step in range(2, 12):
        desk.write(step=step)
    desk.work()
    assert [len(each["entries"]) for each in desk.post.bodies] == [4, 4, 2]
    assert [each["synced"] for each in desk.post.bodies] == [False, False, True]
    assert [v for _, v in versions(desk.post.bodies)] == list(range(2, 12))
    desk.close()


def test_large_snapshots_come_in_parts_of_which_the_last_brings_the_token(desk: Desk) -> None:
    for number in range(3):
        desk.write(f"big{number}", text="x" * 200_000)
    desk.webhook()
    desk.work()
    bodies = desk.post.bodies
    assert [(each["part"], each["last"], bool(each["token"])) for each in bodies] == [
        (1, False, False),
        (2, False, False),
        (3, True, True),
    ]
    assert len({*desk.post.ids}) == 3
    assert sorted(state["id"] for each in bodies for state in each["states"]) == [
        "big0",
        "big1",
        "big2",
        "plan",
    ]


def test_only_what_matches_and_may_be_read_is_sent(desk: Desk) -> None:
    desk.webhook(states=["plan", "notes/*"])
    desk.work()
    desk.post.sent.clear()
    policy = AccessPolicy(read_allow=("agent:wes",))
    desk.states.create_state(LENA, "notes/secret", data={"x": 1}, access_policy=policy)
    desk.write("other", n=1)
    desk.work()
    assert desk.post.sent == []
    # There was nothing for it, and its place is there all the same.
    assert row().acked == desk.states.space(LENA).revision
    desk.write("notes/one", n=1)
    desk.work()
    assert versions(desk.post.bodies) == [("notes/one", 1)]


def test_who_is_let_in_gets_the_state_and_who_is_shut_out_begins_anew(desk: Desk) -> None:
    hidden = AccessPolicy(read_allow=("agent:wes",))
    desk.states.create_state(LENA, "door", data={"x": 1}, access_policy=hidden)
    desk.webhook()
    desk.work()
    desk.post.sent.clear()
    desk.states.configure(LENA, "door", {"access_policy": AccessPolicy(public=True)})
    desk.work()
    assert [each["id"] for body in desk.post.bodies for each in body["states"]] == ["door"]
    desk.post.sent.clear()
    desk.states.configure(LENA, "door", {"access_policy": hidden})
    desk.states.update_state(LENA, "door", {"x": 2})
    desk.work()
    (body,) = desk.post.bodies
    assert (body["reset"], body["snapshot"]) == ("filter", True)
    assert [each["id"] for each in body["states"]] == ["plan"]


def test_who_is_behind_the_history_begins_anew(desk: Desk) -> None:
    desk.webhook()
    desk.work()
    desk.post.sent.clear()
    for step in (2, 3, 4):
        desk.write(step=step)
    desk.states.store.compact(SPACE, 3)
    desk.work()
    (body,) = desk.post.bodies
    assert (body["reset"], body["snapshot"], body["entries"]) == ("compacted", True, [])


def test_another_history_gives_other_ids_to_the_same_revisions(desk: Desk, tmp_path: Any) -> None:
    backup = tmp_path / "backup"
    desk.states.store.backup(backup)
    desk.webhook()
    desk.work()
    desk.write(step="old")
    desk.work()
    desk.states.store.restore(backup, replace=True)
    desk.work()
    desk.write(step="new")
    desk.work()
    assert desk.post.bodies[2]["reset"] == "epoch"
    assert len(set(desk.post.ids)) == len(desk.post.ids) == 4


# -- failing -----------------------------------------------------------------------------------------------------------


def test_a_message_that_is_sent_again_is_the_same_whatever_has_come_since(desk: Desk) -> None:
    desk.webhook()
    desk.work()
    desk.post.sent.clear()
    desk.write(step=2)
    desk.post.answers = [LATER, LATER]
    desk.work()
    for step in (3, 4, 5):
        desk.write(step=step)
        desk.go(seconds=31)
        desk.work()
    first, second, third, *_ = desk.post.ids
    assert first == second == third
    bodies = desk.post.bodies
    assert bodies[0]["entries"] == bodies[1]["entries"] == bodies[2]["entries"]
    assert [v for _, v in versions(bodies[2:])] == [2, 3, 4, 5]


def test_nobody_is_tried_before_its_pause_is_over_and_not_before_it_asked(desk: Desk) -> None:
    desk.webhook()
    desk.post.answers = [WebhookFailed("later", transient=True, retry_after=90)]
    for _ in range(3):
        desk.work()
    desk.go(seconds=89)
    desk.work()
    assert len(desk.post.sent) == 1
    desk.go(seconds=2)
    desk.work()
    assert len(desk.post.sent) == 2
    assert row().status == ConnectionStatus.CONNECTED


def test_spent_retries_show_the_error_and_it_goes_on_ever_more_rarely_for_a_day(desk: Desk) -> None:
    desk.webhook()
    desk.work()
    desk.told()
    desk.write(step=2)
    desk.post.answers = [LATER] * 200
    tries = []
    began = desk.now
    while row().ended_at is None:
        before = len(desk.post.sent)
        desk.work()
        if len(desk.post.sent) > before:
            tries.append(desk.now - began)
        desk.go(minutes=10)
        assert desk.now - began < timedelta(days=2)
        if len(tries) > 4:
            assert (row().status, row().error) == (ConnectionStatus.ERROR, LATER.message)
    pauses = [b - a for a, b in pairwise(tries)]
    assert all(pause <= timedelta(hours=1, minutes=10) for pause in pauses)
    assert pauses[-1] >= timedelta(hours=1) and tries[-1] >= timedelta(days=1)
    assert row().status == ConnectionStatus.ERROR
    assert desk.told(EventType.AGENT_DISCONNECTED) == [EventType.AGENT_DISCONNECTED]


def test_a_webhook_that_answers_again_is_well_and_has_missed_nothing(desk: Desk) -> None:
    desk.webhook()
    desk.work()
    desk.post.sent.clear()
    desk.post.answers = [NEVER]
    desk.write(step=2)
    desk.work()
    assert row().status == ConnectionStatus.ERROR
    (found,) = desk.sync.list_agent_connections(ADA)
    assert (found.error, found.sync_status) == (NEVER.message, {"plan": SyncStatus.ERROR})
    desk.write(step=3)
    desk.go(seconds=61)
    desk.work()
    assert (row().status, row().error, row().tries) == (ConnectionStatus.CONNECTED, "", 0)
    assert [v for _, v in versions(desk.post.bodies[1:])] == [2, 3]


def test_a_receiver_that_wants_no_more_is_disconnected(desk: Desk) -> None:
    desk.webhook()
    desk.post.answers = [GONE]
    desk.work()
    assert (row().status, row().error) == (ConnectionStatus.DISCONNECTED, GONE.message)
    desk.go(days=2)
    desk.work()
    assert len(desk.post.sent) == 1


def test_a_webhook_ends_with_the_rights_of_who_made_it(desk: Desk) -> None:
    desk.webhook()
    desk.work()
    desk.gone.add("agent:wim")
    desk.write(step=2)
    desk.work()
    assert (row().status, len(desk.post.sent)) == (ConnectionStatus.ERROR, 1)
    assert row().ended_at is not None


def test_a_disconnected_webhook_gets_nothing_more_even_in_the_middle(desk: Desk) -> None:
    hook = desk.webhook()
    desk.work()
    desk.write(step=2)

    def disconnect(*args: Any, **more: Any) -> None:
        desk.sync.disconnect_agent(WIM, hook.pk)

    desk.sync.webhooks._send = disconnect
    desk.work()
    assert row().status == ConnectionStatus.DISCONNECTED
    assert row().subscriptions == []
    desk.work()


# -- sync tasks --------------------------------------------------------------------------------------------------------


def test_a_broadcast_is_done_when_the_webhook_has_it(desk: Desk) -> None:
    desk.webhook()
    desk.work()
    desk.write(step=2)
    desk.post.answers = [LATER]
    task = desk.task()
    desk.work()
    assert desk.status(task) == "running"
    desk.go(seconds=1)
    desk.work()
    desk.work()
    assert desk.statuses(task) == {"agent:wim": TargetStatus.COMPLETED}


def test_a_full_sync_posts_the_state_and_tries_again_alone(desk: Desk) -> None:
    desk.webhook()
    desk.work()
    desk.post.sent.clear()
    desk.post.answers = [LATER]
    task = desk.task("full_sync")
    desk.work()
    assert desk.status(task) == "pending"
    desk.go(seconds=31)
    desk.work()
    assert desk.status(task) == "completed"
    one, two = desk.post.sent
    assert one == two and one[1]["task"] == task
    assert [each["id"] for each in one[1]["states"]] == ["plan"]
