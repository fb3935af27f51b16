"""What processes say of themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from groups.models import Process, ProcessKind
from groups.services import processes

pytestmark = pytest.mark.django_db


def test_a_process_is_one_row_that_tells_how_it_stands_now() -> None:
    began = timezone.now() - timedelta(hours=1)
    swept = timezone.now()
    worker = {"kind": ProcessKind.WORKER, "name": "here/1/7", "started_at": began}
    processes.heard(**worker, slots=8, free=8, swept_at=swept)  # type: ignore[arg-type]
    processes.heard(**worker, slots=8, free=3)  # type: ignore[arg-type]
    processes.heard(kind=ProcessKind.WEB, name="here/1/7", started_at=began)
    row = Process.objects.get(kind="worker")
    assert (row.slots, row.free, row.started_at, row.swept_at) == (8, 3, began, swept)
    assert timezone.now() - row.heard_at < timedelta(seconds=5)
    processes.gone(kind=ProcessKind.WORKER, name="here/1/7")
    assert [each.kind for each in Process.objects.all()] == ["web"]


def test_what_has_long_been_silent_is_forgotten_when_another_one_comes() -> None:
    now = timezone.now()
    for name, heard_at in (("old", now - timedelta(hours=1)), ("late", now - timedelta(minutes=2))):
        Process.objects.create(kind="worker", name=name, started_at=heard_at, heard_at=heard_at)
    processes.heard(kind=ProcessKind.WORKER, name="new", started_at=now)
    assert set(Process.objects.values_list("name", flat=True)) == {"late", "new"}


def test_what_ended_without_a_word_is_forgotten_when_its_place_is_taken() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    now, lives = timezone.now(), os.getppid()
    for name in (f"here/1/{ended.pid}", f"here/1/{lives}", f"there/1/{ended.pid}"):
        Process.objects.create(kind="worker", name=name, started_at=now, heard_at=now)
    processes.heard(kind=ProcessKind.WORKER, name=f"here/1/{os.getpid()}", started_at=now)
    assert set(Process.objects.values_list("name", flat=True)) == {
        f"here/1/{os.getpid()}",
        f"here/1/{lives}",
        f"there/1/{ended.pid}",
    }
