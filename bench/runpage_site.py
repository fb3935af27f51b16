"""The site of the run page's benchmark: one started process on SQLite, a long finished run, and runs that stream."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from bench.servers import free_port

ROOT: Final = Path(__file__).resolve().parent.parent
PASSWORD: Final = "bench-password"
#: Each worker writes a piece every 50 ms, which is as often as the log takes it.
PACE: Final = 0.05
WORKERS: Final = 12
LIVE: Final = "Harbour"


class Site:
    """A running Stars and a client signed in to its REST."""

    def __init__(self, folder: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.socket = f"ws://127.0.0.1:{port}/ws/v1/live/"
        self._printed = Path(folder, "up.log")
        os.environ |= {
            "DATABASE_URL": f"sqlite:///{folder}/stars.sqlite3",
            "REDIS_URL": "",
            "STARS_DATA_DIR": folder,
            "STARS_PORT": str(port),
            "STARS_ADMIN_PASSWORD": PASSWORD,
            "STARS_SECRET_KEY": "for the benchmark only",
            "DJANGO_SETTINGS_MODULE": "stars_site.settings",
        }
        with self._printed.open("w") as output:
            command = [sys.executable, "-u", "manage.py", "up"]
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)

    def link(self) -> str:
        """The link that signs in once."""
        for _ in range(600):
            found = re.search(r"http\S+/login/link/\S+", self._printed.read_text())
            if found:
                return found[0]
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(self._printed.read_text())

    def sign_in(self) -> None:
        """Get a token."""
        self.rest = httpx.Client(base_url=f"{self.url}/api/v1/", timeout=30)
        who = {"username": "admin", "password": PASSWORD}
        self.token = self._post("auth/token/", who)["token"]
        self.rest.headers["Authorization"] = f"Token {self.token}"

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.rest.post(path, json=body)
        if answer.is_error:
            raise RuntimeError(f"{path}: {answer.text}")
        return answer.json()

    def people(self, seconds: float) -> None:
        """A group whose workers write for that long."""
        pieces = int(seconds / PACE)
        reply = "".join(f"{number:>6} ships counted at the pier.\n" for number in range(pieces))
        script = {"kinds": ["work"], "reply": reply, "chunks": pieces, "pace": PACE}
        plan = {"skill": "leader", "script": {"kinds": ["plan"], "plan": WORKERS}}
        self._post("groups/", {"id": LIVE, "name": LIVE})
        agents = [("bench-lena", plan, "leader")]
        agents += [
            (f"bench-{n}", {"skill": "digest", "script": script}, "worker") for n in range(WORKERS)
        ]
        for agent_id, config, role in agents:
            about = {"agent_id": agent_id, "name": agent_id, "kind": "builtin", "config": config}
            self._post("agents/", about)
            self._post(f"groups/{LIVE}/members/", {"agent_id": agent_id, "role": role})

    def start(self) -> str:
        """Start a run that streams; its id."""
        return str(self._post(f"groups/{LIVE}/runs/", {"task": "Count the ships"})["id"])

    def events(self, run: str) -> int:
        """How many events its log has by now."""
        return int(self.rest.get(f"runs/{run}/").json()["last_seq"])

    def finished(self, events: int) -> str:
        """Write a finished run of that many events; its id."""
        import django

        django.setup()
        from groups.models import Group
        from tests.long_runs import make_long_run

        return str(make_long_run(group=Group.objects.get(id=LIVE), events=events).id)


@contextmanager
def running(seconds: float) -> Iterator[tuple[Site, str]]:
    """A site whose group streams for that long, and its link; stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="stars-bench-") as folder:
        site = Site(folder)
        try:
            link = site.link()
            site.sign_in()
            site.people(seconds)
            yield site, link
        finally:
            site.process.terminate()
            site.process.wait(30)
