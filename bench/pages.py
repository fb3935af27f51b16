"""Every list and page of the dashboard in a small installation and in a full one: queries, milliseconds, kilobytes.

Both are asked in this process through Django's test client by an administrator, who sees everything. The full one has
1,000 groups, 10,000 runs and 1,000,000 events (`bench.fill`); `--full DIR` takes one that is there already.

    python -m bench.pages [--full DIR] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

#: Times that a page is asked for after one that warms up.
TIMES: Final = 5
SMALL: Final = ("--groups", "3", "--runs", "12", "--events", "1200")


def main() -> None:
    """Print a table of both."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--full", type=Path)
    wanted.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = wanted.parse_args()
    if asked.here:
        print(json.dumps(measure()))
        return
    with tempfile.TemporaryDirectory(prefix="stars-bench-") as folder:
        small = _in(_filled(Path(folder, "small"), *SMALL))
        full = _in(asked.full or _filled(Path(folder, "full")))
    print("| page | queries small / full | ms small / full | kB full |")
    print("|---|---|---|---|")
    for name, (queries, ms, _size) in small.items():
        q, m, size = full[name]
        mark = "" if q <= queries else " **!**"
        print(f"| {name} | {queries} / {q}{mark} | {ms:.0f} / {m:.0f} | {size / 1000:.0f} |")


def _environment(data: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{data}/stars.sqlite3",
        "REDIS_URL": "",
        "STARS_DATA_DIR": str(data),
        "DJANGO_SETTINGS_MODULE": "stars_site.settings",
    }


def _filled(data: Path, *numbers: str) -> Path:
    for command in (("manage.py", "migrate", "-v0"), ("-m", "bench.fill", *numbers)):
        subprocess.run(
            [sys.executable, *command], env=_environment(data), check=True, stdout=sys.stderr
        )
    return data


def _in(data: Path) -> dict[str, tuple[int, float, int]]:
    command = [sys.executable, "-m", "bench.pages", "--here"]
    done = subprocess.run(command, env=_environment(data), check=True, stdout=subprocess.PIPE)
    return {name: tuple(found) for name, found in json.loads(done.stdout).items()}


def measure() -> dict[str, tuple[int, float, int]]:
    """Page -> (queries, median milliseconds, bytes), in the installation of the environment."""
    import django
    from django.conf import settings

    django.setup()
    settings.ALLOWED_HOSTS = ["*"]
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    user, _new = User.objects.get_or_create(
        username="bench", defaults={"is_superuser": True, "is_staff": True}
    )
    client = Client(headers={"Accept": "text/html,application/json"})
    client.force_login(user)
    found = {}
    for name, path in _pages().items():
        size = len(_get(client, path))
        asked = Counter[str]()

        def count(execute: Any, sql: str, *rest: Any, asked: Counter[str] = asked) -> Any:
            asked[sql] += 1
            return execute(sql, *rest)

        with connection.execute_wrapper(count):
            _get(client, path)
        took = []
        for _ in range(TIMES):
            began = time.perf_counter()
            _get(client, path)
            took.append(1000 * (time.perf_counter() - began))
        found[name] = (asked.total(), statistics.median(took), size)
    return found


def _get(client: Any, path: str) -> bytes:
    answer = client.get(path)
    if answer.status_code == 302:  # a part of a page, which only scripts get
        answer = client.get(path, headers={"HX-Request": "true"})
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.get('Location', '')}")
    content: bytes = b"".join(answer) if answer.streaming else answer.content
    return content


def _pages() -> dict[str, str]:
    """What is looked at: lists, and one of each thing."""
    from groups.models import Agent, Group, Run
    from groups.services import run_states

    group = Group.objects.order_by("id")[0]
    run = Run.objects.filter(group=group, status="completed").order_by("-last_seq")[0]
    other = Run.objects.filter(group=group).exclude(pk=run.pk)[0]
    agent = Agent.objects.filter(memberships__group=group)[0].agent_id
    run_states.write(run.pk)
    here, api = f"/groups/{group.id}/", "/api/v1/"
    return {
        "home": "/",
        "home, found": "/?q=pier",
        "group": here,
        "group, runs": f"{here}runs/",
        "group, messages": f"{here}messages/",
        "group, settings": f"{here}settings/",
        "runs": "/runs/",
        "run": f"/runs/{run.id}/",
        "compare": f"/runs/compare/?a={run.id}&b={other.id}",
        "trends": "/trends/?period=30d",
        "agents": "/agents/",
        "agent": f"/agents/{agent}/",
        "inbox": "/inbox/",
        "search": "/search/?q=pier",
        "states": f"{here}states/",
        "state": f"{here}states/of/{run_states.state_id(run.pk)}/",
        "metrics": "/states/metrics/",
        "budget": "/budget/",
        "tokens": "/tokens/",
        "REST groups": f"{api}groups/",
        "REST runs of a group": f"{api}groups/{group.id}/runs/",
        "REST run": f"{api}runs/{run.id}/",
        "REST events": f"{api}runs/{run.id}/events/?limit=100",
        "REST agents": f"{api}agents/",
        "REST search": f"{api}search/?q=count",
        "REST inbox": f"{api}inbox/",
    }


if __name__ == "__main__":
    main()
