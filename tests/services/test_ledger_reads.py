"""What the ledger reads of a run for a few words of an agent."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from groups.services.ledger import Ledger
from tests.factories import make_group, make_run

pytestmark = pytest.mark.django_db


def test_logging_a_few_words_reads_nothing_of_a_run_that_may_be_long() -> None:
    run = make_run(group=make_group(group_id="Crew"), options={"earlier": [["x" * 1000, "y"]]})
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        ledger = Ledger()
        ledger.open([run.id], reports={run.id: []})
        ledger.store()
    assert ledger.machines[run.id].run.get_deferred_fields() >= {"options", "plan", "task"}
    assert len([q for q in queries.captured_queries if "groups_run" in q["sql"]]) == 1
