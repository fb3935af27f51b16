"""Sessions of agents with what they acknowledged, and sync tasks with their targets.

They are in the site's own database whatever store holds the states; spaces are named only, for they may be elsewhere.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from state.models.fields import WordField, choices, new_id
from state.values import (
    ConnectionStatus,
    ConnectionType,
    SyncTaskType,
    TargetStatus,
    TaskStatus,
)
from state.values.sync import LIVE, SERVED

#: In the order of the enums, so that migrations are the same each time they are made.
LIVE_STATUSES = [status.value for status in ConnectionStatus if status in LIVE]
WORK_STATUSES = [TaskStatus.PENDING.value, TaskStatus.RUNNING.value]
OPEN_TARGETS = [status.value for status in TargetStatus if status not in SERVED]


class Connection(models.Model):
    """A session of an agent in a space, or a webhook; it outlives the sockets through which it is held."""

    #: "s_" and random characters.
    id = models.CharField(primary_key=True, max_length=64)
    space = WordField()
    #: The principal in whose name it reads and writes.
    agent = WordField()
    #: Whoever signed in; without this user there are neither its sessions nor its webhooks.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    name = WordField(blank=True, default="")
    type = models.CharField(max_length=16, choices=choices(ConnectionType))
    status = models.CharField(max_length=16, choices=choices(ConnectionStatus))
    #: A webhook's; "" for sockets and polling.
    address = models.TextField(blank=True, default="")
    #: Of the webhook's signatures, sealed by `state.sync.secrets`.
    secret = models.BinaryField(null=True, blank=True)
    #: As the agent was known when it connected: `state.policy.Caller`. For overviews only, never to decide upon.
    reader: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, blank=True
    )
    #: [{"sub", "states": [patterns], "mode", "acked", "token"}]
    subscriptions: models.JSONField[list[Any], list[Any]] = models.JSONField(
        default=list, blank=True
    )
    #: The least of its subscriptions' acknowledged revisions; null: it subscribes to nothing.
    acked = models.BigIntegerField(null=True, blank=True)
    parked = models.BooleanField(default=False)
    conflict_count = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    #: +1 with every socket that takes the session up, so that what an old one says late changes nothing.
    generation = models.PositiveIntegerField(default=1)
    #: The process that holds its socket; "": none does.
    process = WordField(blank=True, default="")
    connected_at = models.DateTimeField()
    last_heartbeat = models.DateTimeField()
    #: Until when a session without a socket is kept.
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    metadata: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, blank=True
    )
    # Of webhooks: how often in a row sending failed and since when, when it may be tried again, and until when somebody
    # is at it.
    tries = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    lease = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    #: What was sent and not acknowledged, so that it is the same when it is sent again: {"revision", "synced",
    #: "digest"}.
    sending: models.JSONField[dict[str, Any] | None, dict[str, Any] | None] = models.JSONField(
        null=True, blank=True
    )

    class Meta:
        ordering = ("space", "agent", "name", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(acked__gte=0) | Q(acked__isnull=True), name="connection_acked_counts"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | ~Q(status__in=LIVE_STATUSES),
                name="connection_live_has_no_end",
            ),
            models.CheckConstraint(
                condition=Q(address="") | Q(secret__isnull=False),
                name="connection_webhook_has_secret",
            ),
        )
        indexes = (
            # Lists, sessions of an agent, and what holds compaction back.
            models.Index(fields=("space", "agent", "name"), name="connection_by_agent"),
            models.Index(
                fields=("space", "acked"),
                condition=Q(status__in=LIVE_STATUSES),
                name="connection_live_acked",
            ),
            # The sweep.
            models.Index(
                fields=("last_heartbeat",),
                condition=Q(status__in=LIVE_STATUSES),
                name="connection_live_heard",
            ),
            models.Index(
                fields=("expires_at",),
                condition=Q(expires_at__isnull=False),
                name="connection_expiring",
            ),
            models.Index(
                fields=("ended_at",), condition=Q(ended_at__isnull=False), name="connection_ended"
            ),
            models.Index(
                fields=("due_at",),
                condition=~Q(address="") & Q(ended_at__isnull=True),
                name="connection_webhook_due",
            ),
        )

    def __str__(self) -> str:
        return f"{self.agent} in {self.space} ({self.status})"


class SyncTask(models.Model):
    """A push of a state to agents that is kept track of."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    space = WordField()
    type = models.CharField(max_length=16, choices=choices(SyncTaskType))
    priority = models.PositiveSmallIntegerField(default=1)
    #: The state's id.
    key = WordField()
    status = models.CharField(
        max_length=16, choices=choices(TaskStatus), default=TaskStatus.PENDING.value
    )
    #: The revision that its targets must have; 0: not known before it starts.
    revision = models.BigIntegerField(default=0)
    #: Whether it is settled whom it serves.
    chosen = models.BooleanField(default=False)
    #: Whether its failure stands in the audit trail of the space, if it has failed.
    told = models.BooleanField(default=True)
    retry_count = models.PositiveIntegerField(default=0)
    max_retries = models.PositiveIntegerField(default=3)
    error = models.TextField(blank=True, default="")
    metadata: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, blank=True
    )
    created_by = WordField(blank=True, default="")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    #: `created_at`, earlier by as long as its priority is worth in waiting: who waits longest by this is next.
    rank = models.DateTimeField()
    #: When there is something to do about it.
    due_at = models.DateTimeField()
    #: Its place among those carried out at once; nobody else has it meanwhile.
    slot = models.PositiveIntegerField(null=True, blank=True, unique=True)
    lease = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(condition=Q(priority__lte=9), name="sync_task_priority_0_to_9"),
            models.CheckConstraint(
                condition=Q(slot__isnull=True) | Q(status=TaskStatus.RUNNING.value),
                name="sync_task_slot_while_running",
            ),
        )
        indexes = (
            models.Index(
                fields=("status", "rank"),
                condition=Q(status__in=WORK_STATUSES),
                name="sync_task_next",
            ),
            models.Index(fields=("space", "-created_at"), name="sync_task_newest_first"),
            models.Index(
                fields=("space", "key"),
                condition=Q(status__in=WORK_STATUSES),
                name="sync_task_open_by_state",
            ),
            models.Index(
                fields=("completed_at",),
                condition=Q(completed_at__isnull=False),
                name="sync_task_completed",
            ),
            models.Index(
                fields=("completed_at",), condition=Q(told=False), name="sync_task_to_tell"
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} of {self.key} in {self.space} ({self.status})"


class SyncTarget(models.Model):
    """One agent that a sync task serves."""

    task = models.ForeignKey(
        SyncTask, on_delete=models.CASCADE, related_name="targets", db_index=False
    )
    agent = WordField()
    status = models.CharField(
        max_length=16, choices=choices(TargetStatus), default=TargetStatus.PENDING.value
    )
    #: That it has to acknowledge.
    revision = models.BigIntegerField(default=0)
    retry_count = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)
    #: When it is tried again.
    due_at = models.DateTimeField(null=True, blank=True)
    acked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("task", "agent")
        constraints = (
            models.UniqueConstraint(fields=("task", "agent"), name="sync_target_once_per_task"),
        )
        indexes = (
            models.Index(
                fields=("agent", "status"),
                condition=Q(status__in=OPEN_TARGETS),
                name="sync_target_open_by_agent",
            ),
        )

    def __str__(self) -> str:
        return f"{self.agent}: {self.status}"
