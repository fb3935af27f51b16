"""One page that shows how states are kept, managed and synced: every value in force, and where it comes from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import msgspec
from django.conf import settings
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from state import conf
from state.admin.base import actor_of
from state.admin.looking import attempt
from state.errors import StarsError

#: Of the page's address in the admin.
NAME: Final = "state_configuration"
TEMPLATE: Final = "admin/state/configuration.html"

#: Variables of the environment that fields are read from, by setting and field.
VARIABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "STARS_STATES": {
        "type": "STARS_STATE_STORE",
        "connection_string": "STARS_STATE_URL",
        "compression": "STARS_STATE_COMPRESSION",
        "encryption": "STARS_STATE_ENCRYPTION",
        "retention": "STARS_STATE_RETENTION",
    },
    "STARS_STATE_MANAGER": {
        "enable_audit": "STARS_STATE_AUDIT",
        "persistence_type": "STARS_STATE_STORE",
    },
    "STARS_STATE_SYNC": {
        "sync_interval": "STARS_SYNC_INTERVAL",
        "max_retries": "STARS_SYNC_RETRIES",
        "timeout": "STARS_SYNC_TIMEOUT",
        "max_concurrent_syncs": "STARS_SYNC_CONCURRENCY",
        "queue_buffer_size": "STARS_SYNC_WINDOW",
        "compression": "STARS_SYNC_COMPRESSION",
        "encryption": "STARS_SYNC_TLS_ONLY",
    },
}


class Value(NamedTuple):
    """A line of the page."""

    name: str
    shown: str
    origin: str


class Part(NamedTuple):
    """A table of the page; `refused` stands in its place when the setting is not valid."""

    title: str
    setting: str
    values: tuple[Value, ...] = ()
    refused: str = ""


def parts() -> Iterator[Part]:
    """All that is configured."""
    made: tuple[tuple[Any, str, Callable[[], Any]], ...] = (
        (_("Where states are kept"), "STARS_STATES", conf.persistence_config),
        (_("How states are managed"), "STARS_STATE_MANAGER", conf.manager_config),
        (_("How states are synced"), "STARS_STATE_SYNC", conf.sync_config),
    )
    for title, setting, read in made:
        config = attempt(read)
        if isinstance(config, StarsError):
            yield Part(str(title), setting, refused=gettext(config.message))
        else:
            yield Part(str(title), setting, tuple(_values(setting, config)))


def page(site: AdminSite) -> Callable[[HttpRequest], HttpResponse]:
    """The view, for administrators of the installation."""

    def view(request: HttpRequest) -> HttpResponse:
        if not actor_of(request).is_superuser:
            raise PermissionDenied
        context = {
            **site.each_context(request),
            "title": _("Configuration of states"),
            "parts": list(parts()),
        }
        return TemplateResponse(request, TEMPLATE, context)

    return view


def _values(setting: str, config: Any) -> Iterator[Value]:
    given: Mapping[str, Any] = getattr(settings, setting)
    for field in msgspec.structs.fields(config):
        value = getattr(config, field.name)
        plain = field.default_factory() if callable(field.default_factory) else field.default
        variable = VARIABLES[setting].get(field.name, "")
        if any(name in os.environ for name in (variable, f"{variable}_FILE")):
            origin = variable
        elif field.name in given and value != plain:
            origin = setting
        else:
            origin = gettext("default")
        yield Value(field.name, _shown(value), origin)


def _shown(value: Any) -> str:
    """For people; a password in an address is left out."""
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g} s"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_shown(each)}" for name, each in value.items()) or "–"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    text = str(value)
    if "@" in text and "://" in text:
        parts = urlsplit(text)
        text = urlunsplit(parts._replace(netloc=f"…@{parts.netloc.rpartition('@')[2]}"))
    return text or "–"
