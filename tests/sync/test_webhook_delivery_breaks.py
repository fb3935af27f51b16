"""The site's database breaks off in the middle of work: whoever holds a lease gives it back as soon as it can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import InterfaceError, connection

from state.sync.tasks import leases
from state.values import TargetStatus
from tests.persistence.test_database_kinds import backend, kill
from tests.sync.desk import WIM, Desk, desk
from tests.sync.test_webhook_delivery import row, versions

__all__ = ["desk"]
pytestmark = pytest.mark.django_db(transaction=True)


class Line:
    """The way to the database."""

    broken = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.broken:
            raise InterfaceError("the connection is closed")
        return execute(sql, params, many, context)


@pytest.fixture
def line(desk: Desk) -> Iterator[Line]:
    found = Line()
    with connection.execute_wrapper(found):
        yield found


@pytest.mark.parametrize(
    ("batch", "got"),
    [
        (64, [2, 3, 4]),  # the answer had come: that is kept in mind, and nothing is sent twice
        (1, [2, 2, 3, 4]),  # others were to follow: the same message again, and then those
    ],
)
def test_a_webhook_goes_on_as_soon_as_the_database_is_back(
    desk: Desk, line: Line, monkeypatch: pytest.MonkeyPatch, batch: int, got: list[int]
) -> None:
    desk.sync = desk.another(batch_size=batch)
    desk.webhook()
    desk.work()
    for step in (2, 3):
        desk.write(step=step)
    post = desk.post
    post.sent.clear()

    def lose(*args: Any, **more: Any) -> None:
        post(*args, **more)
        line.broken = True

    with monkeypatch.context() as patched:
        patched.setattr(desk.sync.webhooks, "_send", lose)
        desk.work()
    line.broken = False
    assert row().lease, "nobody could write it"
    desk.write(step=4)
    desk.go(seconds=6)
    assert leases.LEASE.total_seconds() / 2 > 6
    desk.work()
    desk.work()
    assert [v for _, v in versions(post.bodies)] == got
    assert len(set(post.ids)) == len({str(each) for each in post.bodies})
    assert (row().lease, row().sending, row().tries) == ("", None, 0)


def test_a_sync_task_goes_on_as_soon_as_the_database_is_back(
    desk: Desk, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.socket(WIM)
    task = desk.task()
    load = desk.states.store.load_states

    def lose(*args: Any) -> Any:
        line.broken = True
        return load(*args)

    with monkeypatch.context() as patched:
        patched.setattr(desk.states.store, "load_states", lose)
        with pytest.raises(InterfaceError):  # by the next thing that is looked for
            desk.work()
    line.broken = False
    desk.go(seconds=6)
    desk.work()
    assert desk.statuses(task) == {"agent:wim": TargetStatus.SENT}


def test_a_lease_that_somebody_else_has_by_now_is_not_given_back(desk: Desk, line: Line) -> None:
    desk.task()
    mine = desk.sync.queue.claim()
    assert mine is not None
    line.broken = True
    assert not leases.release(mine, error="mine")
    line.broken = False
    desk.go(seconds=61)
    # Whoever claims settles first: then the row is free, and not owed any more.
    theirs = desk.another().queue.claim()
    assert theirs is not None and theirs.lease != mine.lease
    leases.settle()
    assert leases.extend(theirs, desk.now)


@pytest.mark.grown
def test_a_webhook_goes_on_when_its_connection_to_postgresql_was_ended(desk: Desk) -> None:
    desk.webhook()
    desk.work()
    desk.write(step=2)
    post, process = desk.post, backend()

    def lose(*args: Any, **more: Any) -> None:
        post(*args, **more)
        if len(post.sent) == 2:
            kill(process)

    desk.sync.webhooks._send = lose
    desk.work()
    assert row().lease == ""
    desk.write(step=3)
    desk.go(seconds=6)
    desk.work()
    desk.work()
    assert [v for _, v in versions(post.bodies)] == [2, 3]
    assert (row().sending, row().tries) == (None, 0)
