"""Sync sockets of a real process whose Redis and PostgreSQL go and come back: streams wait, and miss nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.grown.conftest import LONG, Site, environment_of
from tests.servers import RedisServer
from tests.soak.processes import Postgres, new_database

pytestmark = [pytest.mark.grown, pytest.mark.timeout(180)]

PREPARE = """
from knox.models import AuthToken
from tests.factories import make_group, make_user
user = make_user()
make_group(group_id="Crew", owner=user)
print("token", AuthToken.objects.create(user)[1])
"""


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A PostgreSQL of this test's own."""
    found = Postgres()
    yield found
    found.remove()


@pytest.fixture
def own(server: Postgres, redis_server: RedisServer, tmp_path: Path) -> Iterator[Site]:
    """A site on it."""
    environment = environment_of(new_database(server.url), tmp_path)
    found = Site(environment | {"REDIS_URL": redis_server.url}, tmp_path / "diary")
    yield found
    found.stop()


class Talker:
    """A sync socket; answers heartbeats."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.prev = 0

    def say(self, t: str, **fields: Any) -> None:
        self.socket.send(msgspec.json.encode({"t": t, **fields}), text=True)

    def hear(self, *kinds: str) -> dict[str, Any]:
        """The next frame, of one of these kinds."""
        while True:
            frame: dict[str, Any] = msgspec.json.decode(self.socket.recv(timeout=LONG))
            if frame["t"] == "hb":
                self.say("hb", n=frame["n"], applied=0)
                continue
            assert frame["t"] in kinds, frame
            return frame

    def write(self, n: int) -> int:
        """Set plan's n; the status of the answer."""
        ops = [{"op": "set", "path": "/n", "value": n}]
        self.say("write", op_id=f"op{n}", state="plan", ops=ops)
        return int(self.hear("res")["status"])

    def hears(self, *versions: int) -> None:
        """Exactly these versions of plan come, in a chain."""
        seen: list[int] = []
        while len(seen) < len(versions):
            frame = self.hear("delta", "mark")
            assert frame["prev"] == self.prev
            self.prev = frame["rev"]
            seen += [each["v"] for each in frame.get("entries", ())]
        assert seen == list(versions)
        self.say("ack", sub=1, rev=self.prev)


@contextmanager
def talking(address: str, token: str) -> Iterator[Talker]:
    url = f"{address.replace('http', 'ws')}/ws/v1/spaces/Crew/sync"
    headers = {"Authorization": f"Token {token}"}
    with connect(url, additional_headers=headers, open_timeout=LONG, close_timeout=1) as socket:
        yield Talker(socket)


def end_of_hello(address: str, token: str) -> int:
    """How a socket that says hello is refused: the close code, or the status of the handshake."""
    try:
        with talking(address, token) as late:
            late.say("hello", proto=1)
            while True:
                late.hear("bye", "error")
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else 0
    except InvalidStatus as refused:
        return refused.response.status_code


def test_redis_and_the_database_go_and_come_back_and_no_stream_ends_or_misses_anything(
    own: Site, server: Postgres, redis_server: RedisServer
) -> None:
    shell = own.run("manage.py", "shell", "-v", "0", "-c", PREPARE, stdout=subprocess.PIPE)
    said, _ = shell.communicate(timeout=LONG)
    token = said.split()[-1]
    address = own.web()
    with talking(address, token) as writer, talking(address, token) as reader:
        for each in (writer, reader):
            each.say("hello", proto=1)
            each.hear("welcome")
        writer.say("write", op_id="op0", state="plan", create={"data": {"n": 0}})
        assert writer.hear("res")["status"] == 201
        reader.say("sub", sub=1, states=["plan"])
        while (frame := reader.hear("snap", "mark"))["t"] == "snap":
            pass
        reader.prev = frame["rev"]

        redis_server.stop()
        assert writer.write(1) == 200
        reader.hears(2)
        redis_server.start()
        assert writer.write(2) == 200
        reader.hears(3)

        server.crash()
        try:
            # Nobody knows whether it stands: asked again, it is answered.
            assert writer.write(3) == 503
            assert end_of_hello(address, token) in (1013, 500)
        finally:
            server.start()
        for _ in range(20):
            if writer.write(3) == 200:
                break
        assert writer.write(4) == 200
        reader.hears(4, 5)
        with talking(address, token) as again:
            again.say("hello", proto=1)
            assert again.hear("welcome")["head"] == 5
