"""Copying attachments takes its time: nobody waits for it, and what goes wrong meanwhile leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from groups.errors import LeaderRequired
from groups.models import Group, Run
from groups.services import membership, runs
from tests.engine.scripted import check_log
from tests.factories import make_group


class Slow(SimpleUploadedFile):
    """A file in whose middle something else happens."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__("slow.csv", b"a,b\n1,2\n")
        self.meanwhile = meanwhile

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield b"a,b\n"
        with ThreadPoolExecutor(1) as others:
            others.submit(self._elsewhere).result(timeout=3)
        yield b"1,2\n"

    def _elsewhere(self) -> None:
        try:
            self.meanwhile()
        finally:
            connection.close()


@pytest.fixture
def store_dir(tmp_path: Path, settings: Any) -> Path:
    """An empty data directory."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def test_a_slow_upload_holds_up_no_other_run(
    transactional_db: None, harbour: Group, ada: User, store_dir: Path
) -> None:
    others: list[Run] = []
    slow = Slow(lambda: others.append(runs.start(actor=None, group=harbour, task="Meanwhile")))
    run = runs.start(actor=ada, group=harbour, task="Count the ships", attachments=[slow])
    assert len(others) == 1
    (row,) = run.attachments.all()
    assert Path(row.file.path).read_bytes() == b"a,b\n1,2\n"
    assert [run.task for run in Run.objects.all()] == ["Count the ships", "Meanwhile"]
    check_log(run)


def test_a_leader_that_leaves_during_an_upload_leaves_no_file_behind(
    transactional_db: None, harbour: Group, ada: User, store_dir: Path
) -> None:
    slow = Slow(lambda: membership.leave(actor=ada, group=harbour, agent_id="lena"))
    with pytest.raises(LeaderRequired):
        runs.start(actor=ada, group=harbour, task="Count the ships", attachments=[slow])
    assert not Run.objects.exists()
    assert not [path for path in store_dir.rglob("*") if path.is_file()]


def test_a_group_without_a_leader_copies_nothing(ada: User) -> None:
    def unread() -> None:
        raise AssertionError("it was copied")

    group = make_group(group_id="Headless", owner=ada, workers=("wim",))
    with pytest.raises(LeaderRequired):
        runs.start(actor=ada, group=group, task="Count", attachments=[Slow(unread)])
