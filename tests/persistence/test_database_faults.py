"""The database goes away, answers late, or not at all: what the layer says is what is true."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from state.models import Entry, State
from state.persistence.database import DatabasePersistence
from state.persistence.database.committing import Committing
from state.refusals import OutcomeUnknown, StoreDown
from state.values import Committed, Mismatch, PersistenceConfig, Replayed
from tests.persistence.backends import PLAIN, at_once
from tests.persistence.build import SPACE, a_tx, a_write, an_op, grow

pytestmark = pytest.mark.django_db(transaction=True)

Failing = Callable[[str, Exception, int], None]


@pytest.fixture
def layer() -> DatabasePersistence:
    opened = DatabasePersistence(PersistenceConfig(), PLAIN)
    opened.open_space(SPACE)
    return opened


@pytest.fixture
def failing() -> Iterator[Failing]:
    """Makes the next statements with these words fail, so many times."""
    faults: list[list[Any]] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        for fault in faults:
            if fault[0] in sql and fault[2]:
                fault[2] -= 1
                raise fault[1]
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield lambda words, error, times: faults.append([words, error, times])


def gone() -> OperationalError:
    return OperationalError("server closed the connection unexpectedly")


def sqlite_error(code: int) -> OperationalError:
    cause = sqlite3.OperationalError("it failed")
    cause.sqlite_errorcode = code
    error = OperationalError("it failed")
    error.__cause__ = cause
    return error


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes the answer to COMMIT an error, after the commit or instead of it."""
    real = BaseDatabaseWrapper.commit

    def fail(error: Exception, *, lands: bool) -> None:
        def commit(self: BaseDatabaseWrapper) -> None:
            monkeypatch.undo()
            if lands:
                real(self)
            raise error

        monkeypatch.setattr(BaseDatabaseWrapper, "commit", commit)

    return fail


@pytest.mark.parametrize("lands", [True, False])
def test_a_lost_answer_to_commit_is_an_unknown_outcome_that_the_op_id_resolves(
    layer: DatabasePersistence, commits: Callable[..., None], lands: bool
) -> None:
    request = a_tx(a_write(), op=an_op(settled=True))
    commits(gone(), lands=lands)
    with pytest.raises(OutcomeUnknown) as unknown:
        layer.commit(SPACE, [request])
    assert unknown.value.extra == {"outcome_unknown": True}
    again = layer.commit(SPACE, [request])[0]
    assert isinstance(again, Replayed if lands else Committed)
    assert layer.load_state(SPACE, "plan").version == 1
    assert len(layer.history(SPACE, "plan", limit=9)) == 1


@pytest.mark.parametrize(
    ("code", "error"),
    [(sqlite3.SQLITE_IOERR, OutcomeUnknown), (sqlite3.SQLITE_FULL, StoreDown)],
)
def test_a_commit_that_sqlite_refuses_is_unknown_only_where_the_disk_failed(
    layer: DatabasePersistence, commits: Callable[..., None], code: int, error: type[Exception]
) -> None:
    commits(sqlite_error(code), lands=False)
    with pytest.raises(error):
        layer.commit(SPACE, [a_tx(a_write())])


@pytest.mark.parametrize("words", ["FROM state_state", "UPDATE state_space", "state_entry"])
def test_a_connection_lost_before_the_commit_is_replaced_and_the_work_done_once(
    layer: DatabasePersistence, failing: Failing, words: str
) -> None:
    failing(words, gone(), 1)
    result = layer.commit(SPACE, [a_tx(a_write(), op=an_op(settled=True))])[0]
    assert isinstance(result, Committed) and result.revision == 1
    assert len(layer.read_log(SPACE, after=0, limit=9).entries) == 1


def test_a_read_survives_a_lost_connection(layer: DatabasePersistence, failing: Failing) -> None:
    grow(layer, until=2)
    failing("state_state", gone(), 1)
    assert layer.load_state(SPACE, "plan").version == 2


def test_a_server_that_stays_away_is_a_store_that_is_down_and_nothing_was_written(
    layer: DatabasePersistence, failing: Failing
) -> None:
    failing("state_entry", gone(), 99)
    with pytest.raises(StoreDown):
        layer.commit(SPACE, [a_tx(a_write(), op=an_op(settled=True))])
    assert State.objects.count() == 0
    assert layer.find_op(SPACE, "agent:wim", "op-1") is None
    assert layer.open_space(SPACE).revision == 0


def test_a_wrong_statement_is_not_taken_for_a_server_that_is_away(
    layer: DatabasePersistence, failing: Failing
) -> None:
    failing("state_state", sqlite_error(sqlite3.SQLITE_ERROR), 1)
    with pytest.raises(OperationalError):
        layer.load_states(SPACE, ["plan"])


def test_a_lock_that_is_not_to_be_had_is_given_up_in_time(layer: DatabasePersistence) -> None:
    grow(layer, until=1)
    hasty = DatabasePersistence(PersistenceConfig(timeout=timedelta(milliseconds=80)), PLAIN)

    def write() -> str:
        try:
            hasty.commit(SPACE, [a_tx(a_write(expect=1))])
        except StoreDown:
            return "down"
        return "written"

    with layer.hold(SPACE, ["plan"]):
        assert at_once(write) == ["down"]
    assert at_once(write) == ["written"]


def test_a_batch_whose_creation_was_overtaken_is_judged_anew(
    layer: DatabasePersistence, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Committing._lock
    other = DatabasePersistence(PersistenceConfig(), PLAIN)
    seen: list[set[str]] = []

    def lock(self: Committing, used: Any, space: str, keys: set[str], ops: Any = ()) -> Any:
        locked = real(self, used, space, keys, ops)
        seen.append(keys)
        if len(seen) == 1:  # as if somebody else's row were not visible yet
            raise IntegrityError("UNIQUE constraint failed: state_state.space_id, state_state.key")
        return locked

    monkeypatch.setattr(Committing, "_lock", lock)
    other_first = a_tx(a_write(data={"by": "other"}))
    results = layer.commit(SPACE, [other_first, a_tx(a_write(data={"by": "me"}))])
    assert isinstance(results[0], Committed)
    assert results[1] == Mismatch(versions={"plan": 1})
    assert len(seen) == 2
    other.close()


def test_a_version_cannot_be_written_twice_whatever_the_locks_did(
    layer: DatabasePersistence,
) -> None:
    grow(layer, until=3)
    State.objects.update(version=2)  # a mistake in locking: version 3 looks free
    with pytest.raises(IntegrityError):
        layer.commit(SPACE, [a_tx(a_write(expect=2))])
    assert layer.open_space(SPACE).revision == 3
    assert Entry.objects.filter(version=3).count() == 1
