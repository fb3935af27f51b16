"""System checks: a configuration that cannot work is reported at start, with a hint."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from state import conf
from state.refusals import ConfigInvalid
from state.sync.webhooks import addresses

#: How addresses begin that redis-py takes.
REDIS_URLS = ("redis://", "rediss://", "unix://")


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


@register
def states_are_configured(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """A store that is not known, or a setting of it that means nothing."""
    try:
        conf.persistence_config()
        conf.manager_config()
    except ConfigInvalid as error:
        return [
            Error(
                f"The settings of shared states are not valid: {error.message}",
                hint="STARS_STATE_STORE is one of database, file, redis and memory; see docs/deploy.md.",
                id="stars.E003",
            )
        ]
    return []


@register
def state_keys_are_valid(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Encryption needs a key, and every key must be one. What stands there is never shown."""
    hint = (
        "Write each key as id:base64 of 32 random bytes, the current one first, separated by commas or line ends;"
        " best into a file that STARS_STATE_KEYS_FILE names."
    )
    try:
        keys = conf.keyring()
    except ConfigInvalid as error:
        return [Error(error.message, hint=hint, id="stars.E004")]
    if keys.current is None and settings.STARS_STATES.get("encryption") is True:
        told = "STARS_STATE_ENCRYPTION is on, and STARS_STATE_KEYS names no key."
        return [Error(told, hint=hint, id="stars.E005")]
    return []


@register
def state_store_has_a_place(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """A store in Redis needs a Redis, one in the database a database of that name."""
    kind = settings.STARS_STATES.get("type", "database")
    place = settings.STARS_STATES.get("connection_string", "")
    if kind == "redis" and not place.startswith(REDIS_URLS):
        return [
            Error(
                "States are to be kept in Redis, and no usable address of a Redis server is given.",
                hint="Set REDIS_URL, or STARS_STATE_URL for a Redis of their own, as redis://host:6379/0.",
                id="stars.E006",
            )
        ]
    if kind == "database" and place and place not in settings.DATABASES:
        return [
            Error(
                f"States are to be kept in the database '{place}', and there is none of that name.",
                hint="STARS_STATE_URL names an entry of DATABASES; leave it out for the site's own database.",
                id="stars.E007",
            )
        ]
    return []


@register
def state_store_serves_all_processes(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Where web and worker are processes of their own, states must be where all of them reach."""
    kind = settings.STARS_STATES.get("type", "database")
    grown = bool(settings.REDIS_URL) and not settings.STARS_EMBEDDED
    if not grown or kind not in ("file", "memory"):
        return []
    why = {
        "file": "only one process at a time can open it",
        "memory": "each of them would have states of its own",
    }
    return [
        Error(
            f"REDIS_URL says that Stars runs as several processes, and states are kept in the store '{kind}':"
            f" {why[kind]}.",
            hint="Choose STARS_STATE_STORE=database or redis; or leave REDIS_URL out to run everything in one process.",
            id="stars.E008",
        )
    ]


@register
def syncing_is_configured(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """A setting of syncing that is not known, or means nothing."""
    try:
        conf.sync_config()
    except ConfigInvalid as error:
        return [
            Error(
                f"The settings of state sync are not valid: {error.message}",
                hint="STARS_STATE_SYNC has the fields of SyncConfig (state/values/sync.py), times in seconds.",
                id="stars.E010",
            )
        ]
    return []


@register
def webhook_hosts_are_valid(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """A slip here would either refuse a receiver or open a network that was not meant."""
    try:
        addresses.read_allowed(tuple(settings.STARS_WEBHOOK_ALLOWED))
    except ConfigInvalid as error:
        hint = (
            "Write host names, IP addresses and networks such as 10.1.0.0/16, separated by commas."
        )
        return [Error(error.message, hint=hint, id="stars.E009")]
    return []


@register
def states_outlive_the_process(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Who tries things out in memory knows; who has it in earnest should."""
    if settings.STARS_STATES.get("type") != "memory":
        return []
    return [
        Warning(
            "States are kept in memory: a restart forgets them.",
            hint="Choose STARS_STATE_STORE=database, file or redis for states that stay.",
            id="stars.W002",
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
