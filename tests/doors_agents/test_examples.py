"""The examples of the documents, run as programs of their own."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.doors_agents.conftest import Site
from tests.doors_agents.test_mcp import asking
from tests.engine.scripted import Scripted

EXAMPLES = Path(settings.BASE_DIR) / "docs" / "examples"


@pytest.mark.parametrize("name", ["a2a_client.py", "mcp_client.py"])
async def test_an_example_answers_a_question_and_prints_the_result(
    site: Site, token: str, script: Scripted, name: str
) -> None:
    script.acts["A"] = asking
    given = {"STARS_URL": site.url, "STARS_TOKEN": token, "STARS_GROUP": "Crew"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(EXAMPLES / name)),
        env={**os.environ, **given},
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
    )
    out, errors = await asyncio.wait_for(process.communicate(b"red\n"), 40)
    assert process.returncode == 0, errors.decode()
    assert "Which colour?" in out.decode()
    assert "painted red" in out.decode().splitlines()[-1]
