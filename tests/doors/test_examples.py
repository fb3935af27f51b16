"""The programs in docs/examples that use a group from elsewhere do what they say."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings

from tests.doors.conftest import Site

pytestmark = pytest.mark.timeout(120)


def run(site: Site, program: str, group: str, said: str = "") -> subprocess.CompletedProcess[str]:
    made = site.post("auth/tokens/", name=program, scopes=["run"], groups=[group])
    return subprocess.run(
        [sys.executable, f"docs/examples/{program}", site.url, group, "Count the ships"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "STARS_TOKEN": made["token"]},
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_a_group_as_a_model(site: Site) -> None:
    usage = {"input_tokens": 7, "output_tokens": 5, "requests": 1, "model": "little"}
    group = site.group("Model", lead={"plan": 2, "reply": "Two ships."}, one={"usage": usage})
    done = run(site, "openai_group.py", group)
    assert done.stdout == "Two ships."
    assert "completed, 12 tokens" in done.stderr and "Model-one" in done.stderr


def test_a_group_as_an_ag_ui_agent_that_asks(site: Site) -> None:
    ask = {"ask": "Which harbour?", "reply": "Counted in {answer}."}
    group = site.group("Agent", lead={"kinds": ["plan"], "plan": 1}, one=ask, two=ask)
    done = run(site, "agui_group.py", group, "Palos\n")
    assert "Which harbour?" in done.stdout and "Counted in Palos." in done.stdout
    assert done.stdout.rstrip().endswith("RUN_FINISHED: success")
