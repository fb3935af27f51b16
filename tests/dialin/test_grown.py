"""A program dials in at a web process while workers of their own carry the run out: Daphne, PostgreSQL, Redis."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.dialin.process import EXAMPLES
from tests.engine.scripted import wait_for
from tests.grown.conftest import LONG, Site, site  # noqa: F401  (fixtures)
from tests.js.node import NODE

pytestmark = [pytest.mark.grown, pytest.mark.timeout(180)]

PREPARE = """
import django
django.setup()
from groups.services import credentials
from tests.factories import make_agent, make_group
make_agent(agent_id="lena")
dora = make_agent(agent_id="dora", kind="connected", config={"grace": 5.0})
make_group(group_id="Crew", leader="lena", workers=("dora",))
print(credentials.make(actor=None, agent=dora)[1])
"""


def test_a_program_works_for_workers_elsewhere_and_outlives_them(
    site: Site,  # noqa: F811
    tmp_path: Path,
) -> None:
    made = site.run("-c", PREPARE, stdout=subprocess.PIPE)
    assert made.stdout is not None
    credential = made.stdout.read().strip()
    site.beat()
    worker = site.worker()
    address = site.web().replace("http", "ws")
    environment = {"STARS_CREDENTIAL": credential, "PACE": "1.0"}
    program = subprocess.Popen(
        [str(NODE), str(EXAMPLES / "dial_in.js"), address, "dora"], env=environment
    )
    try:
        run = site.ask("start")
        types: list[str] = []

        def speaks() -> bool:
            types[:] = site.ask("look", run=run)["types"]
            return types.count("text.delta") >= 2

        wait_for(speaks, "the program's first words", seconds=LONG)
        # The worker that listens is killed; the program goes on and the next worker hears all of it.
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        site.worker()
        ended = site.ended(run)
    finally:
        program.kill()
        program.wait()
    assert ended["status"] == "completed"
    assert ended["subtasks"]["1"]["attempt"] == 2
    assert "SLEEP A LITTLE" in ended["result"]
