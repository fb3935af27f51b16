"""The same on etcd, where one is installed (Debian: etcd-server, etcd-client; STARS_BENCH_ETCD may name their folder):
a watch from a revision 10,000 events ago, and all keys of a prefix, through its JSON gateway and its own client.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.servers import free_port
from bench.sync_site import served

THREADS: Final = 8


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.environ.get("STARS_BENCH_ETCD")) or shutil.which(name)


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Etcd:
    """One server, asked through its JSON gateway."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(
        self, path: str, body: dict[str, Any], connection: http.client.HTTPConnection | None = None
    ) -> http.client.HTTPResponse:
        """POST; the answer is still to be read."""
        connection = connection or http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("POST", path, json.dumps(body))
        return connection.getresponse()

    def fill(self, prefix: str, count: int, keys: int, size: int) -> None:
        """So many puts on so many keys; the threads share them."""

        def put(first: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
            value = _b64("x" * size)
            for number in range(first, count, THREADS):
                key = _b64(f"{prefix}/{number % keys}")
                self.ask("/v3/kv/put", {"key": key, "value": value}, connection).read()

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(put, range(THREADS)))

    def watch(self, prefix: str, start: int, count: int) -> float:
        """Seconds until so many events since that revision have come."""
        begun, seen = time.monotonic(), 0
        body = {"key": _b64(f"{prefix}/"), "range_end": _b64(f"{prefix}0"), "start_revision": start}
        response = self.ask("/v3/watch", {"create_request": body})
        while seen < count:
            seen += len(msgspec.json.decode(response.readline())["result"].get("events", ()))
        response.close()
        return time.monotonic() - begun

    def watch_with_own_client(self, prefix: str, start: int, count: int) -> float:
        """The same with `etcdctl`, three lines an event."""
        command = (_program("etcdctl") or "", "--endpoints", f"127.0.0.1:{self.port}", "watch")
        begun = time.monotonic()
        process = subprocess.Popen(
            [*command, "--prefix", f"{prefix}/", "--rev", str(start)],
            env={**os.environ, "ETCDCTL_API": "3"},
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        for _ in range(count * 3):
            process.stdout.readline()
        taken = time.monotonic() - begun
        process.kill()
        process.wait()
        return taken

    def snapshot(self, prefix: str) -> tuple[int, float]:
        """How many keys, and seconds until all of them have come."""
        begun = time.monotonic()
        body = {"key": _b64(f"{prefix}/"), "range_end": _b64(f"{prefix}0")}
        found = msgspec.json.decode(self.ask("/v3/kv/range", body).read())
        return len(found["kvs"]), time.monotonic() - begun


@contextmanager
def etcd() -> Iterator[Etcd | None]:
    """A fresh server; None where there is none to start."""
    program = _program("etcd")
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="stars-bench-etcd-") as folder:
        command = [
            *(program, "--data-dir", str(Path(folder) / "data"), "--log-level", "error"),
            *("--listen-client-urls", "http://127.0.0.1:{port}"),
            *("--advertise-client-urls", "http://127.0.0.1:{port}"),
            *("--listen-peer-urls", f"http://127.0.0.1:{free_port()}"),
        ]
        with served(command) as server:
            found = Etcd(server.port)
            found.fill("ready", 1, 1, 1)  # the first write waits for its election
            yield found
