"""A migrated site on real servers, the processes it is made of, and the diary of its agents."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from tests.engine.scripted import wait_for
from tests.servers import RedisServer, free_port, other_database
from tests.upping import is_ready

ROOT = Path(__file__).resolve().parent.parent.parent
#: Processes start slowly on a busy machine.
LONG = 40.0


class Line(NamedTuple):
    """A line of the diary; see `tests.grown.agents`."""

    what: str
    subtask: str
    attempt: int
    pid: int
    at: float


@dataclass
class Site:
    """The grown site: its environment and the processes that were started in it."""

    environment: dict[str, str]
    diary_path: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    _desk: subprocess.Popen[str] | None = None

    def run(self, *arguments: str, **pipes: Any) -> subprocess.Popen[str]:
        """Start a Python process of the site, as the leader of a group of its own."""
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=self.environment,
            cwd=ROOT,
            text=True,
            start_new_session=True,
            **pipes,
        )
        self.processes.append(process)
        return process

    def worker(self, pool: str = "threads") -> subprocess.Popen[str]:
        """Start a worker as `docs/deploy.md` says."""
        celery = ("-m", "celery", "-A", "stars_site", "worker", "--loglevel", "WARNING")
        return self.run(*celery, "--pool", pool, "--concurrency", "2", "-I", "tests.grown.agents")

    def beat(self) -> subprocess.Popen[str]:
        """Start beat as `docs/deploy.md` says."""
        scheduler = ("--scheduler", "celery.beat:Scheduler")
        return self.run("-m", "celery", "-A", "stars_site", "beat", *scheduler)

    def web(self) -> str:
        """Start Daphne as `docs/deploy.md` says; its address, once it answers."""
        port = free_port()
        self.run("-m", "daphne", "-v", "0", "-p", str(port), "stars_site.asgi:application")
        address = f"http://127.0.0.1:{port}"

        wait_for(lambda: is_ready(address), "the web process", seconds=LONG)
        return address

    def ask(self, do: str, **fields: Any) -> Any:
        """Have the desk do something (see `tests.grown.desk`)."""
        if self._desk is None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._desk = self.run("-m", "tests.grown.desk", **pipes)
        assert self._desk.stdin is not None and self._desk.stdout is not None
        self._desk.stdin.write(json.dumps({"do": do, **fields}) + "\n")
        self._desk.stdin.flush()
        return json.loads(self._desk.stdout.readline())

    def ended(self, run: str) -> Any:
        """The run once it is over."""
        over = ("completed", "failed", "cancelled")
        wait_for(lambda: self.ask("look", run=run)["status"] in over, "the end", seconds=LONG)
        return self.ask("look", run=run)

    def diary(self, what: str = "") -> list[Line]:
        """What the agents have written so far."""
        lines = [line.split() for line in self.diary_path.read_text().splitlines()]
        found = [Line(w, s, int(a), int(p), float(t)) for w, s, a, p, t in lines]
        return [line for line in found if what in ("", line.what)]

    def stop(self) -> None:
        """Kill all that still runs, children included."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def environment_of(database: str, folder: Path) -> dict[str, str]:
    """What the processes of a site with that database are told."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "stars_site.settings",
        "DATABASE_URL": database,
        "STARS_DATA_DIR": str(folder),
        "STARS_SECRET_KEY": "a key for tests only",
        "STARS_SWEEP_SECONDS": "0.5",
    }


@pytest.fixture
def site(postgres_url: str, redis_server: RedisServer, tmp_path: Path) -> Iterator[Site]:
    """A migrated, empty site with no process running yet."""
    name = f"stars_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    diary = tmp_path / "diary"
    diary.touch()
    environment = environment_of(other_database(postgres_url, name), tmp_path)
    environment |= {"REDIS_URL": redis_server.url, "STARS_TEST_DIARY": str(diary)}
    site = Site(environment, diary)
    yield site
    site.stop()
