"""A broker that does not answer, and workers that are away: nobody waits for ever, and nothing piles up."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from celery.beat import Scheduler
from celery.signals import before_task_publish
from django.conf import settings
from kombu import Connection

from stars_site.celery import app

RING = """
import time
import django
django.setup()
from stars_site.celery import app
from groups import queue
app.set_default()
began = time.monotonic()
queue._send(queue.SWEEP)
print(time.monotonic() - began)
"""


def test_a_redis_that_accepts_and_never_answers_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "stars_site.settings",
            "REDIS_URL": f"redis://127.0.0.1:{silent.getsockname()[1]}/0",
            "STARS_DATA_DIR": str(tmp_path),
        }
        told = subprocess.run(
            [sys.executable, "-c", RING],
            cwd=settings.BASE_DIR,
            env=environment,
            capture_output=True,
            text=True,
            timeout=50,
            check=True,
        )
    assert "doorbell not rung" in told.stderr
    assert float(told.stdout) < 20.0


def test_a_sweep_that_nobody_took_up_is_worth_nothing_after_a_while() -> None:
    sent: list[dict[str, Any]] = []

    def hear(headers: dict[str, Any], **_: object) -> None:
        sent.append(headers)

    beat: Any = Scheduler(app=app, lazy=True)
    beat.setup_schedule()
    entry = beat.schedule["sweep"]
    with Connection("memory://nowhere/") as broker:
        before_task_publish.connect(hear)
        try:
            beat.apply_async(entry, producer=app.amqp.Producer(broker.channel()), advance=False)
        finally:
            before_task_publish.disconnect(hear)
    [headers] = sent
    assert headers["task"] == "groups.sweep"
    expires = datetime.fromisoformat(headers["expires"])
    assert timedelta(seconds=30) < expires - datetime.now(UTC) <= timedelta(seconds=60)
