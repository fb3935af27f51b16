"""Rows written past the ORM are the rows that the ORM reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from groups.models import Run, RunEvent, Subtask
from groups.services.rows import Writes
from tests.factories import make_group
from tests.factories import make_run as make_run_of

AT = datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)
#: What must come back as it went in.
ODD = {
    "text": "%s ; -- 'quoted' \"twice\" \\ \u2028 群星 🌟",
    "list": [1, 2.5, None, True, {"deep": []}],
    "large": 2**62,
}


def make_run(task: str = "Count the ships") -> Run:
    return make_run_of(group=make_group(group_id=f"Group-{Run.objects.count()}"), task=task)


def event(run: Run, seq: int) -> RunEvent:
    return RunEvent(run_id=run.id, seq=seq, type="text.delta", at=AT, agent_id="wim", data=ODD)


@pytest.mark.django_db
def test_inserted_rows_read_back_the_same() -> None:
    run = make_run()
    part = Subtask(run=run, key="a", kind="work", title=str(ODD["text"]), assignee="wim")
    part.lease_until, part.depends_on = AT, ["x", "y"]
    writes = Writes()
    writes.insert(Subtask, [part])
    writes.insert(RunEvent, [event(run, seq) for seq in range(101, 104)])
    writes.flush()
    assert not part._state.adding
    read = Subtask.objects.get(pk=part.pk)
    assert {k: v for k, v in vars(read).items() if k[0] != "_"} == {
        k: v for k, v in vars(part).items() if k[0] != "_"
    }
    rows = list(RunEvent.objects.filter(run=run, seq__gt=100).order_by("seq"))
    assert [(row.seq, row.at, row.data, row.subtask) for row in rows] == [
        (seq, AT, ODD, None) for seq in range(101, 104)
    ]


@pytest.mark.django_db
def test_updates_write_the_named_columns_of_each_row_and_no_others() -> None:
    one, two = make_run(task="one"), make_run(task="two")
    one.result, one.usage, one.task = "first", {"requests": 1}, "not written"
    two.result, two.usage, two.time_left = "second", {"cost_usd": None}, 1.5
    writes = Writes()
    writes.update(one, ["result", "usage"])
    writes.update(two, ["result", "usage"])
    writes.update(two, ["time_left"])
    writes.update(two, [])
    writes.flush()
    one, two = Run.objects.get(pk=one.pk), Run.objects.get(pk=two.pk)
    assert (one.result, one.usage, one.task) == ("first", {"requests": 1}, "one")
    assert (two.result, two.usage, two.time_left) == ("second", {"cost_usd": None}, 1.5)


@pytest.mark.django_db
def test_what_is_null_stays_null_and_times_keep_their_microseconds() -> None:
    run = make_run()
    run.plan, run.deadline_at = {"subtasks": []}, AT + timedelta(microseconds=1)
    writes = Writes()
    writes.update(run, ["plan", "deadline_at"])
    writes.flush()
    read = Run.objects.get(pk=run.pk)
    assert read.plan == {"subtasks": []} and read.deadline_at == AT + timedelta(microseconds=1)
    run.plan = run.deadline_at = None
    writes.update(run, ["plan", "deadline_at"])
    writes.flush()
    assert Run.objects.filter(pk=run.pk, plan__isnull=True, deadline_at__isnull=True).exists()


@pytest.mark.django_db
def test_a_doubled_number_is_refused() -> None:
    run = make_run()
    writes = Writes()
    writes.insert(RunEvent, [event(run, 201), event(run, 201)])
    with pytest.raises(IntegrityError), transaction.atomic():
        writes.flush()
    assert not RunEvent.objects.filter(run=run, seq=201).exists()


@pytest.mark.django_db
def test_nothing_to_write_asks_nothing() -> None:
    with CaptureQueriesContext(connection) as queries:
        Writes().flush()
    assert len(queries) == 0
