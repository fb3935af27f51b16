"""A web process says that it lives, and when it ends."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import OperationalError

from groups.engine.engine import owner_name
from groups.models import Process
from groups.services import processes
from stars_site import pulse
from stars_site.asgi import application
from tests.engine.scripted import wait_for


@pytest.mark.django_db(transaction=True)
def test_it_tells_of_itself_until_it_is_stopped() -> None:
    one = pulse.Pulse()
    one.start()
    wait_for(Process.objects.exists, "a word")
    row = Process.objects.get()
    assert (row.kind, row.name) == ("web", owner_name())
    one.stop()
    assert not one.is_alive() and not Process.objects.exists()


@pytest.mark.django_db(transaction=True)
async def test_servers_that_know_a_lifespan_begin_and_end_it() -> None:
    make: Any = ApplicationCommunicator
    server = make(application, {"type": "lifespan"})
    await server.send_input({"type": "lifespan.startup"})
    assert (await server.receive_output(30))["type"] == "lifespan.startup.complete"
    await asyncio.to_thread(wait_for, Process.objects.exists, "a word")
    await server.send_input({"type": "lifespan.shutdown"})
    assert (await server.receive_output(30))["type"] == "lifespan.shutdown.complete"
    await server.wait(30)
    assert not await Process.objects.aexists()


def test_a_database_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def away(**_: object) -> None:
        calls.append(1)
        if len(calls) < 3:
            raise OperationalError

    monkeypatch.setattr(processes, "heard", away)
    monkeypatch.setattr(processes, "gone", away)
    monkeypatch.setattr(processes, "EVERY", 0.01)
    one = pulse.Pulse()
    one.start()
    wait_for(lambda: len(calls) >= 3, "the third try")
    one.stop()
    assert not one.is_alive()


def test_nothing_begins_by_itself_under_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "daphne.server", raising=False)
    monkeypatch.setattr(pulse.Pulse, "start", lambda _: pytest.fail("began"))
    pulse.install()
