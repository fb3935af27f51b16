"""Viewers in one process, workers in others: every event arrives once and in order, whoever dies on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import psycopg
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.engine.scripted import wait_for
from tests.grown.conftest import LONG, Site

pytestmark = [pytest.mark.grown, pytest.mark.timeout(180)]

WIDTH = 4


class Viewer:
    """A socket that watches one run, and what it has heard so far."""

    def __init__(self, socket: ClientConnection, run: str, after: int = 0) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        socket.send(
            msgspec.json.encode({"type": "subscribe", "topic": f"run:{run}", "after": after}),
            text=True,
        )
        assert self._hear()["type"] == "hello"

    def until(self, kind: str, count: int = 1) -> None:
        """Listen until so many events of that type have come."""
        while sum(event["type"] == kind for event in self.events) < count:
            frame = self._hear()
            assert frame["type"] == "events", frame
            self.events += frame["events"]

    def seqs(self) -> list[int]:
        """The numbers heard, as they came."""
        return [event["seq"] for event in self.events]

    def _hear(self) -> dict[str, Any]:
        frame: dict[str, Any] = msgspec.json.decode(self.socket.recv(timeout=LONG))
        return frame


def socket_of(address: str, token: str) -> ClientConnection:
    """A live socket of the token's owner, as a page of the site opens it."""
    headers = {"Authorization": f"Token {token}", "Origin": address}
    return connect(f"{address.replace('http', 'ws')}/ws/v1/live/", additional_headers=headers)


def ids(lines: Iterator[str]) -> list[int]:
    """The ids of an event stream, up to its end."""
    return [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]


@pytest.mark.parametrize("killed", [False, True], ids=["in peace", "worker killed"])
def test_viewers_see_all_of_a_run_in_other_processes(site: Site, killed: bool) -> None:
    site.ask("prepare", width=WIDTH, seconds=3.0 if killed else 0.4)
    address, token = site.web(), site.ask("admit")
    site.beat()
    worker = site.worker()
    run = site.ask("start")
    stream = f"{address}/api/v1/runs/{run}/events/stream"
    header = {"Authorization": f"Token {token}"}
    with (
        socket_of(address, token) as early,
        socket_of(address, token) as late,
        httpx.stream("GET", stream, headers=header, timeout=LONG) as sse,
    ):
        first = Viewer(early, run)
        first.until("text.delta", WIDTH)
        if killed:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
            site.worker()
        seen = first.events[-1]["seq"]
        second = Viewer(late, run, after=seen)
        first.until("run.completed")
        second.until("run.completed")
        streamed = ids(sse.iter_lines())
    types = site.ended(run)["types"]
    everything = list(range(1, len(types) + 1))
    assert first.seqs() == streamed == everything
    assert [event["type"] for event in first.events] == types
    assert second.seqs() == everything[seen:]
    assert types.count("subtask.retrying") == (WIDTH if killed else 0)
    assert types.count("subtask.completed") == WIDTH + 3


def test_requests_leave_no_database_connection_behind(site: Site) -> None:
    site.ask("prepare", width=WIDTH, seconds=0.0)
    token = site.ask("admit")
    address = site.web()
    with httpx.Client(headers={"Authorization": f"Token {token}"}) as client:
        for _ in range(40):
            assert client.get(f"{address}/api/v1/groups/Crew/").status_code == 200
    url = site.environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as server:

        def others() -> int:
            count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            (found,) = server.execute(count).fetchone() or (0,)
            return int(found) - 1

        wait_for(lambda: others() == 1, "none but the desk's")
