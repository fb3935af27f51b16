"""Structs are used by many threads at once, from the first time on."""

from __future__ import annotations

import subprocess
import sys

import msgspec

from state import structs

#: In a process of its own, since what goes wrong ends it.
CROWD = """
import sys, threading
import msgspec
from typing import Literal
from state import structs

sys.setswitchinterval(1e-6)
for _ in range(300):
    class Done(msgspec.Struct):
        end: Literal["ok", "fail"]
        what: Literal["read", "write"]
        value: str | None
        took: float = 0.0

    structs.learn()
    together = threading.Barrier(5)

    def work():
        together.wait()
        msgspec.convert({"end": "ok", "what": "read", "value": None}, Done)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("all is well")
"""


def test_many_threads_may_be_the_first() -> None:
    done = subprocess.run([sys.executable, "-c", CROWD], capture_output=True, text=True, timeout=60)
    assert done.stdout == "all is well\n", (done.returncode, done.stderr)


def test_what_cannot_be_read_stops_nobody() -> None:
    class Odd(msgspec.Struct):
        field: Nowhere  # type: ignore[name-defined]  # noqa: F821

    class Plain(msgspec.Struct):
        number: int

    structs.learn()
    structs.learn()
    assert msgspec.convert({"number": 1}, Plain) == Plain(1)
