"""What the database layer asks of its database: few statements, as many for one row as for hundreds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from state.persistence.database import DatabasePersistence
from state.values import Committed, Filters, OpRecord, PersistenceConfig
from tests.persistence.backends import PLAIN
from tests.persistence.build import SPACE, a_tx, a_write, an_op, grow

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def layer() -> DatabasePersistence:
    opened = DatabasePersistence(PersistenceConfig(), PLAIN)
    opened.open_space(SPACE)
    return opened


def asked(work: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        work()
    return [query["sql"] for query in queries.captured_queries]


def test_a_write_under_an_op_id_takes_at_most_eight_statements(layer: DatabasePersistence) -> None:
    grow(layer, until=1)
    write, op = a_write(expect=1), an_op(settled=True)
    statements = asked(lambda: layer.commit(SPACE, [a_tx(write, op=op)]))
    assert len(statements) <= 8, statements


@pytest.mark.parametrize("op", [None, an_op(settled=True)], ids=["without op_id", "under an op_id"])
def test_postgresql_is_sent_two_messages_between_begin_and_commit(
    layer: DatabasePersistence, op: OpRecord | None
) -> None:
    grow(layer, until=1)
    sent = asked(lambda: layer.commit(SPACE, [a_tx(a_write(expect=1), op=op)]))
    between = [sql for sql in sent if sql.partition(" ")[0] not in ("BEGIN", "COMMIT")]
    # SQLite is no server: its statements are calls.
    expected = 2 if connection.vendor == "postgresql" else 4 + (op is not None)
    assert len(between) == expected, sent


def test_a_batch_takes_as_many_statements_as_one_write(layer: DatabasePersistence) -> None:
    def batch(name: str, size: int) -> int:
        transactions = [
            a_tx(a_write(f"{name}{number}"), op=an_op(f"{name}{number}", settled=True))
            for number in range(size)
        ]
        return len(asked(lambda: layer.commit(SPACE, transactions)))

    assert batch("many", 200) == batch("one", 1)


def test_a_refused_write_leaves_the_space_alone(layer: DatabasePersistence) -> None:
    grow(layer, until=3)
    statements = asked(lambda: layer.commit(SPACE, [a_tx(a_write(expect=1), op=an_op())]))
    assert not [sql for sql in statements if sql.startswith("UPDATE")], statements
    assert layer.find_op(SPACE, "agent:wim", "op-1") is None


def test_the_space_is_taken_after_operations_and_states(layer: DatabasePersistence) -> None:
    grow(layer, until=1)
    write, op = a_write(expect=1), an_op(settled=True)
    everything = "; ".join(asked(lambda: layer.commit(SPACE, [a_tx(write, op=op)])))
    order = (
        'INTO "state_op"',
        "FROM state_state",
        "UPDATE state_space",
        'INTO "state_state"',
        'INTO "state_entry"',
    )
    places = [everything.index(words) for words in order]
    assert places == sorted(places), everything


def test_lists_take_as_many_reads_for_many_states_as_for_few(layer: DatabasePersistence) -> None:
    def listed(limit: int) -> int:
        return len(asked(lambda: layer.list_states(SPACE, Filters(), limit=limit)))

    layer.commit(SPACE, [a_tx(a_write(f"s{number}")) for number in range(60)])
    for number in range(60):
        layer.enqueue(an_op(f"op-{number}", state_id=f"s{number}"))
    assert listed(50) == listed(2)


def test_states_and_logs_are_each_one_read(layer: DatabasePersistence) -> None:
    grow(layer, "a", until=5)
    grow(layer, "b", until=5)
    assert len(asked(lambda: layer.load_states(SPACE, ["a", "b", "c"]))) == 1
    assert len(asked(lambda: layer.read_log(SPACE, after=0, limit=100))) == 1
    assert len(asked(lambda: layer.history(SPACE, "a", limit=100))) == 1


def test_many_versions_of_one_state_in_a_batch_write_its_row_once(
    layer: DatabasePersistence,
) -> None:
    batch = [a_tx(a_write(expect=version)) for version in range(130)]
    statements = asked(lambda: layer.commit(SPACE, batch))
    assert len([sql for sql in statements if 'INTO "state_state"' in sql]) == 1
    assert layer.load_state(SPACE, "plan").version == 130
    # 64 and 128 are snapshots, the others are replayed.
    assert [layer.data_at(SPACE, "plan", each)["step"] for each in (1, 64, 65, 129)] == [
        1,
        64,
        65,
        129,
    ]


def test_results_are_those_of_the_batch_in_its_order(layer: DatabasePersistence) -> None:
    batch = [
        a_tx(a_write("a")),
        a_tx(a_write("a")),
        a_tx(a_write("b"), a_write("a", expect=1)),
    ]
    first, second, third = layer.commit(SPACE, batch)
    assert isinstance(first, Committed) and isinstance(third, Committed)
    assert not isinstance(second, Committed)
    assert (first.revision, third.revision) == (1, 2)
    assert [entry.seq for entry in third.entries] == [0, 1]
