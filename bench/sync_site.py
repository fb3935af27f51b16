"""Processes of the sync benchmark: ones that are spoken to in lines of JSON, and a Daphne that serves Stars."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from bench.servers import free_port

ROOT: Final = Path(__file__).resolve().parent.parent
#: Processor use (percent) below which a server counts as at rest, and seconds to wait for that at most.
REST: Final = 10
PATIENCE: Final = 20


class Talker:
    """A process that answers lines of JSON with such lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._in, self._out = process.stdin, process.stdout

    def tell(self, do: str, **more: Any) -> None:
        """Send a command."""
        print(json.dumps({"do": do, **more}), file=self._in, flush=True)

    def hear(self) -> Any:
        """The next answer."""
        line = self._out.readline()
        if not line:
            raise RuntimeError("a process of the benchmark has ended; its error stands above")
        return json.loads(line)

    def ask(self, do: str, **more: Any) -> Any:
        """One command and its answer."""
        self.tell(do, **more)
        return self.hear()


@contextmanager
def talker(module: str, **env: str) -> Iterator[Talker]:
    """A process of that module with these settings, killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={**os.environ, **env},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield Talker(process)
    finally:
        process.kill()
        process.wait()


class Served(psutil.Process):  # type: ignore[misc]  # psutil has no types
    """A server process and the port where it listens."""

    def __init__(self, pid: int, port: int) -> None:
        super().__init__(pid)
        self.port = port

    def rest(self) -> None:
        """Wait until it has nothing to do."""
        until = time.monotonic() + PATIENCE
        while self.cpu_percent(0.3) > REST and time.monotonic() < until:
            pass

    def seconds(self) -> float:
        """Of processor time so far."""
        taken = self.cpu_times()
        return float(taken.user + taken.system)

    def kib(self) -> float:
        """Of memory (RSS)."""
        return float(self.memory_info().rss / 1024)


@contextmanager
def served(command: Sequence[str], env: Mapping[str, str] | None = None) -> Iterator[Served]:
    """A server, once it listens; `{port}` in the command is where. Killed at the end."""
    port = free_port()
    process = subprocess.Popen(
        [each.format(port=port) for each in command],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                if process.poll() is not None:
                    raise RuntimeError(f"{command} ended; its error stands above") from None
                time.sleep(0.05)
        yield Served(process.pid, port)
    finally:
        process.kill()
        process.wait()


DAPHNE: Final = (
    *(sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", "{port}"),
    "bench.live_server:application",
)
EMBEDDED: Final = (sys.executable, "-m", "bench.sync_embedded", "{port}")
BARE: Final = (sys.executable, "-m", "bench.sync_bare", "{port}")


def settings_of(folder: str, database_url: str = "", redis_url: str = "") -> dict[str, str]:
    """Environment of all processes of one site; without addresses the embedded shape (SQLite, one process)."""
    return {
        "DATABASE_URL": database_url or f"sqlite:///{folder}/stars.sqlite3",
        "REDIS_URL": redis_url,
        "STARS_DATA_DIR": folder,
        "STARS_SECRET_KEY": "for the benchmark only",
        "DJANGO_SETTINGS_MODULE": "stars_site.settings",
    }


def said_of(commits: Iterable[tuple[int, int]], at: int) -> list[list[int]]:
    """When each revision after `at` was committed; of a batch only the last one was noted."""
    said = []
    for revision, moment in sorted(commits):
        said += [[each, moment] for each in range(at + 1, revision + 1)]
        at = max(at, revision)
    return said
