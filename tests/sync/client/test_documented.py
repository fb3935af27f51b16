"""What docs/connect-an-agent.md shows works, word for word: run by Python and by Node.js against the real server."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from groups.models import Group
from state.manager import StateManager
from state.policy import Caller
from state.values import Operation
from tests.js.node import NODE
from tests.sync.client.bridge import Site, site
from tests.sync.speaker import token_of

pytestmark = pytest.mark.django_db(transaction=True)

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = (ROOT / "docs" / "connect-an-agent.md").read_text(encoding="utf-8")
LENA: Final = Caller(space="lab", name="agent:lena", admin=True)


def example(language: str) -> str:
    """The page's first block in a language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
async def stars(manager: StateManager) -> AsyncIterator[Site]:
    async with site() as found:
        yield found


@asynccontextmanager
async def running(
    stars: Site, user: User, *command: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command with what the page says is in the environment."""
    given = {
        "STARS_URL": stars.url,
        "STARS_SPACE": "lab",
        "STARS_AGENT": "wim",
        "STARS_TOKEN": await sync_to_async(token_of, thread_sensitive=False)(user),
    }
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**os.environ, **given},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def call(function: Any, *args: Any, **more: Any) -> Any:
    return await sync_to_async(function, thread_sensitive=False)(*args, **more)


async def test_the_python_example_is_twenty_lines_and_works(
    stars: Site, ada: User, lab: Group, manager: StateManager, tmp_path: Path
) -> None:
    code = example("python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    path = tmp_path / "agent.py"
    path.write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{code}")
    async with running(stars, ada, sys.executable, str(path)) as process:
        async with asyncio.timeout(20):
            said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
    wanted = {"text": "hello", "by": "wim", "result": "HELLO"}
    assert said.decode().strip() == str(wanted)
    stored = await call(manager.get_state, LENA, "jobs/hello")
    assert stored.data == wanted
    history = await call(manager.history, LENA, "jobs/hello")
    assert [entry.agent for entry in history] == ["agent:wim"] * 3


async def test_the_javascript_example_follows_through_breaks_and_writes_once(
    stars: Site, ada: User, lab: Group, manager: StateManager, tmp_path: Path
) -> None:
    await call(manager.create_state, LENA, "plan", data={"a/b": [1], "x": {"y": None}})
    path = tmp_path / "agent.mjs"
    path.write_text(example("js"))
    async with running(stars, ada, str(NODE), str(path)) as process:
        assert process.stdout is not None
        heard: list[str] = []

        async def until(line: str) -> None:
            assert process.stdout is not None
            async with asyncio.timeout(15):
                while line not in heard:
                    raw = await process.stdout.readline()
                    assert raw, heard
                    heard.append(raw.decode().strip())

        await until('plan 1 {"a/b":[1],"x":{"y":null}}')
        await until('notes/js 1 {"text":"hello","read":0}')
        ops: list[dict[str, Any]] = [
            {"op": "set", "path": "/a~1b/-", "value": 2},
            {"op": "set", "path": "/new/list/-", "value": "first"},
            {"op": "merge", "path": "/x", "value": {"y": 5, "z": {"deep": True}}},
        ]
        await call(manager.update_state, LENA, "plan", msgspec.convert(ops, tuple[Operation, ...]))
        await until('plan 2 {"a/b":[1,2],"x":{"y":5,"z":{"deep":true}},"new":{"list":["first"]}}')
        stars.cut()
        ops = [{"op": "delete", "path": "/a~1b/0"}, {"op": "delete", "path": "/x"}]
        await call(manager.update_state, LENA, "plan", msgspec.convert(ops, tuple[Operation, ...]))
        await call(manager.delete_state, LENA, "notes/js")
        await until('plan 3 {"a/b":[2],"new":{"list":["first"]}}')
        await until("notes/js - null")
    history = await call(manager.history, LENA, "notes/js")
    assert [entry.kind for entry in history] == ["delete", "create"]


async def test_the_javascript_example_settles_a_write_that_is_refused_before_it_is_carried_out(
    stars: Site, ada: User, lab: Group, manager: StateManager, tmp_path: Path
) -> None:
    path = tmp_path / "agent.mjs"
    wrong = 'write("plan", { ops: [{ op: "shout" }] }).catch(({ reason, op_id }) => console.log(reason, op_id.length));'
    path.write_text(f"{example('js')}{wrong}\n")
    async with running(stars, ada, str(NODE), str(path)) as process:
        assert process.stdout is not None
        async with asyncio.timeout(15):
            while (
                line := (await process.stdout.readline()).decode().strip()
            ) != "invalid_frame 36":
                assert line
