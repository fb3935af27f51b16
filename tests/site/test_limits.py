"""What may be sent to a real Daphne, by whom, and what it costs."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]  # it has no types
import pytest
from django.conf import settings
from twisted.internet.testing import StringTransport

from stars_site import limits
from tests import migrated
from tests.servers import free_port
from tests.upping import is_ready

pytestmark = pytest.mark.timeout(120)

MB = 1024 * 1024
PASSWORD = "correct horse 7"


class Web:
    """A Daphne of its own, started as docs/deploy.md says, on an SQLite of its own."""

    def __init__(self, data: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data / "log"
        environment = {
            **{k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}},
            "DJANGO_SETTINGS_MODULE": "stars_site.settings",
            "STARS_DATA_DIR": str(data),
            "STARS_ADMIN_PASSWORD": PASSWORD,
            "STARS_ATTACHMENT_MAX_MB": "64",
        }
        migrated.lay(data / "stars.sqlite3")
        prepare = [sys.executable, "manage.py", "prepare"]
        subprocess.run(prepare, cwd=settings.BASE_DIR, env=environment, check=True)
        command = ["-m", "daphne", "-v", "0", "-p", str(self.port), "stars_site.asgi:application"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=settings.BASE_DIR,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 60
        while not is_ready(self.url):
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        given = {"username": "admin", "password": PASSWORD}
        # In chunks, so without a Content-Length: small ones need no credentials.
        chunks = iter([json.dumps(given).encode()])
        kind = {"Content-Type": "application/json"}
        answer = httpx.post(f"{self.url}/api/v1/auth/token/", content=chunks, headers=kind)
        self.token = f"Token {answer.json()['token']}"

    def announce(self, length: int, **headers: str) -> httpx.Response:
        """The answer to a request that says it has a body of that length and sends none of it."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.putrequest("POST", "/api/v1/groups/")
            for name, value in {"Content-Length": str(length), **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    started = Web(tmp_path_factory.mktemp("web"))
    yield started
    started.process.kill()
    started.process.wait()


def test_strangers_are_refused_before_they_send_much(web: Web) -> None:
    for headers in ({}, {"Authorization": "Token wrong"}, {"Cookie": "sessionid=wrong"}):
        answer = web.announce(2 * MB, **headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Token"
        assert answer.json()["reason"] == "not_authenticated"
    page = web.announce(2 * MB, Accept="text/html,*/*")
    assert (page.status_code, page.headers["content-type"]) == (401, "text/plain; charset=utf-8")


def test_nobody_may_announce_more_than_all_attachments(web: Web) -> None:
    answer = web.announce(20 * 65 * MB, Authorization=web.token)
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")


def test_strangers_who_do_not_say_how_much_are_refused_when_it_is_too_much(web: Web) -> None:
    sent = 0
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as raw:
        raw.sendall(b"POST /login/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not select.select([raw], [], [], 0)[0]:
            raw.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            sent += 0x10000
            assert sent < 64 * MB
        assert raw.recv(65536).startswith(b"HTTP/1.1 401 ")


def test_a_large_attachment_costs_no_memory_and_stops_nobody(web: Web) -> None:
    process = psutil.Process(web.process.pid)
    before = peak = process.memory_info().rss
    slowest, done = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak, slowest
        while not done.wait(0.01):
            peak = max(peak, process.memory_info().rss)
            began = time.monotonic()
            httpx.get(f"{web.url}/healthz", timeout=60)
            slowest = max(slowest, time.monotonic() - began)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        answer = httpx.post(
            f"{web.url}/api/v1/groups/DataPipeline/runs/",
            headers={"Authorization": web.token},
            data={"task": "Count"},
            files={"attachments": ("numbers.csv", b"a,b\n" + b"1,2\n" * (12 * MB))},
            timeout=60,
        )
    finally:
        done.set()
        watching.join()
    assert answer.status_code == 201, web.log.read_text()
    [attachment] = answer.json()["attachments"]
    assert attachment["size"] == 48 * MB + 4
    assert peak - before < 32 * MB
    assert slowest < 5.0


async def test_without_a_database_large_bodies_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: Any) -> None:
        raise OSError("away")

    monkeypatch.setattr(limits, "identify", away)

    class Channel:
        """As much of Twisted's HTTP channel as a request needs."""

        transport: Any = StringTransport()  # type: ignore[no-untyped-call]

        def loseConnection(self) -> None:
            pass

        def getPeer(self) -> None:
            pass

        getHost = getPeer

    class Server:
        """As much of Daphne's server."""

        server: Any

        def protocol_connected(self, protocol: object) -> None:
            pass

    channel: Any = Channel()
    channel.factory = Server()
    channel.factory.server = channel.factory
    request = limits.Request(channel, 0)
    request.gotLength(2 * MB)
    assert channel.transport.producerState == "paused"
    assert request._looking is not None
    await request._looking
    assert channel.transport.producerState == "producing"
    head, _, body = channel.transport.value().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 1" in head
    assert json.loads(body)["reason"] == "unavailable"
    request.handleContentChunk(b"dropped")
    assert request.content.closed
