"""What is particular to SQLite and to PostgreSQL: flushes, settings, histories that went back in time."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from state.models import StoreSetting
from state.persistence.database import DatabasePersistence
from state.refusals import StoreDown
from state.values import Committed, Filters, Mismatch, PersistenceConfig, Replayed, Result
from tests.persistence.backends import PLAIN, at_once
from tests.persistence.build import SPACE, a_tx, a_write, an_op, grow

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def layer() -> DatabasePersistence:
    opened = DatabasePersistence(PersistenceConfig(), PLAIN)
    opened.open_space(SPACE)
    return opened


def test_sqlite_flushes_commits_of_states_and_leaves_other_writes_as_they_were(
    layer: DatabasePersistence,
) -> None:
    if connection.vendor != "sqlite":
        return
    sqlite: Any = connection.connection
    seen: list[tuple[int, int]] = []

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE state_space"):
            seen.append(pragmas())
        return execute(sql, params, many, context)

    def pragmas() -> tuple[int, int]:
        synchronous = sqlite.execute("PRAGMA synchronous").fetchone()[0]
        return synchronous, sqlite.execute("PRAGMA busy_timeout").fetchone()[0]

    before = pragmas()
    with connection.execute_wrapper(look):
        layer.commit(SPACE, [a_tx(a_write())])
    full = 2
    assert seen == [(full, 20_000)]
    assert pragmas() == before == (1, 20_000)


def test_reading_a_page_does_not_wait_for_a_writer(layer: DatabasePersistence) -> None:
    grow(layer, until=2)
    with layer.hold(SPACE, ["plan"]):
        layer.commit(SPACE, [a_tx(a_write(expect=2))])
        [page] = at_once(lambda: layer.list_states(SPACE, Filters(), limit=9))
        assert [state.version for state in page.states] == [2]
        [data] = at_once(lambda: layer.data_at(SPACE, "plan", 1))
        assert data == {"step": 1}


def test_a_commit_within_a_transaction_of_somebody_else_is_refused(
    layer: DatabasePersistence,
) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        layer.commit(SPACE, [a_tx(a_write())])


# -- PostgreSQL ---------------------------------------------------------------------------------------------------


def backend() -> int:
    """The server's process that serves this thread."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def kill(process: int) -> None:
    """As an administrator would, on a connection of its own."""

    def work() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [process])

    at_once(work)


@pytest.mark.grown
def test_a_restarted_server_is_not_noticed_by_the_next_call(layer: DatabasePersistence) -> None:
    for version in range(3):
        kill(backend())
        result = layer.commit(SPACE, [a_tx(a_write(expect=version))])[0]
        assert isinstance(result, Committed) and result.revision == version + 1
    kill(backend())
    assert layer.load_state(SPACE, "plan").version == 3
    kill(backend())
    with layer.hold(SPACE, ["plan"]):
        assert layer.load_state(SPACE, "plan").version == 3


@pytest.mark.grown
def test_a_connection_killed_within_a_hold_writes_nothing(layer: DatabasePersistence) -> None:
    grow(layer, until=1)
    with pytest.raises(StoreDown), layer.hold(SPACE, ["plan"]):
        layer.commit(SPACE, [a_tx(a_write(expect=1))])
        kill(backend())
        layer.commit(SPACE, [a_tx(a_write(expect=2))])
    assert layer.load_state(SPACE, "plan").version == 1
    grow(layer, until=2)


@pytest.mark.grown
def test_batches_that_name_states_in_opposite_order_do_not_stand_in_each_others_way(
    layer: DatabasePersistence,
) -> None:
    names = [f"s{number}" for number in range(12)]
    for name in names:
        grow(layer, name, until=1)

    def work(order: list[str]) -> int:
        stood = 0
        for version in range(1, 12):
            batch = [a_tx(a_write(name, expect=version)) for name in order]
            stood += sum(isinstance(each, Committed) for each in layer.commit(SPACE, batch))
        return stood

    at_once(lambda: work(names), lambda: work(names[::-1]), lambda: work(names[6:] + names[:6]))
    page = layer.read_log(SPACE, after=0, limit=1000)
    assert [entry.revision for entry in page.entries] == list(range(1, page.space.revision + 1))


