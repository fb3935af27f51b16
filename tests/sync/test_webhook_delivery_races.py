"""Webhooks with several workers, dead ones and slow receivers, and all the way from a commit to a receiver."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from state import conf, queue
from state.models import Connection
from state.sync.manager import StateSyncManager
from state.sync.tasks.waking import Waking
from state.values import ConnectionStatus
from tests.bus.build import until
from tests.sync.desk import SPACE, WES, Desk, desk
from tests.sync.receiver import Answer, listening
from tests.sync.test_webhook_delivery import row, versions

__all__ = ["desk"]
pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_nothing_twice(desk: Desk) -> None:
    desk.webhook()
    desk.webhook(WES)
    for step in range(2, 30):
        desk.write(step=step)
    ready = threading.Barrier(4)

    def run(work: Callable[[], None]) -> None:
        ready.wait(10)
        try:
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(run, desk.another().work) for _ in range(4)]:
            each.result(30)
    assert len(set(desk.post.ids)) == len(desk.post.ids) == 2


def test_a_worker_that_died_is_followed_by_another_with_the_same_message(desk: Desk) -> None:
    desk.webhook()
    desk.work()
    desk.write(step=2)

    def die(*_: Any, **__: Any) -> None:
        raise SystemExit

    real, desk.sync.webhooks._send = desk.sync.webhooks._send, die
    with pytest.raises(SystemExit):
        desk.work()
    desk.sync.webhooks._send = real
    under_way = (row().sending or {})["revision"]
    desk.write(step=3)
    desk.work()
    assert len(desk.post.sent) == 1
    desk.go(seconds=61)
    desk.work()
    assert desk.post.bodies[1]["token"].endswith(f".{under_way}")
    assert [v for _, v in versions(desk.post.bodies)] == [2, 3]


def test_commits_ring_for_spaces_with_webhooks_only(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(queue, "ring", lambda: rung.append(True))
    Waking().changed(SPACE)
    assert not rung
    desk.webhook()
    rung.clear()
    waking = Waking()
    waking.changed("Pier")
    assert not rung
    waking.changed(SPACE)
    assert rung


@pytest.mark.django_db(transaction=True)
def test_from_a_commit_to_a_real_receiver(harbour: Any, ada: Any, settings: Any) -> None:
    settings.STARS_WEBHOOK_ALLOWED = ["127.0.0.1"]
    with listening() as receiver:
        caller = conf.directory().caller(ada, "Harbour", agent="wim")
        sync = conf.sync_manager()
        made = sync.connect_agent(caller, address=receiver.url, user_id=ada.pk, states=["plan"])
        conf.manager().create_state(caller, "plan", data={"n": 1})
        sync.work()
        receiver.wait(1)
        until(lambda: row().status == ConnectionStatus.CONNECTED)
        receiver.answer(Answer(status=500))
        conf.manager().update_state(caller, "plan", {"n": 2})
        served(sync, lambda: row().tries == 1)
        Connection.objects.update(due_at=None)
        served(sync, lambda: row().tries == 0)
        ids = [each.headers["webhook-id"] for each in receiver.received]
        assert len(ids) == 3 and ids[1] == ids[2] != ids[0]
        assert receiver.received[2].json()["entries"][0]["ops"][0]["value"] == 2
        ada.is_active = False
        ada.save()
        conf.manager().update_state(caller, "plan", {"n": 3})
        served(sync, lambda: row().status == ConnectionStatus.ERROR)
        assert len(receiver.received) == 3
        assert row().pk == made.connection.id


def served(sync: StateSyncManager, what: Callable[[], bool]) -> None:
    """Look again until it is so, as beat does."""

    def looked() -> bool:
        sync.work()
        return what()

    until(looked)


@pytest.mark.django_db(transaction=True)
def test_a_slow_receiver_holds_up_neither_the_caller_nor_other_webhooks(desk: Desk) -> None:
    desk.webhook()
    desk.webhook(WES)
    let_go, begun = threading.Event(), threading.Event()
    post = desk.post

    def slow(address: str, secret: str, message_id: str, body: bytes, **more: Any) -> None:
        if not begun.is_set():
            begun.set()
            assert let_go.wait(10)
        post(address, secret, message_id, body)

    sync = desk.another(send=slow, threads=2)
    sync.work()
    assert begun.wait(10)
    served(sync, lambda: len(post.sent) == 1)
    desk.write(step=2)
    served(sync, lambda: len(post.sent) == 2)
    let_go.set()
    served(sync, lambda: len(post.sent) == 4)
    assert len(set(post.ids)) == 4
    sync.close()
    sync.close()
