"""A worker in a process of its own that tells its memory: `python -m tests.agents.peak FILE SKILL LIMIT`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from groups.agents.builtin import database
from tests.agents.kit import work


def peak() -> float:
    """The most memory that this process has had so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # What getrusage says includes the process that this one was forked from.
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) / 1024
    return getrusage(RUSAGE_SELF).ru_maxrss / 1024**2


def main(file: str, skill: str, limit: str) -> None:
    """Work with DuckDB held to `limit`; one line of JSON with the text and the peak."""
    vars(database)["MEMORY_LIMIT"] = limit
    text = work(Path(file), skill)
    sys.stdout.write(json.dumps({"text": text, "peak": peak()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