@pytest.mark.grown
@pytest.mark.parametrize("first", [1, 0], ids=["of a state", "of a state to be created"])
def test_a_hold_gives_way_to_the_twin_of_its_operation_and_stands_in_nobodys_way(
    layer: DatabasePersistence, first: int
) -> None:
    """The hold has the state and wants the operation, its twin has the operation and wants the state."""
    grow(layer, until=first)
    grow(layer, "early", until=1)
    op = an_op("twin", settled=True)
    twin = a_tx(a_write(data={"by": "twin"}, expect=first), op=op)
    held = threading.Event()

    def hold() -> list[Result]:
        with layer.hold(SPACE, ["plan", "early"]):
            before = layer.commit(SPACE, [a_tx(a_write("early", expect=1))])
            held.set()
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL deadlock_timeout = '10ms'")  # so that this gives way
                while not waiting(cursor):
                    time.sleep(0.01)
            mine = a_tx(a_write(data={"by": "hold"}, expect=first), op=op)
            behind = a_tx(a_write(expect=first + 1), checks={"early": 2, "none": 0})
            results = before + layer.commit(SPACE, [mine, behind])
            assert layer.load_state(SPACE, "early").version == 2, "the hold goes on"
        return results + layer.commit(SPACE, [mine])

    def race() -> list[Result]:
        assert held.wait(20)
        return layer.commit(SPACE, [twin])

    (before, mine, behind, again), [won] = at_once(hold, race)
    assert isinstance(won, Committed)
    assert mine == Mismatch(versions={"plan": first})
    assert behind == Mismatch(versions={"plan": first, "early": 2, "none": 0})
    assert isinstance(again, Replayed)
    state = layer.load_state(SPACE, "plan")
    assert (state.version, state.data) == (first + 1, {"by": "twin"})
    assert isinstance(before, Committed) and layer.load_state(SPACE, "early").version == 2


def waiting(cursor: Any) -> bool:
    """Whether somebody waits for a lock in this database; others of the server are other tests'."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND datname = current_database())"
    )
    return bool(cursor.fetchone()[0])


@pytest.mark.grown
def test_an_answer_that_does_not_come_in_time_is_given_up(layer: DatabasePersistence) -> None:
    hasty = DatabasePersistence(PersistenceConfig(timeout=timedelta(milliseconds=100)), PLAIN)
    locked, done = threading.Event(), threading.Event()

    def lock() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE state_state IN ACCESS EXCLUSIVE MODE")
            locked.set()
            done.wait(20)

    def ask() -> None:
        assert locked.wait(20)
        try:
            with pytest.raises(StoreDown):
                hasty.load_states(SPACE, ["plan"])
            with pytest.raises(StoreDown):
                hasty.data_at(SPACE, "plan", 1)
            with pytest.raises(StoreDown):
                hasty.commit(SPACE, [a_tx(a_write())])
        finally:
            done.set()

    at_once(lock, ask)
    assert hasty.load_states(SPACE, ["plan"]) == {}


@pytest.mark.grown
def test_a_server_that_does_not_flush_is_named_unsafe(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="state"):
        layer = DatabasePersistence(PersistenceConfig(), PLAIN)
    assert layer.durability == "unsafe"  # `tests.servers` turns fsync off
    assert "not durable" in caplog.text


@pytest.mark.grown
def test_another_line_of_history_gives_every_space_a_new_epoch(layer: DatabasePersistence) -> None:
    other = layer.open_space("Lighthouse")
    before = layer.open_space(SPACE)
    DatabasePersistence(PersistenceConfig(), PLAIN)
    assert layer.open_space(SPACE).epoch == before.epoch
    StoreSetting.objects.filter(name="timeline").update(value=b"00000000")
    DatabasePersistence(PersistenceConfig(), PLAIN)
    assert layer.open_space(SPACE).epoch != before.epoch
    assert layer.open_space("Lighthouse").epoch != other.epoch


@pytest.mark.grown
def test_ids_are_listed_in_the_order_of_their_code_points(layer: DatabasePersistence) -> None:
    names = ["a", "B", "é", "z", "_", "群", "A", "~"]
    layer.commit(SPACE, [a_tx(*(a_write(name) for name in names))])
    page = layer.list_states(SPACE, Filters(), limit=20)
    assert [state.id for state in page.states] == sorted(names)


@pytest.mark.django_db
def test_within_the_transaction_of_a_test_all_works_as_well(layer: DatabasePersistence) -> None:
    grow(layer, until=3)
    refused, stood = layer.commit(SPACE, [a_tx(a_write(expect=1)), a_tx(a_write("b"))])
    assert not isinstance(refused, Committed) and isinstance(stood, Committed)
    with layer.hold(SPACE, ["plan", "new"]):
        grow(layer, until=4)
        grow(layer, "new", until=1)
    layer.compact(SPACE, 2)
    rows = list(layer.dump(SPACE))
    layer.fill({SPACE: rows}, replace=True)
    assert layer.data_at(SPACE, "plan", 3) == {"step": 3}
    assert layer.list_states(SPACE, Filters(), limit=9).revision == 6
    layer.drop_space(SPACE)
    assert layer.spaces() == []
