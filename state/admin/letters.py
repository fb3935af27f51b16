"""Dead letters: events that a durable handler of the event bus would not take. They are in the database, whatever the
store of states."""

from __future__ import annotations

from django.contrib import admin
from django.db import DEFAULT_DB_ALIAS
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from state import conf
from state.admin.base import action, carry_out, display
from state.admin.looking import Decoded, SpaceScoped, attempt, part
from state.bus.database import DatabaseCursorStore
from state.errors import Conflict, StarsError
from state.models import DeadLetter
from state.policy import Caller


class HandlerFailed(Conflict):
    """The handler failed again."""


@admin.register(DeadLetter)
class DeadLetterAdmin(SpaceScoped[DeadLetter]):
    """What was given up, and may be tried again."""

    space_field = "space"
    list_display = ("event_id", "name", "space", "attempts", "error_start", "at")
    list_filter = ("name", "at")
    search_fields = ("event_id", "name", "space", "error")
    ordering = ("-at", "-id")
    actions = ("redeliver", "drop")
    fields = ("event_id", "name", "space", "attempts", "error", "at", "event")
    readonly_fields = fields

    def alias(self) -> str:
        """Where the bus of this process keeps them."""
        return DEFAULT_DB_ALIAS

    def decode(self, caller: Caller, row: DeadLetter) -> Decoded:
        """The event."""

        def read() -> object:
            return DatabaseCursorStore(conf.manager().store.codec).letter(str(row.pk)).event

        return {"event": attempt(read)}

    @display(description=_("error"))
    def error_start(self, row: DeadLetter) -> str:
        """The beginning of what the handler raised last."""
        return row.error[:80]

    @display(description=_("event"))
    def event(self, row: DeadLetter) -> str:
        """The whole of it."""
        return part(row, "event")

    @action(description=_("Deliver selected events again"), permissions=["settle"])
    def redeliver(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        """Call their handlers once more; those that succeed are gone from here."""

        def act(row: DeadLetter) -> None:
            try:
                conf.manager().bus.redeliver(str(row.pk))
            except StarsError:
                raise
            except Exception as error:  # whatever the handler raises; the letter has noted it
                raise HandlerFailed(f"{type(error).__name__}: {error}") from error

        rows = queryset.order_by("at", "id")
        carry_out(self, request, rows, act, _("Delivered"))

    @action(description=_("Give selected events up"), permissions=["settle"])
    def drop(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        """Forget them."""
        rows = queryset.order_by("at", "id")
        carry_out(
            self, request, rows, lambda row: conf.manager().bus.drop(str(row.pk)), _("Dropped")
        )
