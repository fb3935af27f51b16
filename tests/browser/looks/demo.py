"""Something to look at on every page: a harbour whose books agents keep, made through a running site's REST API."""

from __future__ import annotations

import io
import random
import re
import time
from typing import Any, Final

import httpx

from tests.browser.conftest import Site
from tests.browser.looks.words import ENGLISH, Words

#: Seconds in which the demo's runs come to where they are looked at.
PATIENCE: Final = 90.0
GROUP: Final = "Harbour"
STATE: Final = "plan/spring"
USAGE: Final = {"input_tokens": 1840, "output_tokens": 412, "requests": 1, "cost_usd": 0.0041}
#: Agent id, role, tags, and how each does its work.
CREW: Final[tuple[tuple[str, str, tuple[str, ...], dict[str, Any]], ...]] = (
    ("lena", "leader", ("planning",), {"usage": USAGE}),
    ("wim", "worker", ("dues", "berths"), {"delay": 1.2, "usage": USAGE}),
    ("nora", "worker", ("weather",), {"fail_times": 1, "usage": USAGE}),
    ("ola", "worker", ("letters",), {"delay": 0.6, "pace": 0.05, "chunks": 12}),
)


class Demo:
    """The signed-in person's client, and what was made: `params` has a value for each parameter of an address."""

    def __init__(self, site: Site, words: Words = ENGLISH) -> None:
        self.site = site
        self.words = words
        self.client = httpx.Client(base_url=site.url, follow_redirects=True, timeout=30)
        if site.session:
            self.client.cookies.set("sessionid", site.session)
        else:
            self.client.get(site.link())
            site.session = self.client.cookies["sessionid"]
        home = self.client.get("/").text
        found = re.search(r'name="csrf-token" content="(\w+)"', home)
        assert found, home[:500]
        self.client.headers["X-CSRFToken"] = found[1]
        #: What runs are called in the names of pages -> their ids.
        self.runs: dict[str, str] = {}
        self.params: dict[str, str] = {}

    def __enter__(self) -> Demo:
        return self

    def __exit__(self, *failure: object) -> None:
        self.client.close()

    def call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """One call of the API. Raises AssertionError when it is refused."""
        answer = self.client.request(method, f"/api/v1/{path}", **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        made: dict[str, Any] = answer.json() if answer.content else {}
        return made

    def post(self, path: str, **values: Any) -> dict[str, Any]:
        """POST these values."""
        return self.call("POST", path, json=values)

    def make(self) -> Demo:
        """All of it; the runs are where they are to be looked at when it returns."""
        self._crew()
        self._runs()
        self._states()
        self._others()
        for name, status in (
            ("run", "completed"),
            ("run-crew", "completed"),
            ("run-approval", "awaiting_approval"),
            ("run-failed", "failed"),
            ("run-votes", "completed"),
        ):
            self.wait(name, status)
        return self

    def wait(self, name: str, status: str) -> dict[str, Any]:
        """The run, once it has this status."""
        deadline = time.monotonic() + PATIENCE
        while True:
            run = self.call("GET", f"runs/{self.runs[name]}/")
            if run["status"] == status:
                return run
            assert time.monotonic() < deadline, f"{name}: {run['status']}, not {status}"
            time.sleep(0.2)

    def _crew(self) -> None:
        words = self.words
        self.post("groups/", id=GROUP, name=GROUP, description=words.group)
        for agent_id, role, tags, script in CREW:
            reply = {"reply": words.replies[agent_id]} if agent_id in words.replies else {}
            self._agent(agent_id, "builtin", config={"script": {**script, **reply}})
            self.post(f"groups/{GROUP}/members/", agent_id=agent_id, role=role, tags=list(tags))
        self._agent("master", "human")
        self.post(f"groups/{GROUP}/members/", agent_id="master", role="worker", tags=["decides"])
        self.post("groups/", id="Quay", name="Quay", description=words.empty_group)
        self._agent(
            "crane", "builtin", config={"script": {"fail": words.failure, "kinds": ["work"]}}
        )
        self.post("groups/Quay/members/", agent_id="crane", role="leader", tags=[])
        self.post(f"groups/{GROUP}/messages/", text=words.broadcast)
        self.post(f"groups/{GROUP}/messages/", to="ola", text=words.letter)

    def _agent(self, agent_id: str, kind: str, **more: Any) -> None:
        self.post("agents/", agent_id=agent_id, name=self.words.names[agent_id], kind=kind, **more)

    def _run(self, name: str, group: str, task: str, **options: Any) -> None:
        self.runs[name] = self.post(f"groups/{group}/runs/", task=task, **options)["id"]

    def _runs(self) -> None:
        files = {"attachments": ("dues.csv", io.BytesIO(table().encode()), "text/csv")}
        words = self.words
        run = self.call(
            "POST", "groups/DataPipeline/runs/", data={"task": words.report}, files=files
        )["id"]
        self.runs["run"] = run
        self._run("run-crew", GROUP, words.task)
        self._run("run-approval", GROUP, words.task, approve_plan=True)
        self._run("run-waiting", GROUP, words.question)
        self._run("run-failed", "Quay", words.failing, failure_policy="stop")
        self._run("run-votes", "DevTeam", words.vote, mode="democratic")
        self.params |= {"run_id": run, "group_id": GROUP, "space": GROUP, "agent_id": "wim"}
        for name in ("attachment", "subtask"):
            self.params[f"{name}_id"] = self.call("GET", f"runs/{run}/{name}s/")["results"][0]["id"]

    def _states(self) -> None:
        space = f"spaces/{GROUP}"
        data = {
            "title": self.words.title,
            "owner": "",
            "berths": {"north": 12, "south": 9},
            "crew": ["wim"],
        }
        self.post(f"{space}/states/", id=STATE, data=data)
        self.post(
            f"{space}/states/",
            id="notes/weather",
            data={"wind": "NW 5", "high_water": ["04:12", "16:39"]},
        )
        self.post(
            "spaces/_global/states/",
            id="harbours",
            data={"list": ["Rotterdam", "Ningbo", "Hamburg"]},
        )
        self.call(
            "PATCH",
            f"{space}/states/{STATE}/config/",
            json={"merge_fallback": "park", "resolver": "role:leader"},
        )
        for agent, ops in (
            ("wim", [{"op": "set", "path": "/owner", "value": "wim"}]),
            ("nora", [{"op": "set", "path": "/title", "value": f"{self.words.title} 5"}]),
            ("ola", [{"op": "set", "path": "/owner", "value": "ola"}]),
        ):
            sent = {"ops": ops, "base_version": 1}
            self.call(
                "POST", f"{space}/states/{STATE}/ops/", json=sent, headers={"Stars-Agent": agent}
            )
        conflict = self.call("GET", f"{space}/conflicts/")["results"][0]["conflict_id"]
        self.params |= {"state_id": STATE, "conflict_id": str(conflict)}

    def _others(self) -> None:
        token = self.post("auth/tokens/", name="laptop", scopes=["run"], groups=[GROUP], days=30)
        kept = self.post(f"groups/{GROUP}/templates/", name=self.words.title, task=self.words.task)
        self.params |= {"template_id": str(kept["id"]), "one": "lena", "other": "wim"}
        self.post("tool-servers/", name="library", url="https://tools.example.org/mcp")
        self.params |= {"token_id": str(token["id"]), "name": "library"}
        self.params |= dict.fromkeys(("credential_id", "connection_id", "task_id"), "0")


def table() -> str:
    """240 payments at three berths, one of them far too high."""
    chance = random.Random(20_260_304)
    rows = [
        f"2026-01-{1 + n % 28:02},{('North', 'South', 'West')[n % 3]},{chance.uniform(40, 60):.2f}"
        for n in range(239)
    ]
    return "\n".join(["day,berth,dues", *rows, "2026-01-16,West,9000.50", ""])
