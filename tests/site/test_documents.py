"""What documents promise: every setting is explained, and the requests of the recipes for agents work as they stand."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from groups.models import Agent, AgentCredential, Group, Run, ToolServer
from groups.services import runs, seed
from tests.factories import end_run, make_agent, make_group, make_token, make_user

DOCS = Path(settings.BASE_DIR) / "docs"
#: Those that go on to a model or a server, or answer a subtask that waits: tests of llm, tools and inbox make them.
LEFT_OUT = ("/test/", "<subtask>")


def test_every_setting_is_explained() -> None:
    source = (Path(settings.BASE_DIR) / "stars_site" / "settings.py").read_text()
    # `up` sets the one for itself, the other is for the browser journeys of the tests.
    ours = {"STARS_EMBEDDED", "STARS_CSP_RELAXED"}
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', source)) - ours
    explained = (DOCS / "deploy.md").read_text()
    assert {name for name in read if f"`{name}`" not in explained} == set()


def recipes() -> str:
    """The requests of docs/agents.md as a script for bash."""
    found = []
    text = (DOCS / "agents.md").read_text().replace("…", "secret")
    for kind, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        if kind == "http":
            for method, path, body in re.findall(
                r"^([A-Z]+) (/\S+)\n((?:.+\n)*)", block, re.MULTILINE
            ):
                found.append(f"send {method} {path} '{body}'")
        elif kind == "console":
            found += re.findall(r"^\$ ((?:.*\\\n)*.*)", block, re.MULTILINE)
        elif "curl " in block:
            found += re.split(r"\n(?=curl )", block)
    wanted = [each for each in found if not any(words in each for words in LEFT_OUT)]
    script = "\n".join(each for each in wanted if re.search(r"curl |^send |^\w+=", each))
    return re.sub(r"http://(127\.0\.0\.1|localhost):8000", "$SITE", script)


#: `curl` says what was refused and ends the script; `send` is a request as documents write it.
SHELL = """set -e
curl() { command curl --silent --show-error --fail-with-body --write-out '\\n' "$@"; }
send() {
  curl -X "$1" "$SITE$2" -H "Authorization: Token $TOKEN" -H 'Content-Type: application/json' -d "$3"
}
"""


@pytest.mark.django_db(transaction=True)
def test_the_requests_of_the_recipes_work(live_server: Any) -> None:
    ada = make_user(username="ada", is_superuser=True, is_staff=True)
    make_user(username="mona")
    seed.seed_demo(ada)
    make_agent(agent_id="scout", kind="llm", config={"model": "openai:gpt-5-mini"})
    make_agent(agent_id="program", kind="connected")
    make_group(group_id="Crew", owner=ada, leader="scout", workers=("program",))
    run = runs.start(actor=ada, group=Group.objects.get(id="DevTeam"), task="x", max_tokens=10)
    end_run(run)
    done = subprocess.run(
        ["bash", "-c", SHELL + recipes()],
        env={
            **os.environ,
            "SITE": live_server.url,
            "TOKEN": make_token(user=ada),
            "RUN": str(run.id),
            "OPENAI_API_KEY": "sk-somebody",
        },
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    kinds = dict(Agent.objects.values_list("agent_id", "kind"))
    assert (kinds["writer"], kinds["quinn"], kinds["tally"]) == ("llm", "a2a", "webhook")
    assert (kinds["dora"], kinds["mona"]) == ("connected", "human")
    assert AgentCredential.objects.filter(agent__agent_id="dora").exists()
    assert [each["tool"] for each in Agent.objects.get(agent_id="scout").grants] == [
        "mcp:files/read_file"
    ]
    assert ToolServer.objects.get().name == "files"
    assert Run.objects.filter(group_id="Crew", mode="democratic").exists()
    run.refresh_from_db()
    assert run.max_tokens == 200_000
