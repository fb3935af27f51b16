"""W0 (shared-state 4): five agents, each a process of its own, add 50 to one number; it must read 250.

`python -m bench.state_demo` does it by compare-and-set, by the `counter` merge, and by both again while an agent is
killed with SIGKILL in the middle and started anew. Nothing is retried blindly: an agent that does not know how its
last write ended asks under its op_id.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

AGENTS: Final = 5
INCREMENTS: Final = 50
SPACE: Final = "demo"
COUNTER: Final = {"properties": {"n": {"type": "integer", "x-stars-merge": "counter"}}}


def main() -> int:
    """Run all four; 0 when every one reads 250."""
    if len(sys.argv) == 4 and sys.argv[1] == "agent":
        return _agent(sys.argv[2], sys.argv[3])
    with tempfile.TemporaryDirectory(prefix="stars-demo-") as directory:
        os.environ["STARS_DATA_DIR"] = directory
        _setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        results = [_demo(way, killed) for killed in (False, True) for way in ("cas", "counter")]
    return 0 if all(results) else 1


def _setup() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stars_site.settings")
    import django

    django.setup()


def _demo(way: str, killed: bool) -> bool:
    from state import conf
    from state.policy import system

    manager, name = conf.manager(), f"{way}-{'killed' if killed else 'calm'}"
    schema = COUNTER if way == "counter" else None
    manager.create_state(system(SPACE), name, owners=["role:leader"], data={"n": 0}, schema=schema)

    def value() -> int:
        return int(manager.get_state(system(SPACE), name).data["n"])

    began = time.perf_counter()
    agents = [_start(name, str(number)) for number in range(AGENTS)]
    if killed:
        while value() < AGENTS * INCREMENTS // 3:
            time.sleep(0.01)
        agents[0].kill()
        agents[0].wait()
        agents[0] = _start(name, "0")
    codes = [agent.wait() for agent in agents]
    seconds = time.perf_counter() - began
    metrics = [entry.agent for entry in manager.history(system(SPACE), name, limit=1000)]
    fair = not any(codes) and value() == AGENTS * INCREMENTS
    print(
        f"{name:16} reads {value()} of {AGENTS * INCREMENTS}, {len(metrics) - 1} versions,"
        f" {seconds:.1f} s{'' if fair else '  WRONG'}"
    )
    return fair


def _start(state: str, number: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bench.state_demo", "agent", state, number]
    return subprocess.Popen(command, cwd=Path(__file__).parent.parent)


def _agent(state: str, number: str) -> int:
    """One agent: its increments one after the other, those that already stand left out."""
    _setup()
    from state import conf
    from state.errors import Conflict
    from state.manager import Base
    from state.policy import Caller
    from state.refusals import OperationNotFound
    from state.values import Operation, OperationStatus, OperationType

    manager = conf.manager()
    me = Caller(space=SPACE, name=f"agent:{number}")

    def stands(op_id: str) -> bool | None:
        """Whether that write took place; None when nothing is known of it."""
        try:
            return manager.operation(me, op_id).status in (
                OperationStatus.APPLIED,
                OperationStatus.MERGED,
            )
        except OperationNotFound:
            return None

    for increment in range(INCREMENTS):
        attempt = 0
        while True:
            op_id = f"{state}:{number}:{increment}:{attempt}"
            attempt += 1
            if (known := stands(op_id)) is not None:
                if known:
                    break
                continue
            now = manager.get_state(me, state)
            n = now.data["n"]
            if state.startswith("cas"):
                ops = [Operation(OperationType.CAS, "/n", n + 1, expect=n)]
            else:
                ops = [Operation(OperationType.SET, "/n", n + 1)]
            with suppress(Conflict):
                manager.update_state(me, state, ops, base=Base(version=now.version), op_id=op_id)
                break
    conf.close_manager()
    return 0


if __name__ == "__main__":
    sys.exit(main())
