"""A Stars of its own, started as a person starts it: on SQLite, in one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
from django.conf import settings


def is_ready(url: str) -> bool:
    """Whether the Stars at this address says that it can serve. Asked again and again: reading the certificates of
    the machine each time would take 40 ms of a processor."""
    try:
        with httpx.Client(verify=False, timeout=30) as client:
            return client.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def start_up(data: Path, port: int, log: Path, **more: str) -> subprocess.Popen[bytes]:
    """`manage.py up` with that data directory; what it prints is added to `log`. `more` goes into its environment."""
    others = {"DATABASE_URL", "REDIS_URL", "STARS_SECRET_KEY"}
    environment = {
        **{name: value for name, value in os.environ.items() if name not in others},
        "DJANGO_SETTINGS_MODULE": "stars_site.settings",
        "STARS_DATA_DIR": str(data),
        "STARS_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
        **more,
    }
    with log.open("a") as output:
        return subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
