"""Spaces and states. States are written by whoever uses them; here they are configured, frozen and removed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from state import conf
from state.admin.base import action, carry_out, display
from state.admin.forms import SettingsForm
from state.admin.looking import (
    Decoded,
    OfStore,
    attempt,
    caller_of,
    listed,
    part,
    table,
    told,
)
from state.admin.pages import FormPage, sent
from state.errors import StarsError
from state.manager import Base
from state.models import Conflict, Entry, Space, State
from state.policy import Caller
from state.values import SETTINGS, SharedState
from state.values import Entry as EntryValue

#: Columns of a state's newest entries.
HEADS: Final = (
    *(
        _("version"),
        _("revision"),
        _("kind"),
        _("agent"),
        _("at"),
        _("paths or settings"),
        _("note"),
    ),
)
#: Entries that a state's page shows.
LATEST: Final = 20


@admin.register(Space)
class SpaceAdmin(OfStore[Space]):
    """Spaces: each numbers its changes, and has an epoch that changes when its history does."""

    space_field = "id"
    packed = ()
    list_display = ("id", "revision", "compact_revision", "living", "epoch")
    search_fields = ("id",)
    fields = ("id", "epoch", "revision", "compact_revision", "audit", "journal", "links")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Space]:
        """With the number of living states."""
        living = Count("states", filter=Q(states__deleted=False))
        return super().get_queryset(request).annotate(living_total=living)

    @display(description=_("states"), ordering="living_total")
    def living(self, space: Space) -> str:
        """How many living states it has, and the way to them."""
        return listed(State, getattr(space, "living_total", 0), space__id__exact=space.id)

    @display(description=_("in this space"))
    def links(self, space: Space) -> str:
        """The way to its entries and conflicts."""
        pages = ((Entry, _("Entries")), (Conflict, _("Conflicts")))
        return _joined(listed(model, text, space__id__exact=space.id) for model, text in pages)


@admin.register(State)
class StateAdmin(FormPage):
    """States as they stand, tombstones among them."""

    packed = ("data", "settings")
    list_display = ("key", "space", "type", "version", "revision", "is_living", "updated_at")
    list_filter = ("deleted", "type", ("space", admin.RelatedOnlyFieldListFilter), "updated_at")
    list_select_related = ("space",)
    search_fields = ("key", "owners", "tags")
    ordering = ("space", "key")
    actions = ("freeze", "unfreeze", "tombstone")
    actions_detail = ("change_settings",)
    fields = (
        *("key", "space", "type", "uid", "version", "revision", "deleted", "deleted_reason"),
        *("created_at", "updated_at", "hash", "compacted_version"),
        *("links", "status", "settings_shown", "document", "latest"),
    )
    readonly_fields = fields

    def decode(self, caller: Caller, row: State) -> Decoded:
        """The state, and its newest entries; a tombstone has only those."""
        manager = attempt(conf.manager)
        if isinstance(manager, StarsError):
            return {"state": manager, "latest": manager}
        return {
            "state": attempt(lambda: manager.get_state(caller, row.key, with_status=True)),
            "latest": attempt(lambda: manager.history(caller, row.key, limit=LATEST)),
        }

    @display(description=_("living"), boolean=True, ordering="deleted")
    def is_living(self, row: State) -> bool:
        """Whether it is no tombstone."""
        return not row.deleted

    @display(description=_("history"))
    def links(self, row: State) -> str:
        """The way to all its entries, and to its conflicts."""
        space = {"space__id__exact": row.space_id}
        return _joined(
            [
                listed(Entry, _("All entries"), state__id__exact=str(row.pk)),
                listed(Conflict, _("Conflicts"), key__exact=row.key, **space),
            ]
        )

    @display(description=_("status"))
    def status(self, row: State) -> str:
        """Whether something waits for it."""
        return part(row, "state", lambda s: {"sync": s.sync_status, "pending": s.pending_ops})

    @display(description=_("settings"))
    def settings_shown(self, row: State) -> str:
        """All of them."""
        return part(row, "state", lambda s: {name: getattr(s, name) for name in SETTINGS})

    @display(description=_("document"))
    def document(self, row: State) -> str:
        """The data."""
        return part(row, "state", lambda state: state.data)

    @display(description=_("latest entries"))
    def latest(self, row: State) -> str:
        """What was done to it, newest first."""
        found = row.__dict__["decoded"]["latest"]
        return told(found) if isinstance(found, StarsError) else table(HEADS, map(_cells, found))

    # -- actions ----------------------------------------------------------------------------------------------------

    @action(description=_("Freeze selected states"), permissions=["settle"])
    def freeze(self, request: HttpRequest, queryset: QuerySet[State]) -> None:
        """Let their data be read and no longer written."""
        self._freeze(request, queryset, True, _("Frozen"))

    @action(description=_("Unfreeze selected states"), permissions=["settle"])
    def unfreeze(self, request: HttpRequest, queryset: QuerySet[State]) -> None:
        """Let them be written again."""
        self._freeze(request, queryset, False, _("Unfrozen"))

    def _freeze(
        self, request: HttpRequest, rows: QuerySet[State], frozen: bool, done: Promise
    ) -> None:
        def act(row: State) -> None:
            caller = caller_of(request, row.space_id)
            conf.manager().freeze(caller, row.key, frozen=frozen)

        carry_out(self, request, rows, act, done, name=lambda row: f"{row.space_id}/{row.key}")

    @action(description=_("Delete selected states"), permissions=["settle"])
    def tombstone(self, request: HttpRequest, queryset: QuerySet[State]) -> HttpResponse | None:
        """Leave tombstones, after asking; history stays as long as retention says."""
        if request.POST.get("post") != "yes":
            title = _("Delete these states?")
            shown = {"rows": list(queryset), "action": "tombstone", "do": _("Delete")}
            return self.answer_with(request, title, self.list_page(), **shown)

        def act(row: State) -> None:
            caller = caller_of(request, row.space_id)
            conf.manager().delete_state(caller, row.key, base=Base(version=row.version))

        name = "{0.space_id}/{0.key}".format
        carry_out(self, request, queryset, act, _("Deleted"), name=name)
        return None

    @action(description=_("Change settings"), url_path="settings", permissions=["settle"])
    def change_settings(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Who may do what with the state, and how collisions on it end."""
        row = self.row_or_404(request, object_id)
        state = row.__dict__["decoded"]["state"]
        if isinstance(state, StarsError):
            return self.refused(request, row, state)
        form = SettingsForm(sent(request), state=state)
        if form.is_valid() and self._configured(request, state, form):
            return HttpResponseRedirect(self.page_of(row))
        title = gettext("Settings of %(state)s") % {"state": state.id}
        return self.answer_with(request, title, self.page_of(row), form=form)

    def _configured(self, request: HttpRequest, state: SharedState, form: SettingsForm) -> bool:
        base = Base(version=form.cleaned_data["version"])
        caller = caller_of(request, state.space)
        try:
            written = conf.manager().configure(caller, state.id, form.changes(), base=base)
        except StarsError as error:
            form.refuse(error)
            return False
        text = _("The settings were changed.") if written.changed else _("Nothing was changed.")
        self.message_user(request, text, messages.SUCCESS)
        return True


def _cells(entry: EntryValue) -> tuple[object, ...]:
    """An entry as a row of a table."""
    did = dict.fromkeys(entry.config or (op.path or "/" for op in entry.ops))
    note = msgspec.json.encode(entry.metadata).decode() if entry.metadata else ""
    at = date_format(localtime(entry.at), "DATETIME_FORMAT")
    return entry.version, entry.revision, entry.kind, entry.agent, at, ", ".join(did), note


def _joined(links: Iterable[str]) -> str:
    return format_html_join(" · ", "{}", ((link,) for link in links))
