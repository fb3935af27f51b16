"""Stars in one process, which notes when each revision was committed: a line `revision nanoseconds` in a file.

python -m bench.sync_embedded <port>
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import django


def main() -> None:
    """Serve; the file's name stands in BENCH_COMMITS."""
    django.setup()
    from stars_site import embedded
    from state import conf

    poke = conf._poke
    with Path(os.environ["BENCH_COMMITS"]).open("w", buffering=1) as commits:

        def noted(space: str, revision: int, states: tuple[str, ...]) -> None:
            commits.write(f"{revision} {time.monotonic_ns()}\n")
            poke(space, revision, states)

        conf._poke = noted
        embedded.serve(host="127.0.0.1", port=int(sys.argv[1]), on_ready=lambda: None)


if __name__ == "__main__":
    main()
