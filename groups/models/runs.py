"""Runs, their subtasks, their event log and their attachments.

Everything of a run changes only with its Run row locked (`services.ledger`), which is what makes the log gap-free.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from groups.events import CATALOGUE
from groups.execution.statuses import (
    RUN_ENDED,
    FailurePolicy,
    RunStatus,
    SubtaskKind,
    SubtaskStatus,
    WaitsFor,
)
from groups.models.keys import new_id
from groups.models.membership import Group
from groups.models.messages import Message

#: In the order of the enum, so that migrations are the same each time they are made.
_ENDED = [status.value for status in RunStatus if status in RUN_ENDED]


def _choices(
    enum: type[RunStatus | SubtaskStatus | SubtaskKind | FailurePolicy | WaitsFor],
) -> list[tuple[str, str]]:
    return [(item.value, item.value) for item in enum]


class Run(models.Model):
    """One task given to one group."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="runs")
    task = models.TextField()
    mode = models.CharField(max_length=32, default="leader_worker")
    status = models.CharField(max_length=20, choices=_choices(RunStatus), default=RunStatus.QUEUED)
    failure_policy = models.CharField(
        max_length=10, choices=_choices(FailurePolicy), default=FailurePolicy.CONTINUE
    )
    approve_plan = models.BooleanField(default=False)
    #: The plan as last proposed (`Plan.as_json`); null before.
    plan: models.JSONField[dict[str, Any] | None, dict[str, Any] | None] = models.JSONField(
        null=True, blank=True
    )
    result = models.TextField(blank=True)
    error = models.TextField(blank=True)
    #: Sums over all subtasks: input_tokens, output_tokens, requests, cost_usd (null = unknown).
    usage: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, blank=True
    )
    #: Caps of this run: tokens in and out together, US dollars; null = none.
    max_tokens = models.BigIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    max_cost_usd = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0.0)])
    #: Why no more was done than was: the cap that was reached, in words; empty when nothing was left undone.
    stop_reason = models.TextField(blank=True)
    #: What a mode was told: how votes are counted, how often a subtask may be handed over.
    options: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, blank=True
    )
    #: By which door it came: empty (dashboard, REST, Python), a2a, mcp, ag-ui, openai, message.
    origin = models.CharField(max_length=16, blank=True)
    #: Runs of one group that go on with each other bear the same text, given by the caller.
    conversation = models.CharField(max_length=128, blank=True)
    #: The message that this run answers.
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    #: The number of the last event in the log; the next one is one more.
    last_seq = models.BigIntegerField(default=0)
    #: Up to which event the run's shared state tells it all; less than last_seq in an ended run: it is still to be
    #: written (`services.run_states`).
    recorded_seq = models.BigIntegerField(default=0)
    #: Seconds; the whole run and one try of one subtask.
    time_limit = models.FloatField(
        default=3600.0,
        validators=[MinValueValidator(1.0), MaxValueValidator(7 * 86400.0)],
    )
    subtask_time_limit = models.FloatField(
        default=600.0, validators=[MinValueValidator(0.1), MaxValueValidator(86400.0)]
    )
    max_attempts = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(20)]
    )
    #: How many subtasks of this run may be carried out at once.
    max_parallel = models.PositiveSmallIntegerField(
        default=16, validators=[MinValueValidator(1), MaxValueValidator(500)]
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    #: When the time limit ends the run; null while its clock stands still, which is when people have to act.
    deadline_at = models.DateTimeField(null=True, blank=True)
    #: Seconds left of the time limit while the clock stands still.
    time_left = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=list(RunStatus)),
                name="run_status_is_legal",
            ),
            models.CheckConstraint(
                condition=models.Q(failure_policy__in=list(FailurePolicy)),
                name="run_failure_policy_is_legal",
            ),
            models.CheckConstraint(condition=~models.Q(task=""), name="run_has_a_task"),
            models.CheckConstraint(condition=models.Q(last_seq__gte=0), name="run_last_seq_counts"),
            # Ended means finished at some time, and only ended means that.
            models.CheckConstraint(
                condition=models.Q(status__in=_ENDED, finished_at__isnull=False)
                | (~models.Q(status__in=_ENDED) & models.Q(finished_at__isnull=True)),
                name="run_ended_means_finished",
            ),
        ]
        indexes = [
            models.Index(fields=["group", "-created_at"], name="run_by_group"),
            models.Index(fields=["-created_at", "-id"], name="run_newest_first"),
            models.Index(
                fields=["-finished_at"],
                condition=models.Q(finished_at__isnull=False),
                name="run_ended_last",
            ),
            models.Index(
                fields=["group", "conversation", "created_at"],
                condition=~models.Q(conversation=""),
                name="run_by_conversation",
            ),
            models.Index(
                fields=["created_at"],
                condition=~models.Q(status__in=_ENDED),
                name="run_under_way",
            ),
            models.Index(
                fields=["finished_at"],
                condition=models.Q(status__in=_ENDED, recorded_seq__lt=models.F("last_seq")),
                name="run_to_be_recorded",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"


class Subtask(models.Model):
    """One unit of agent work in a run, claimed under a lease."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="subtasks")
    #: The plan's name for it; the plan and the summary themselves are 'plan' and 'summary'.
    key = models.CharField(max_length=64)
    kind = models.CharField(max_length=10, choices=_choices(SubtaskKind))
    #: Order in the plan; the plan is 0.
    position = models.PositiveIntegerField(default=0)
    title = models.CharField(max_length=200)
    instructions = models.TextField(blank=True)
    #: As the plan says: an agent id or a tag.
    assignee = models.CharField(max_length=64)
    #: Whom it fell to; set when it is claimed, and before that when there is no choice.
    agent_id = models.CharField(max_length=64, blank=True)
    #: Keys of subtasks that must be completed first.
    depends_on: models.JSONField[list[str], list[str]] = models.JSONField(default=list, blank=True)
    status = models.CharField(
        max_length=10, choices=_choices(SubtaskStatus), default=SubtaskStatus.BLOCKED
    )
    attempt = models.PositiveSmallIntegerField(default=0)
    #: Attempts are counted up to here; a retry of the run raises it.
    max_attempts = models.PositiveSmallIntegerField(default=3)
    #: Whoever holds this token may finish the running attempt; nobody else may.
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_owner = models.CharField(max_length=200, blank=True)
    #: When it last became ready; how long work waits for a free slot is told by it.
    ready_at = models.DateTimeField(null=True, blank=True)
    #: A retry's back-off: not to be claimed before.
    not_before = models.DateTimeField(null=True, blank=True)
    question = models.TextField(blank=True)
    waits_for = models.CharField(max_length=10, choices=_choices(WaitsFor), default=WaitsFor.PERSON)
    #: What may be answered; empty: anything.
    options: models.JSONField[list[str], list[str]] = models.JSONField(default=list, blank=True)
    #: Nobody is waited for after it.
    due_at = models.DateTimeField(null=True, blank=True)
    #: When people were last reminded that it waits.
    reminded_at = models.DateTimeField(null=True, blank=True)
    #: What the agent's runtime left for itself when it began to wait.
    memo: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, blank=True
    )
    answers: models.JSONField[list[str], list[str]] = models.JSONField(default=list, blank=True)
    result = models.TextField(blank=True)
    #: What a mode reads of the result, such as a vote.
    data: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, blank=True
    )
    error = models.TextField(blank=True)
    #: How often its agent passed it on.
    handovers = models.PositiveSmallIntegerField(default=0)
    #: Late results of attempts that had lost their lease; each was refused.
    refused = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "key"], name="one_subtask_per_run_and_key"),
            models.CheckConstraint(
                condition=models.Q(status__in=list(SubtaskStatus)),
                name="subtask_status_is_legal",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=list(SubtaskKind)),
                name="subtask_kind_is_legal",
            ),
            # Running means leased, and only running means leased.
            models.CheckConstraint(
                condition=models.Q(
                    status="running",
                    lease_token__isnull=False,
                    lease_until__isnull=False,
                )
                | (~models.Q(status="running") & models.Q(lease_token__isnull=True)),
                name="subtask_running_means_leased",
            ),
        ]
        indexes = [
            models.Index(
                fields=["status", "lease_until"],
                condition=models.Q(status__in=["ready", "running"]),
                name="subtask_for_sweep",
            ),
            models.Index(
                fields=["due_at"],
                condition=models.Q(status="waiting"),
                name="subtask_waiting",
            ),
            models.Index(
                fields=["agent_id", "-finished_at"],
                condition=models.Q(finished_at__isnull=False),
                name="subtask_of_agent",
            ),
            models.Index(
                fields=["ready_at"],
                condition=models.Q(status="ready"),
                name="subtask_oldest_ready",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.run_id} ({self.status})"


class RunEvent(models.Model):
    """A fact in a run's log; never changed, never removed on its own."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events")
    seq = models.BigIntegerField()
    type = models.CharField(max_length=32)
    at = models.DateTimeField()
    agent_id = models.CharField(max_length=64, blank=True)
    #: The subtask's id; no foreign key, since the plan names ids before their rows exist.
    subtask = models.UUIDField(null=True, blank=True)
    data: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)

    class Meta:
        ordering = ["run", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["run", "seq"], name="one_event_per_run_and_seq"),
            models.CheckConstraint(
                condition=models.Q(seq__gte=1), name="event_seq_counts_from_one"
            ),
            models.CheckConstraint(
                condition=models.Q(type__in=list(CATALOGUE)), name="event_type_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"


def attachment_path(attachment: Attachment, filename: str) -> str:
    """Where an attachment lies below MEDIA_ROOT. Its own name is kept in the row, not in the path."""
    return f"{attachment.run_id}/{attachment.id}"


class Attachment(models.Model):
    """A file given with a run's task."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=255)
    media_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    #: Hex digest of the content (FIPS 180-4).
    sha256 = models.CharField(max_length=64)
    file = models.FileField(upload_to=attachment_path, max_length=255)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "name"], name="one_attachment_per_run_and_name"),
            models.CheckConstraint(condition=models.Q(size__gte=1), name="attachment_is_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.size} bytes)"
