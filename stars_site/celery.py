"""The Celery application. Tasks live in the apps' `tasks.py`; everything is configured in `settings.py`."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stars_site.settings")

app = Celery("stars")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def look_for_unfinished_work(sender: Any, **_: Any) -> None:
    """A worker that has just started does not wait for the next beat."""
    sender.app.send_task("groups.sweep")
