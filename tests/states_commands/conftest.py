"""A store as the settings name it (database, file, redis), with two spaces in it, and commands that are run on it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import CommandError, call_command

from state import conf
from state.manager import Base
from state.persistence.keyring import Keyring
from state.policy import system
from tests.persistence.backends import LASTING

OLD, NEW = Keyring.generate("old"), Keyring.generate("new")
SPACES = ("Harbour", "Lighthouse")


class Told(str):
    """What a command wrote; `error`: the sentence it ended with, if it failed."""

    error: str = ""


def run(command: str, *args: Any, **options: Any) -> Told:
    """Run the command on the store of the settings, as a process of its own would: nobody else has it open."""
    conf.close_manager()
    out = io.StringIO()
    error = ""
    try:
        call_command(command, *map(str, args), stdout=out, stderr=out, **options)
    except CommandError as failed:
        error = str(failed)
    told = Told(out.getvalue())
    told.error = error
    return told


def fill(spaces: tuple[str, ...] = SPACES, *, versions: int = 5) -> None:
    """In each space a state `plan` that counts to its version, and one that was deleted."""
    manager = conf.manager()
    for space in spaces:
        caller = system(space)
        manager.create_state(caller, "plan", owners=["a"], data={"n": 1, "note": "seagull" * 200})
        manager.create_state(caller, "gone", owners=["a"])
        manager.delete_state(caller, "gone")
        for number in range(2, versions + 1):
            manager.update_state(caller, "plan", {"n": number}, base=Base(version=number - 1))
    conf.close_manager()


def numbers() -> dict[str, Any]:
    """Space to what `plan` counts there."""
    manager = conf.manager()
    found = {
        info.id: manager.get_state(system(info.id), "plan").data["n"]
        for info in manager.store.spaces()
    }
    conf.close_manager()
    return found


Use = Callable[..., None]


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Where a store of a kind is kept in this test, empty at first."""

    def find(kind: str) -> str:
        if kind == "redis":
            url = request.getfixturevalue("redis_url").removesuffix("/0") + "/9"
            with redis.Redis.from_url(url) as client:
                client.flushdb()
            return str(url)
        return str(tmp_path / "store") if kind == "file" else ""

    return find


@pytest.fixture
def use(settings: Any, place: Callable[[str], str], db: None) -> Iterator[Use]:
    """Settings by which states are kept: `use("file", encryption=True)`."""

    def choose(kind: str, *, keys: str = "", **changes: Any) -> None:
        conf.close_manager()
        known = settings.STARS_STATES if settings.STARS_STATES["type"] == kind else {}
        at = known.get("connection_string") or place(kind)
        settings.STARS_STATES = {"type": kind, "connection_string": at, **changes}
        settings.STARS_STATE_KEYS = keys

    yield choose
    conf.close_manager()


@pytest.fixture(params=LASTING)
def kind(request: pytest.FixtureRequest, use: Use) -> str:
    """The kind of the store in use, which is filled."""
    found = str(request.param)
    use(found)
    fill()
    return found
