"""A server that is told to stop, as the clients of its sync sockets see it: real processes, real sockets."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from django.conf import settings
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests import migrated
from tests.servers import free_port
from tests.upping import is_ready

pytestmark = pytest.mark.timeout(120)

READY = 60.0
PASSWORD = "correct horse 7"


class Site:
    """Processes over one data directory and on one port, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.port, self.log, self.data = free_port(), folder / "log", folder / "data"
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
        self._environment = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "stars_site.settings",
            "STARS_DATA_DIR": str(self.data),
            "STARS_PORT": str(self.port),
            "STARS_ADMIN_PASSWORD": PASSWORD,
            "STARS_SECRET_KEY": "a key for tests only",
        }
        migrated.lay(self.data / "stars.sqlite3")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *command: str) -> None:
        """Start and wait until it answers."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=settings.BASE_DIR,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + READY
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            if is_ready(self.url):
                return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def token(self) -> str:
        """An API token of the administrator's."""
        given = {"username": "admin", "password": PASSWORD}
        answer = httpx.post(f"{self.url}/api/v1/auth/token/", json=given)
        return str(answer.json()["token"])

    def socket(self, token: str) -> ClientConnection:
        """A sync socket of the space DevTeam."""
        address = f"{self.url.replace('http', 'ws')}/ws/v1/spaces/DevTeam/sync"
        headers = {"Authorization": f"Token {token}"}
        return connect(address, additional_headers=headers, max_size=None)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path)
    yield found
    found.kill()


def say(socket: ClientConnection, t: str, **fields: Any) -> None:
    socket.send(msgspec.json.encode({"t": t, **fields}), text=True)


def hear(socket: ClientConnection, *kinds: str) -> dict[str, Any]:
    """The next frame of these kinds."""
    while True:
        frame: dict[str, Any] = msgspec.json.decode(socket.recv(timeout=10))
        if frame["t"] in kinds:
            return frame


def stop(site: Site, number: signal.Signals, *sockets: ClientConnection) -> list[dict[str, Any]]:
    """Tell the process to end; what it says to these sockets before it closes them."""
    assert site.process is not None
    site.process.send_signal(number)
    byes = [hear(each, "bye") for each in sockets]
    for each, bye in zip(sockets, byes, strict=True):
        assert (bye["code"], bye["reason"]) == (1012, "restart")
        assert 0 <= bye.get("retry_after_ms", 0) <= 5000
        with pytest.raises(ConnectionClosed) as closed:
            each.recv(timeout=10)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1012
    # After SIGINT, Twisted ends by that very signal.
    assert site.process.wait(20) in {0, -number}
    assert "Traceback" not in site.log.read_text()
    return byes


def test_whoever_is_connected_is_told_where_to_go_on_and_does(site: Site) -> None:
    site.start("manage.py", "up")
    token = site.token()
    with site.socket(token) as socket, site.socket(token) as idle, site.socket(token) as mute:
        say(socket, "hello", proto=1)
        session = hear(socket, "welcome")["session"]
        say(socket, "write", op_id="a", state="plan", create={"data": {"n": 1}})
        assert hear(socket, "res")["status"] == 201
        say(socket, "sub", sub=5, states=["plan"])
        mark = hear(socket, "mark")
        say(socket, "ack", sub=5, rev=mark["rev"])
        say(idle, "hello", proto=1)
        hear(idle, "welcome")
        say(socket, "write", op_id="b", state="plan", ops=[{"op": "set", "path": "/n", "value": 2}])
        hear(socket, "res")
        bye, *_ = stop(site, signal.SIGTERM, socket, idle, mute)
        # What was sent and not acknowledged comes again.
        assert bye["tokens"] == {"5": mark["token"]}

    # Under Daphne's own command it is the same, and what the other process kept is known there.
    daphne = ("-m", "daphne", "-v", "0", "-p", str(site.port), "stars_site.asgi:application")
    site.start(*daphne)
    with sqlite3.connect(site.data / "stars.sqlite3") as database:
        row = "SELECT status, process, acked, expires_at > last_heartbeat FROM state_connection"
        found = database.execute(f"{row} WHERE id = ?", [session]).fetchone()
    database.close()
    assert found == ("reconnecting", "", mark["rev"], 1)
    with site.socket(token) as again, site.socket(token) as bad:
        say(again, "hello", proto=1, session=session)
        assert hear(again, "welcome")["resumed"]
        say(again, "sub", sub=5, states=["plan"], **{"from": bye["tokens"]["5"]})
        (entry,) = hear(again, "delta", "snap")["entries"]
        assert (entry["v"], entry["op_id"]) == (2, "b")
        # As large as a document may be, both ways; a larger frame is refused, and the socket stays.
        say(bad, "hello", proto=1)
        hear(bad, "welcome")
        say(bad, "sub", sub=1, states=["big"])
        hear(bad, "mark")
        text = "a" * (1024 * 1024 - 16)
        say(bad, "write", op_id="c", state="big", create={"data": {"x": text}})
        assert hear(bad, "res")["status"] == 201
        (entry,) = hear(bad, "delta")["entries"]
        assert entry["ops"][0]["value"] == {"x": text}
        say(bad, "write", op_id="d", state="big", create={"data": {"x": text + "a" * 100_000}})
        assert hear(bad, "error")["reason"] == "frame_too_large"
        # Frames that nobody could mean end their own socket only.
        with pytest.raises(ConnectionClosed) as closed:
            bad.send("[" * 4_000_000)
            hear(bad, "nothing")
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
        stop(site, signal.SIGINT, again)
