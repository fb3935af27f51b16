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
from tests.grown import choosing

#: Processes of pytest-xdist.
WORKERS: Final = 4
#: Who is free takes from who is not: tests take from a hundredth of a second to half a minute.
CHOSEN: Final = ("-n", str(WORKERS), "--dist", "worksteal", "-p", "tests.grown.choosing")
#: Where those stand; the others need not be read.
FOLDERS: Final = tuple(
    f"tests/{name}" for name in sorted({*choosing.AGAIN, *choosing.ALSO, "dialin", "grown"})
)
#: Has servers of its own and mostly waits, so it goes beside the others.
BESIDE: Final = ("-m", "grown", "tests/soak")


def main() -> int:
    """Start the servers, run pytest, stop them. 0 when everything has passed."""
    arguments = sys.argv[1:] or [*CHOSEN, *FOLDERS]
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
                if not sys.argv[1:]
                else None
            )
            if beside is not None:
                stack.callback(beside.kill)
            codes = [subprocess.call([*pytest, *arguments], env=environment)]
            if beside is not None:
                codes.append(beside.wait())
                told.seek(0)
                sys.stdout.write(told.read())
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
