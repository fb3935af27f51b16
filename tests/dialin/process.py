"""An agent's process as tests need it: it says what they want, over a real socket, or it is a real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from groups.models import AgentCredential
from tests.js.node import NODE

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "docs" / "examples"
#: Seconds within which every frame must come.
SOON = 6.0


class Address(NamedTuple):
    """Where an agent dials in."""

    server: str
    agent_id: str
    credential: str
    row: AgentCredential

    @property
    def url(self) -> str:
        return f"{self.server}/ws/v1/agents/{self.agent_id}/"


class Process:
    """One connection."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line
        self.seqs: dict[str, int] = {}

    def send(self, frame: Any) -> None:
        """Send a frame, or text as it is."""
        self.line.send(frame if isinstance(frame, str) else json.dumps(frame))

    def hello(self, **fields: Any) -> dict[str, Any]:
        """Say hello; the welcome."""
        self.send({"type": "hello", "name": "test", **fields})
        return self.hear("welcome")

    def say(self, call: str, kind: str, **fields: Any) -> None:
        """Say something of a call, with its next number."""
        self.seqs[call] = self.seqs.get(call, 0) + 1
        self.send({"type": kind, "call": call, "seq": self.seqs[call], **fields})

    def hear(self, *kinds: str) -> dict[str, Any]:
        """The next frame of one of these types; others are passed over."""
        until = time.monotonic() + SOON
        while True:
            frame: dict[str, Any] = json.loads(self.line.recv(timeout=until - time.monotonic()))
            if not kinds or frame["type"] in kinds:
                return frame

    def heard(self, call: str, seq: int) -> None:
        """Wait until that frame is acknowledged."""
        while True:
            ack = self.hear("ack")
            if ack["call"] == call and ack["seq"] >= seq:
                return

    def silent(self, seconds: float = 0.5) -> bool:
        """Whether no call is offered within that time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                if json.loads(self.line.recv(timeout=left))["type"] == "work":
                    return False
            except TimeoutError:
                return True
        return True

    def closed(self) -> int:
        """The code with which the server closes."""
        try:
            while True:
                self.line.recv(timeout=SOON)
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else 0


@contextmanager
def dialled(address: Address, **options: Any) -> Iterator[Process]:
    """A connection of the agent, until the end of the block; `options` are those of `connect`."""
    options.setdefault("additional_headers", {"Authorization": f"Bearer {address.credential}"})
    with connect(address.url, max_size=None, **options) as line:
        yield Process(line)


@contextmanager
def running(address: Address, program: str = "dial_in.py", pace: float = 0.01) -> Iterator[Any]:
    """The example as a process of its own; killed at the end of the block."""
    interpreter = sys.executable if program.endswith(".py") else str(NODE)
    environment = {**os.environ, "STARS_CREDENTIAL": address.credential, "PACE": str(pace)}
    process = subprocess.Popen(
        [interpreter, str(EXAMPLES / program), address.server, address.agent_id], env=environment
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
