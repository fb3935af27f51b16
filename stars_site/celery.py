"""The Celery application. Tasks live in the apps' `tasks.py`; everything is configured in `settings.py`."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stars_site.settings")

app = Celery("stars")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
