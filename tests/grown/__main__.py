"""Runs the tests of engine and live again in the grown shape: `python -m tests.grown [arguments of pytest]`.

Starts PostgreSQL and Redis from the development packages and names them to pytest in the environment. Without
arguments it runs what `make grown` promises.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from tests import servers

#: Processes of pytest-xdist.
WORKERS: Final = 3
#: Everything that reads or writes rows, or listens.
AGAIN: Final = ("engine", "live", "replay", "services", "sockets")
SESSIONS: Final = (
    ("-n", str(WORKERS), "-m", "not grown", *(f"tests/{name}" for name in AGAIN)),
    # Shared states in the database; the other stores are the same here as everywhere.
    ("-n", str(WORKERS), "-m", "not grown", "-k", "database", "tests/persistence", "tests/states"),
    # What syncing keeps in rows of its own.
    ("-n", str(WORKERS), "-m", "not grown", "-k", "sessions or sync_tasks", "tests/sync"),
    # They start processes of their own.
    ("-n", str(WORKERS), "-m", "grown", "--ignore", "tests/soak"),
)
#: Has servers of its own and mostly waits, so it goes beside the others.
BESIDE: Final = ("-m", "grown", "tests/soak")


def main() -> int:
    """Start the servers, run pytest, stop them. 0 when everything has passed."""
    sessions = (tuple(sys.argv[1:]),) if sys.argv[1:] else SESSIONS
    with ExitStack() as stack:
        database = stack.enter_context(servers.postgres())
        # One for each worker: a Redis has one space of channels, whatever the number of the database.
        stores = [servers.RedisServer() for _ in range(WORKERS)]
        for store in stores:
            stack.callback(store.remove)
            store.start()
        urls = " ".join(store.url for store in stores)
        environment = {**os.environ, "DATABASE_URL": database, "STARS_TEST_REDIS_URLS": urls}
        pytest = [sys.executable, "-m", "pytest"]
        with Path(os.devnull).open() as nothing, TemporaryFile("w+") as told:
            beside = (
                subprocess.Popen([*pytest, *BESIDE], stdin=nothing, stdout=told, stderr=told)
                if sessions is SESSIONS
                else None
            )
            if beside is not None:
                stack.callback(beside.kill)
            codes = [subprocess.call([*pytest, *each], env=environment) for each in sessions]
            if beside is not None:
                codes.append(beside.wait())
                told.seek(0)
                sys.stdout.write(told.read())
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
