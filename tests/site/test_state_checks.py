"""Settings of shared states that cannot work are reported at start, each with a hint, and never with a key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.core.checks import run_checks

from state.persistence.keyring import Keyring

KEY = Keyring.generate("first")
URL = "redis://127.0.0.1:6379/0"
MEANT = {"type": "database", "connection_string": "", "encryption": False}


def found() -> list[str]:
    """Ids of what is reported about states; everything reported has a hint."""
    told = [each for each in run_checks() if (each.id or "").startswith("stars.")]
    assert all(each.hint for each in told)
    return [str(each.id) for each in told]


@pytest.mark.parametrize(
    ("states", "more", "ids"),
    [
        ({}, {}, []),
        ({"type": "file", "connection_string": "/srv/states"}, {}, []),
        ({"encryption": True}, {"STARS_STATE_KEYS": KEY}, []),
        ({"type": "redis", "connection_string": URL}, {"REDIS_URL": URL}, []),
        ({"type": "redis", "connection_string": URL}, {"REDIS_URL": ""}, []),
        ({"connection_string": "default"}, {"REDIS_URL": URL}, []),
        ({"type": "paper"}, {}, ["stars.E003"]),
        ({"retention": {"*": "long"}}, {}, ["stars.E003"]),
        ({"bogus": 1}, {}, ["stars.E003"]),
        ({}, {"STARS_STATE_MANAGER": {"max_retries": -1}}, ["stars.E003"]),
        ({}, {"STARS_STATE_KEYS": "secret"}, ["stars.E004"]),
        ({"encryption": True}, {"STARS_STATE_KEYS": "a:c2VjcmV0"}, ["stars.E004"]),
        ({"encryption": True}, {"STARS_STATE_KEYS": ""}, ["stars.E005"]),
        ({"type": "redis"}, {"REDIS_URL": ""}, ["stars.E006"]),
        ({"type": "redis", "connection_string": "http://x"}, {}, ["stars.E006"]),
        ({"connection_string": "elsewhere"}, {}, ["stars.E007"]),
        ({"type": "file", "connection_string": "/x"}, {"REDIS_URL": URL}, ["stars.E008"]),
        ({"type": "memory"}, {"REDIS_URL": URL}, ["stars.E008", "stars.W002"]),
        ({"type": "memory"}, {}, ["stars.W002"]),
    ],
)
def test_what_cannot_work_is_reported(
    settings: Any, states: dict[str, Any], more: dict[str, Any], ids: list[str]
) -> None:
    settings.STARS_STATES = {**MEANT, **states}
    settings.REDIS_URL = ""
    settings.STARS_EMBEDDED = False
    for name, value in more.items():
        setattr(settings, name, value)
    assert sorted(found()) == ids


def test_one_process_may_keep_states_in_files_whatever_its_broker(settings: Any) -> None:
    settings.STARS_STATES = {**MEANT, "type": "file", "connection_string": "/srv/states"}
    settings.REDIS_URL, settings.STARS_EMBEDDED = URL, True
    assert found() == []


@pytest.mark.parametrize("keys", ["secret", "a:c2VjcmV0", "a:!secret!"])
def test_what_stands_in_place_of_a_key_is_never_shown(settings: Any, keys: str) -> None:
    settings.STARS_STATE_KEYS = keys
    [told] = [each for each in run_checks() if each.id == "stars.E004"]
    assert "secret" not in f"{told.msg} {told.hint}" and "c2Vj" not in told.msg


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"STARS_STATE_STORE": "paper"}, "stars.E003"),
        ({"STARS_STATE_STORE": "redis"}, "stars.E006"),
        ({"STARS_STATE_STORE": "file", "REDIS_URL": URL}, "stars.E008"),
        ({"STARS_STATE_ENCRYPTION": "yes"}, "stars.E005"),
    ],
)
def test_the_start_stops(tmp_path: Path, environment: dict[str, str], told: str) -> None:
    plain = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=site.BASE_DIR,
        env={**plain, "STARS_DATA_DIR": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 1
    assert told in done.stderr
