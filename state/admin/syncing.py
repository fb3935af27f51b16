"""Connections of agents and sync tasks, to be looked at; what is done to them, the StateSyncManager does.

They are in the site's own database, whatever store holds the states. Secrets of webhooks are shown nowhere.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import DEFAULT_DB_ALIAS
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from state import conf
from state.admin import configuration
from state.admin.base import ReadOnlyInline, action, carry_out, display
from state.admin.looking import Decoded, SpaceScoped, attempt, caller_of, part, table, told
from state.errors import Conflict, StarsError
from state.models import Connection, SyncTarget, SyncTask
from state.policy import Caller
from state.values import SyncTaskType, TargetStatus

CONNECTIONS = {
    "connecting": "info",
    "connected": "success",
    "reconnecting": "warning",
    "disconnected": "",
    "error": "danger",
}
TASKS = {
    "pending": "info",
    "running": "info",
    "sent": "info",
    "completed": "success",
    "deferred": "warning",
    "failed": "danger",
    "cancelled": "",
}


class NothingFailed(Conflict):
    """No target of this task has failed, so there is nothing to try again."""

    reason = "nothing_failed"


@admin.register(Connection)
class ConnectionAdmin(SpaceScoped[Connection]):
    """Sessions of agents and webhooks, and how far behind they are."""

    space_field = "space"
    packed = ("secret", "reader", "subscriptions", "metadata")
    list_display = (
        *("agent", "name", "space", "type", "status_badge", "acked", "is_parked"),
        *("conflict_count", "last_heartbeat", "address"),
    )
    list_filter = ("status", "type", "parked", "last_heartbeat")
    search_fields = ("=id", "agent", "name", "space", "address")
    ordering = ("space", "agent", "name", "id")
    actions = ("disconnect",)
    fields = (
        *("id", "space", "agent", "name", "user", "type", "status_badge", "address", "error"),
        *("connected_at", "last_heartbeat", "expires_at", "ended_at", "process"),
        *("acked", "is_parked", "conflict_count", "tries", "failing_since", "due_at"),
        *("subscribed", "states", "unseen", "notes"),
    )
    readonly_fields = fields

    def alias(self) -> str:
        """Always here."""
        return DEFAULT_DB_ALIAS

    def get_urls(self) -> list[Any]:
        """With the page of the configuration."""
        view = self.admin_site.admin_view(configuration.page(self.admin_site))
        return [path("configuration/", view, name=configuration.NAME), *super().get_urls()]

    def decode(self, caller: Caller, row: Connection) -> Decoded:
        """The connection, with how it stands to each state."""
        found = attempt(lambda: conf.sync_manager().get_agent_connection(caller, row.pk))
        return {"connection": found}

    @display(description=_("status"), ordering="status", label=CONNECTIONS)
    def status_badge(self, row: Connection) -> str:
        """Where it stands."""
        return row.status

    @display(description=_("parked"), boolean=True, ordering="parked")
    def is_parked(self, row: Connection) -> bool:
        """Whether it does not keep up."""
        return row.parked

    @display(description=_("subscribed states"))
    def subscribed(self, row: Connection) -> str:
        """As it named them."""
        return part(row, "connection", lambda found: found.subscribed_states)

    @display(description=_("states"))
    def states(self, row: Connection) -> str:
        """How it stands to each."""
        found = row.__dict__["decoded"]["connection"]
        if isinstance(found, StarsError):
            return told(found)
        heads = (_("state"), _("status"), _("version"), _("revision"), _("behind"))
        cells = ((s.state_id, s.status, s.version, s.revision, s.behind) for s in found.states)
        return table(heads, cells)

    @display(description=_("not acknowledged"))
    def unseen(self, row: Connection) -> str:
        """The first changes that it has not acknowledged."""
        return part(row, "connection", lambda found: found.pending_updates)

    @display(description=_("metadata"))
    def notes(self, row: Connection) -> str:
        """As its agent gave it."""
        return part(row, "connection", lambda found: found.metadata)

    @action(description=_("Disconnect"), permissions=["settle"])
    def disconnect(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        """End them; their sockets are told to close, webhooks get nothing more."""

        def act(row: Connection) -> None:
            caller = caller_of(request, row.space)
            conf.sync_manager().disconnect_agent(caller, row.pk)

        carry_out(self, request, queryset, act, _("Disconnected"))


class TargetInline(ReadOnlyInline[SyncTarget, SyncTask]):
    """The agents that the task serves."""

    model = SyncTarget
    fields = ("agent", "status", "revision", "retry_count", "error", "sent_at", "acked_at")
    readonly_fields = fields
    show_change_link = False


@admin.register(SyncTask)
class SyncTaskAdmin(SpaceScoped[SyncTask]):
    """Pushes of states to agents that are kept track of."""

    space_field = "space"
    packed = ()
    list_display = (
        *("id", "space", "key", "type", "status_badge", "priority", "retry_count"),
        *("created_by", "created_at", "completed_at"),
    )
    list_filter = ("status", "type", "priority", "created_at")
    search_fields = ("=id", "space", "key", "created_by")
    ordering = ("-created_at", "-id")
    actions = ("cancel", "retry")
    inlines = (TargetInline,)
    fields = (
        *("id", "space", "key", "type", "status_badge", "priority", "revision"),
        *("retry_count", "max_retries", "error", "metadata", "created_by"),
        *("created_at", "started_at", "completed_at", "due_at"),
    )
    readonly_fields = fields

    def alias(self) -> str:
        """Always here."""
        return DEFAULT_DB_ALIAS

    @display(description=_("status"), ordering="status", label=TASKS)
    def status_badge(self, row: SyncTask) -> str:
        """Where it stands."""
        return row.status

    @action(description=_("Cancel selected tasks"), permissions=["settle"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[SyncTask]) -> None:
        """End them between two targets."""

        def act(row: SyncTask) -> None:
            conf.sync_manager().cancel_sync_task(caller_of(request, row.space), str(row.pk))

        carry_out(self, request, queryset, act, _("Cancelled"))

    @action(description=_("Try what failed again, as a new task"), permissions=["settle"])
    def retry(self, request: HttpRequest, queryset: QuerySet[SyncTask]) -> None:
        """For the targets that failed, and nobody else."""

        def act(row: SyncTask) -> None:
            failed = row.targets.filter(status=TargetStatus.FAILED)
            agents = list(failed.values_list("agent", flat=True))
            if not agents:
                raise NothingFailed(gettext(NothingFailed().message))
            kind = SyncTaskType(row.type)
            conf.sync_manager().create_sync_task(
                caller_of(request, row.space),
                SyncTaskType.MULTICAST if kind is SyncTaskType.BROADCAST else kind,
                row.key,
                agents,
                priority=row.priority,
                max_retries=row.max_retries,
                metadata={**row.metadata, "retry_of": str(row.pk)},
            )

        carry_out(self, request, queryset, act, _("Begun again"))
