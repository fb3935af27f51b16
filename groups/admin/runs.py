"""Runs and what belongs to them. A run is started and steered through services; its log is read-only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from unfold.decorators import display

from groups import access
from groups.admin.base import BADGES, GroupScoped, ServiceAdmin, adopt, run_link
from groups.models import Attachment, Level, Run, RunEvent, Subtask
from groups.services import runs
from state.admin.base import ReadOnlyAdmin, ReadOnlyInline, actor_of, carry_out

#: What a person decides when a run is started, and what became of it.
STARTED_WITH = (
    "group",
    "task",
    "mode",
    "options",
    "approve_plan",
    "failure_policy",
    "time_limit",
    "subtask_time_limit",
    "max_attempts",
    "max_parallel",
    "max_tokens",
    "max_cost_usd",
)
OUTCOME = (
    "status",
    "plan",
    "result",
    "error",
    "stop_reason",
    "usage",
    "last_seq",
    "created_by",
    "created_at",
    "started_at",
    "finished_at",
)


class SubtaskInline(ReadOnlyInline[Subtask, Run]):
    """A run's subtasks."""

    model = Subtask
    fields = ("key", "title", "kind", "status", "agent_id", "attempt")
    readonly_fields = fields


class AttachmentInline(ReadOnlyInline[Attachment, Run]):
    """The files given with a run's task."""

    model = Attachment
    fields = ("name", "media_type", "size")
    readonly_fields = fields


@admin.register(Run)
class RunAdmin(GroupScoped[Run], ServiceAdmin[Run]):
    """Runs: start one here, steer several from the list."""

    list_display = (
        "task_start",
        "group",
        "status_badge",
        "mode",
        "created_by",
        "created_at",
        "page",
    )
    list_filter = ("status", "mode", ("group", admin.RelatedOnlyFieldListFilter), "created_at")
    list_select_related = ("group", "created_by")
    search_fields = ("=id", "task", "group__id", "group__name")
    autocomplete_fields = ("group",)
    inlines = (SubtaskInline, AttachmentInline)
    actions = ("cancel", "pause", "resume", "retry", "approve")

    @display(description="task")
    def task_start(self, run: Run) -> str:
        """The first words of the task."""
        return run.task[:80]

    @display(description="status", ordering="status", label=BADGES)
    def status_badge(self, run: Run) -> str:
        """The status."""
        return run.status

    @display(description="live")
    def page(self, run: Run) -> str:
        """The run's page."""
        return run_link(run.id)

    def get_fields(self, request: HttpRequest, obj: Run | None = None) -> tuple[str, ...]:
        """A run that is being started has no outcome."""
        return ("page", *STARTED_WITH, *OUTCOME) if obj else STARTED_WITH

    def get_readonly_fields(self, request: HttpRequest, obj: Run | None = None) -> tuple[str, ...]:
        """Once started, it is steered by actions only."""
        return ("page", *STARTED_WITH, *OUTCOME) if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Run | None) -> Any:
        """A run that is being started has neither subtasks nor stored files."""
        return self.inlines if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        """A run is not edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        """A run goes with its group only."""
        return False

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Whether the user may use the actions at all; each run's group has its say too."""
        return actor_of(request).has_perm("groups.change_run")

    def save_model(self, request: HttpRequest, obj: Run, form: Any, change: bool) -> None:
        """Start a run."""
        actor = actor_of(request)
        wanted = dict(form.cleaned_data)
        group = access.get_group(actor, wanted.pop("group").id, Level.OPERATOR)
        wanted["options"] = wanted.get("options") or {}
        adopt(obj, runs.start(actor=actor, group=group, **wanted))

    @admin.action(description="Cancel selected runs", permissions=["steer"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        """End them now."""
        self._steer(request, queryset, "Cancelled", runs.cancel)

    @admin.action(description="Pause selected runs", permissions=["steer"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        """Start nothing further in them."""
        self._steer(request, queryset, "Paused", runs.pause)

    @admin.action(description="Resume selected runs", permissions=["steer"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        """Go on after a pause."""
        self._steer(request, queryset, "Resumed", runs.resume)

    @admin.action(description="Retry what failed in selected runs", permissions=["steer"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        """Take up failed subtasks again."""
        self._steer(request, queryset, "Retried", runs.retry)

    @admin.action(description="Approve the plans of selected runs", permissions=["steer"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        """Let the proposed plans be carried out."""
        self._steer(request, queryset, "Approved", runs.approve)

    def _steer(
        self, request: HttpRequest, rows: QuerySet[Run], done: str, service: Callable[..., Run]
    ) -> None:
        """Do it to each run, each in its own transaction, and report what was done and what refused."""
        actor: User = actor_of(request)

        def steer(run: Run) -> None:
            service(actor=actor, run=access.get_run(actor, run.id, Level.OPERATOR))

        carry_out(self, request, rows.order_by("id"), steer, done, name=lambda run: run.id)


class OfRun(GroupScoped[Any], ReadOnlyAdmin[Any]):
    """Something that belongs to a run."""

    group_path = "run__group"
    list_select_related = ("run",)

    @display(description="run", ordering="run")
    def run_page(self, row: Subtask | RunEvent | Attachment) -> str:
        """The run's page."""
        return run_link(row.run_id)


@admin.register(Subtask)
class SubtaskAdmin(OfRun):
    """Units of agent work."""

    list_display = (
        "key",
        "title",
        "kind",
        "status_badge",
        "agent_id",
        "attempt",
        "run_page",
        "started_at",
    )
    list_filter = ("status", "kind")
    search_fields = ("key", "title", "agent_id", "=run__id")
    ordering = ("-id",)

    @display(description="status", ordering="status", label=BADGES)
    def status_badge(self, subtask: Subtask) -> str:
        """The status."""
        return subtask.status


@admin.register(RunEvent)
class RunEventAdmin(OfRun):
    """The runs' logs, newest first."""

    list_display = ("id", "run_page", "seq", "type", "agent_id", "at", "data_start")
    list_filter = ("type", "at")
    search_fields = ("=run__id", "agent_id")
    ordering = ("-id",)

    @display(description="data")
    def data_start(self, event: RunEvent) -> str:
        """The first characters of the data."""
        return str(event.data)[:80]


@admin.register(Attachment)
class AttachmentAdmin(OfRun):
    """Files given with tasks. Their content is handed out by the dashboard and the API only."""

    list_display = ("name", "media_type", "file_size", "run_page")
    list_filter = ("media_type",)
    search_fields = ("name", "sha256", "=run__id")
    fields = ("run", "name", "media_type", "size", "sha256")
    ordering = ("-id",)

    @display(description="size", ordering="size")
    def file_size(self, attachment: Attachment) -> str:
        """The size for people."""
        return filesizeformat(attachment.size)
