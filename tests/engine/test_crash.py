"""A worker dies at each boundary of each step; the next one goes on, and the log tells one gap-free story."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from groups.agents import registry
from groups.execution import retries
from groups.models import Group, Run, RunEvent, Subtask
from groups.services import recovery
from tests.engine.conftest import Doorbell
from tests.engine.crashing import DIED, RESULT, Steady
from tests.engine.scripted import ended, start, wait_for
from tests.servers import other_database

#: Five steps at least have to be committed: claim; plan; a; b; summary.
DEATHS = [
    *(("opened", nth) for nth in (1, 4)),
    *(("claimed", nth) for nth in (1, 3)),
    *(("launched", nth) for nth in (1, 2, 4)),
    *(("stored", nth) for nth in (1, 2, 3, 4, 5)),
    *(("committed", nth) for nth in (1, 2, 3, 4, 5)),
    *(("published", nth) for nth in (2, 5)),
    *(("settled", nth) for nth in (3,)),
    *(("reported", nth) for nth in (2, 4, 6)),
    *(("acting", nth) for nth in (1, 3, 5)),
]


def database_url() -> str:
    """The tests' own database, for another process."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    return other_database(os.environ["DATABASE_URL"], str(found["NAME"]))


@pytest.fixture(scope="module")
def mortals(django_db_setup: None) -> Iterator[Callable[[Run, str, int], int]]:
    """Has a worker process carry a run out until it dies at that place; gives its exit code."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "stars_site.settings",
        "STARS_DATA_DIR": str(settings.STARS_DATA_DIR),
        "REDIS_URL": "",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.engine.crashing"],
        env=environment,
        cwd=Path(settings.BASE_DIR),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as maker:
        assert maker.stdin is not None and maker.stdout is not None
        ask, hear = maker.stdin, maker.stdout

        def die(run: Run, place: str, nth: int) -> int:
            ask.write(f"{run.id} {place} {nth}\n")
            return int(hear.readline())

        yield die
        ask.close()


@pytest.mark.parametrize(("place", "nth"), DEATHS)
def test_death_at_a_boundary_loses_and_doubles_nothing(
    crew: Group,
    doorbell: Doorbell,
    monkeypatch: pytest.MonkeyPatch,
    mortals: Callable[[Run, str, int], int],
    place: str,
    nth: int,
) -> None:
    monkeypatch.setitem(registry.KINDS, "scripted", Steady)
    registry.runtime.cache_clear()
    monkeypatch.setattr(retries, "BASE", 0.02)
    run = start(crew)
    assert mortals(run, place, nth) == DIED
    wait_for(is_quiet, "the end of what the database was told last")
    before = list(RunEvent.objects.filter(run=run).values_list("seq", "type", "data"))
    engine = doorbell.engine()
    recovery.sweep(owner=engine.owner)
    run = ended(run)  # checks the log: gap-free, nothing completed twice, the same as the rows
    assert (run.status, run.result) == ("completed", RESULT)
    log = list(RunEvent.objects.filter(run=run).values_list("seq", "type", "data"))
    assert log[: len(before)] == before, "what was committed stands"
    for row in Subtask.objects.filter(run=run):
        assert 1 <= row.attempt <= 2
        if row.kind != "plan":
            assert said_last(row) == row.result, "no text is lost or doubled"


def is_quiet() -> bool:
    """Whether no COMMIT of somebody who is dead by now is under way any more."""
    if connection.vendor == "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE state <> 'idle'"
            " AND datname = current_database() AND pid <> pg_backend_pid())"
        )
        return bool(cursor.fetchone()[0])


def said_last(row: Subtask) -> str:
    """The text of the subtask's last attempt."""
    text = ""
    for event in RunEvent.objects.filter(run=row.run_id, subtask=row.id).order_by("seq"):
        if event.type == "subtask.started":
            text = ""
        elif event.type == "text.delta":
            text += event.data["text"]
    return text.strip()
