"""System checks: a configuration that cannot work is reported at start, with a hint."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register
def data_dir_is_writable(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Database, attachments and the secret key are written there."""
    if os.access(settings.STARS_DATA_DIR, os.W_OK):
        return []
    return [
        Error(
            f"The data directory {settings.STARS_DATA_DIR} is not writable.",
            hint="Make it writable for this user, or name another one in STARS_DATA_DIR.",
            id="stars.E001",
        )
    ]


@register
def broker_is_redis(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Redis is the one broker that the hub can use as well."""
    url = settings.REDIS_URL
    if not url or url.startswith(("redis://", "rediss://", "redis+socket://", "unix://")):
        return []
    return [
        Error(
            "REDIS_URL is not the address of a Redis server.",
            hint="Write it as redis://host:6379/0, or leave it out to run everything in one process.",
            id="stars.E002",
        )
    ]


@register(Tags.security, deploy=True)
def hosts_are_named(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Any Host header accepted means links in answers can be forged."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Warning(
            "STARS_ALLOWED_HOSTS accepts every host name.",
            hint="Name the hosts under which Stars is reached, separated by commas.",
            id="stars.W001",
        )
    ]
