"""`manage.py up` as a person meets it: a real process in a fresh directory, from nothing to a finished run."""

from __future__ import annotations

import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import free_port
from tests.upping import is_ready, start_up

pytestmark = pytest.mark.timeout(120)

READY = 60.0
PASSWORD = "correct horse 7"


class Up:
    """One `manage.py up` on a port and in a data directory of its own."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.port = data, port
        self.url = f"http://127.0.0.1:{port}"
        self.log = data.parent / f"{data.name}.log"
        self.process = start_up(data, port, self.log, STARS_ADMIN_PASSWORD=PASSWORD)

    def client(self) -> httpx.Client:
        """A client with an API token."""
        answer = httpx.post(
            f"{self.url}/api/v1/auth/token/", json={"username": "admin", "password": PASSWORD}
        )
        headers = {"Authorization": f"Token {answer.json()['token']}"}
        return httpx.Client(base_url=f"{self.url}/api/v1/", headers=headers)

    def is_ready(self) -> bool:
        """Whether /readyz says so; fails the test when the process has ended instead."""
        assert self.process.poll() is None, self.log.read_text()
        return is_ready(self.url)


def until(condition: Callable[[], Any], seconds: float = READY) -> Any:
    """What the condition answers as soon as that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Starts processes and sees to their end."""
    started: list[Up] = []

    def starter(port: int) -> Up:
        started.append(Up(tmp_path / "data", port))
        return started[-1]

    yield starter
    for up in started:
        if up.process.poll() is None:
            up.process.kill()
            up.process.wait()


def ended(run: dict[str, Any]) -> bool:
    return run["status"] in {"completed", "failed", "cancelled"}


def test_from_nothing_to_a_finished_run_and_a_clean_end(start: Callable[..., Up]) -> None:
    up = start(free_port())
    until(up.is_ready)
    with up.client() as api:
        groups = api.get("groups/").json()["results"]
        assert {group["id"] for group in groups} == {"DevTeam", "DataPipeline", "SupportTeam"}
        (demo,) = api.get("groups/DataPipeline/runs/").json()["results"]

        def finished() -> Any:
            run = api.get(f"runs/{demo['id']}/").json()
            return ended(run) and run

        run = until(finished)
        assert run["status"] == "completed", run["error"]
        assert "sales.csv" in run["result"]

    # The link that was printed signs in, once.
    (link,) = re.findall(r"http\S+login/link/\S+", until(up.log.read_text))
    with httpx.Client() as browser:
        assert browser.get(link, follow_redirects=True).status_code == 200
        assert "sessionid" in browser.cookies
    assert httpx.get(link).status_code == 403
    assert PASSWORD not in up.log.read_text()

    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(15) == 0
    assert "Traceback" not in up.log.read_text()


def test_killed_in_the_middle_it_goes_on_where_it_was(start: Callable[..., Up]) -> None:
    port = free_port()
    up = start(port)
    until(up.is_ready)
    with up.client() as api:
        (demo,) = api.get("groups/DataPipeline/runs/").json()["results"]
        before = until(lambda: (r := api.get(f"runs/{demo['id']}/").json())["last_seq"] > 5 and r)
    up.process.kill()
    up.process.wait()

    again = start(port)
    until(again.is_ready)
    with again.client() as api:
        (same,) = api.get("groups/DataPipeline/runs/").json()["results"]
        assert same["id"] == demo["id"]
        run = until(lambda: ended(r := api.get(f"runs/{demo['id']}/").json()) and r)
        assert run["status"] == "completed", run["error"]
        assert run["last_seq"] > before["last_seq"]
        seqs: list[int] = []
        while True:
            page = api.get(f"runs/{demo['id']}/events/?after={seqs[-1] if seqs else 0}").json()
            seqs += [event["seq"] for event in page["results"]]
            if not page["results"]:
                break
        assert seqs == list(range(1, run["last_seq"] + 1))


def test_a_taken_port_is_said_clearly(start: Callable[..., Up]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        up = start(taken.getsockname()[1])
        assert up.process.wait(READY) == 1
    said = up.log.read_text()
    assert "STARS_PORT" in said
    assert "Traceback" not in said
    assert not (up.data / "stars.sqlite3").exists()
