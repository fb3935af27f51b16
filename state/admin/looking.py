"""How the tables of states are looked at: only the spaces that one administers, each row decoded by the store, and what
cannot be decoded as the sentence that says why."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec
from django.contrib import messages
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.translation import gettext

from state import conf
from state.admin.base import M, ReadOnlyAdmin, actor_of
from state.errors import StarsError
from state.policy import Caller
from state.refusals import Damaged
from state.values import PersistenceType

logger = logging.getLogger(__name__)

#: Characters of a document that a page shows; the REST API has the rest.
SHOWN: Final = 100_000

#: What the store says of a row, by what it was asked for; a refusal stands in the place of what it refused.
Decoded = Mapping[str, Any]


def caller_of(request: HttpRequest, space: str) -> Caller:
    """Whoever is signed in, as it acts in that space. Raises SpaceNotFound."""
    user = actor_of(request)
    if user.is_superuser:
        return Caller(space=space, name=f"human:{user.get_username()}", admin=True)
    return conf.directory().caller(user, space)


def attempt(read: Callable[[], Any]) -> Any:
    """What `read` returns, or the StarsError that it raises; no row, however wrong, takes the page with it."""
    try:
        return read()
    except StarsError as error:
        return error
    except Exception as error:
        logger.exception("a row of the states cannot be read")
        return Damaged(f"This row cannot be read: {type(error).__name__}: {error}")


def part(row: Model, name: str, take: Callable[[Any], object] = lambda value: value) -> str:
    """That part of a decoded row as JSON for people; or why it cannot be shown."""
    found = row.__dict__["decoded"][name]
    return told(found) if isinstance(found, StarsError) else as_json(take(found))


def told(error: StarsError) -> str:
    """A refusal in place of what it refused."""
    return format_html('<strong role="alert">{}</strong>', gettext(error.message))


def as_json(value: object) -> str:
    """Any of our values, indented."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    if len(text) > SHOWN:
        text = text[:SHOWN] + " …"
    return format_html('<pre class="whitespace-pre-wrap break-all">{}</pre>', text)


def table(heads: Iterable[object], rows: Iterable[Sequence[object]]) -> str:
    """A plain table."""

    def line(cells: Iterable[object], tag: str) -> str:
        cell = format_html('<{0} class="text-left align-top pr-4 pb-1">{{}}</{0}>', tag)
        return format_html("<tr>{}</tr>", format_html_join("", cell, ((each,) for each in cells)))

    body = format_html_join("", "{}", ((line(row, "td"),) for row in rows))
    return format_html("<table>{}{}</table>", line(heads, "th"), body)


def listed(model: type[Model], label: object, **lookups: str | int) -> str:
    """A link to the list of those rows."""
    opts = model._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    return format_html('<a href="{}?{}">{}</a>', url, urlencode(lookups), label)


class SpaceScoped(ReadOnlyAdmin[M]):
    """Rows of the spaces that the user administers; subclasses say what the store decodes of a row."""

    #: The field that names the space; and columns too large for lists.
    space_field: ClassVar[str] = "space_id"
    packed: ClassVar[tuple[str, ...]] = ("body",)

    def decode(self, caller: Caller, row: M) -> Decoded:
        """What the store tells about the row."""
        return {}

    def alias(self) -> str:
        """The database that is looked at."""
        kept = attempt(conf.persistence_config)
        if isinstance(kept, StarsError) or kept.type is not PersistenceType.DATABASE:
            return DEFAULT_DB_ALIAS
        return kept.connection_string or DEFAULT_DB_ALIAS

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        """Without what is packed, which only the store can read."""
        rows = super().get_queryset(request).using(self.alias()).defer(*self.packed)
        user = actor_of(request)
        if user.is_superuser:
            return rows
        administered = conf.directory().administered(user)
        return rows.filter(**{f"{self.space_field}__in": administered})

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> M | None:
        """The row, with what the store makes of it in `decoded`."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            caller = caller_of(request, self.space_of(row))
            row.__dict__["decoded"] = self.decode(caller, row)
        return row

    def space_of(self, row: M) -> str:
        """The id of the row's space."""
        return str(getattr(row, self.space_field))

    def has_settle_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Whether the user may use the actions at all; the StateManager has its say about each state."""
        opts = self.opts
        return actor_of(request).has_perm(f"{opts.app_label}.change_{opts.model_name}")


class OfStore(SpaceScoped[M]):
    """Rows of the database store; when states are kept elsewhere, that is said on top."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list."""
        if request.method == "GET" and (warning := self._warning()):
            self.message_user(request, warning, messages.WARNING)
        return super().changelist_view(request, extra_context)

    def _warning(self) -> str:
        """What must be known before one believes the list."""
        kept = attempt(conf.manager_config)
        if isinstance(kept, StarsError):
            return kept.message
        kind = kept.persistence_type if kept.enable_persistence else PersistenceType.MEMORY
        if kind is PersistenceType.DATABASE:
            return ""
        text = gettext(
            'States are kept in the store "{}". This list shows the tables of the database, which that store'
            ' does not use; <a href="{}">the pages of the dashboard</a> show every store.'
        )
        return format_html(text, kind, dashboard())


def dashboard() -> str:
    """Where the dashboard shows states."""
    return "/"
