"""The site: configuration, the outer shells (ASGI, URLs, Celery) and the one-process server. Knows both apps."""

from __future__ import annotations

from stars_site.celery import app as celery_app

__all__ = ["celery_app"]
