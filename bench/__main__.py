"""All benchmarks, one after the other, as `make bench` runs them.

python -m bench [engine] [live] [embedded] [runpage] [states] [sync] [llm]
"""

from __future__ import annotations

import subprocess
import sys

PARTS = ("engine", "live", "embedded", "runpage", "states", "sync", "llm")


def main() -> None:
    """Each in a process of its own, for each configures the site its own way."""
    for part in sys.argv[1:] or PARTS:
        print(f"\n## {part}\n", flush=True)
        subprocess.run([sys.executable, "-m", f"bench.{part}"], check=True)


if __name__ == "__main__":
    main()
