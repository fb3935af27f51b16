"""How much of a run's work is done, as lists and the API say it."""

from __future__ import annotations

import pytest

from groups import selectors
from groups.models import Group, Subtask
from tests.factories import make_group, make_run

STATUSES = ("completed", "failed", "skipped", "cancelled", "ready", "blocked")


@pytest.mark.django_db
def test_what_was_cancelled_is_not_done() -> None:
    group: Group = make_group(group_id="Harbour")
    run = make_run(group=group)
    for status in STATUSES:
        Subtask.objects.create(
            run=run, key=status, kind="work", title=status, assignee="wim", status=status
        )
    Subtask.objects.create(
        run=run, key="plan", kind="plan", title="Plan", assignee="lena", status="completed"
    )
    (listed,) = selectors.runs_of(group)
    assert (listed.work_done, listed.work_total) == (3, 6)  # type: ignore[attr-defined]
