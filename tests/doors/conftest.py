"""A real server with real sockets, its groups of scripted agents, and tokens for them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import migrated
from tests.servers import free_port
from tests.upping import is_ready, start_up

PASSWORD = "correct horse 7"
#: What the members of the made groups do, by role and kind of work.
LEADER = {"kinds": ["plan"], "plan": 2}


class Site:
    """`manage.py up` on a port and a data directory of its own."""

    def __init__(self, folder: Path) -> None:
        self.port, self.log = free_port(), folder / "log"
        self.url = f"http://127.0.0.1:{self.port}"
        migrated.lay(folder / "data" / "stars.sqlite3")
        self.process = start_up(folder / "data", self.port, self.log, STARS_ADMIN_PASSWORD=PASSWORD)
        deadline = time.monotonic() + 60
        while not is_ready(self.url):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        given = {"username": "admin", "password": PASSWORD}
        answer = httpx.post(f"{self.url}/api/v1/auth/token/", json=given, timeout=30)
        self.token = str(answer.json()["token"])
        headers = {"Authorization": f"Bearer {self.token}"}
        self.api = httpx.Client(base_url=f"{self.url}/api/v1/", headers=headers, timeout=20)

    def post(self, path: str, **body: Any) -> Any:
        """What the API answers, which must be well."""
        answer = self.api.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def group(self, group_id: str, **scripts: dict[str, Any]) -> str:
        """A group with a leader and two workers; `scripts` by name (lead, one, two) say what they do."""
        self.post("groups/", id=group_id, name=group_id)
        for name, role in (("lead", "leader"), ("one", "worker"), ("two", "worker")):
            agent_id = f"{group_id}-{name}"
            config: dict[str, Any] = {"skill": "leader" if role == "leader" else "digest"}
            if name in scripts:
                config["script"] = scripts[name]
            self.post("agents/", agent_id=agent_id, name=name, kind="builtin", config=config)
            self.post(f"groups/{group_id}/members/", agent_id=agent_id, role=role)
        return group_id

    def stop(self) -> None:
        """End it as a crash would."""
        self.api.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all tests of doors; each has groups of its own."""
    found = Site(tmp_path_factory.mktemp("site"))
    yield found
    found.stop()
