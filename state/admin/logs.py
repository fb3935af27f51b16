"""What only grows: entries of the logs, operations with their outcomes, the audit trail. To be looked at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from state import conf
from state.admin.base import display
from state.admin.looking import Decoded, OfStore, attempt, part
from state.models import Audit, Entry, Op
from state.policy import Caller
from state.refusals import OperationNotFound, VersionNotFound

BADGES = {
    "queued": "info",
    "applying": "info",
    "applied": "success",
    "merged": "success",
    "conflict": "warning",
    "rejected": "danger",
    "expired": "danger",
}
SPACE = ("space", admin.RelatedOnlyFieldListFilter)


@admin.register(Entry)
class EntryAdmin(OfStore[Entry]):
    """The logs of all spaces, newest first."""

    list_display = ("place", "key", "version", "kind", "agent", "op_id", "at")
    list_filter = ("kind", SPACE, "at")
    search_fields = ("key", "agent", "=op_id")
    ordering = ("-id",)
    fields = (
        *("place", "key", "uid", "version", "base_version", "kind", "agent", "op_id", "at"),
        *("hash", "ops", "overwrote", "config", "conflict", "note"),
    )
    readonly_fields = fields

    def decode(self, caller: Caller, row: Entry) -> Decoded:
        """The entry as its state's history tells it."""

        def read() -> Any:
            manager = conf.manager()
            for entry in manager.history(caller, row.key, before=row.version + 1, limit=1):
                if entry.version == row.version:
                    return entry
            raise VersionNotFound

        return {"entry": attempt(read)}

    @display(description=_("place"), ordering="id")
    def place(self, row: Entry) -> str:
        """Space, revision and place within it."""
        return str(row)

    @display(description=_("operations"))
    def ops(self, row: Entry) -> str:
        """What happened to the data."""
        return part(row, "entry", lambda entry: entry.ops)

    @display(description=_("overwritten values"))
    def overwrote(self, row: Entry) -> str:
        """What it replaced without having seen it."""
        return part(row, "entry", lambda entry: entry.overwrote)

    @display(description=_("settings"))
    def config(self, row: Entry) -> str:
        """Those that changed."""
        return part(row, "entry", lambda entry: entry.config)

    @display(description=_("settled conflict"))
    def conflict(self, row: Entry) -> str:
        """The one that it settled."""
        return part(row, "entry", lambda entry: entry.conflict)

    @display(description=_("note"))
    def note(self, row: Entry) -> str:
        """The writer's own."""
        return part(row, "entry", lambda entry: entry.metadata)


@admin.register(Op)
class OpAdmin(OfStore[Op]):
    """What waits in the journals, and outcomes by op_id."""

    list_display = ("op_id", "space", "key", "agent", "status_badge", "retry", "at", "done_at")
    list_filter = ("status", SPACE, "at")
    list_select_related = ("space",)
    search_fields = ("=op_id", "key", "agent")
    ordering = ("-id",)
    fields = (
        *("op_id", "space", "key", "agent", "status", "n", "retry", "error", "at", "done_at"),
        *("asked", "outcome"),
    )
    readonly_fields = fields

    def decode(self, caller: Caller, row: Op) -> Decoded:
        """What the store knows under the op_id."""

        def read() -> Any:
            found = conf.manager().store.find_op(row.space_id, row.agent, row.op_id)
            if found is None:
                raise OperationNotFound
            return found

        return {"op": attempt(read)}

    @display(description=_("status"), ordering="status", label=BADGES)
    def status_badge(self, row: Op) -> str:
        """Where it stands."""
        return row.status

    @display(description=_("request"))
    def asked(self, row: Op) -> str:
        """What was asked, while it waits."""
        return part(row, "op", lambda op: op.request)

    @display(description=_("outcome"))
    def outcome(self, row: Op) -> str:
        """What was answered."""
        return part(row, "op", lambda op: op.outcome)


@admin.register(Audit)
class AuditAdmin(OfStore[Audit]):
    """Events that spent no revision: refused writes, conflicts and how they ended."""

    list_display = ("place", "type", "at")
    list_filter = ("type", SPACE, "at")
    search_fields = ("space__id",)
    ordering = ("-id",)
    fields = ("place", "type", "at", "event")
    readonly_fields = fields

    def decode(self, caller: Caller, row: Audit) -> Decoded:
        """The event."""

        def read() -> Any:
            found = conf.manager().store.read_audit(row.space_id, after=row.n - 1, limit=1)
            if not found or found[0].n != row.n:
                raise OperationNotFound
            return found[0].event

        return {"event": attempt(read)}

    @display(description=_("place"), ordering="id")
    def place(self, row: Audit) -> str:
        """Space and number."""
        return str(row)

    @display(description=_("event"))
    def event(self, row: Audit) -> str:
        """The whole of it."""
        return part(row, "event")
