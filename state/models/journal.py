"""Operations that wait or were settled, and conflicts that were parked."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from state.models.fields import WordField, choices, new_id
from state.models.spaces import Space
from state.values import TERMINAL, ConflictStatus, ConflictType, OperationStatus

#: In the order of the enum, so that migrations are the same each time they are made.
WAITING = [status.value for status in OperationStatus if status not in TERMINAL]


class Op(models.Model):
    """What is known under an op_id: a request that waits, or the outcome of one that was settled."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="ops", db_index=False)
    agent = WordField()
    op_id = WordField()
    #: Of the request: the same op_id with another one is refused.
    digest = WordField()
    status = models.CharField(max_length=10, choices=choices(OperationStatus))
    #: The state's; "" for none in particular.
    key = WordField(blank=True, default="")
    #: Order in the journal of the space; 0: it never waited.
    n = models.BigIntegerField(default=0)
    #: Transient failures so far, and what the last one said.
    retry = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    #: Packed by the codec: request, outcome.
    body = models.BinaryField()

    class Meta:
        verbose_name = "operation"
        ordering = ("space", "n", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("space", "agent", "op_id"), name="op_id_once_per_agent"
            ),
        )
        indexes = (
            models.Index(fields=("space", "n"), condition=Q(status__in=WAITING), name="op_waiting"),
            models.Index(
                fields=("space", "done_at"),
                condition=Q(done_at__isnull=False),
                name="op_by_time_settled",
            ),
        )

    def __str__(self) -> str:
        return f"{self.op_id} ({self.status})"


class Conflict(models.Model):
    """A write that waits for somebody to decide."""

    space = models.ForeignKey(
        Space, on_delete=models.CASCADE, related_name="conflicts", db_index=False
    )
    conflict_id = WordField()
    #: The state's, and that of the life it had.
    key = WordField()
    uid = WordField()
    type = models.CharField(max_length=12, choices=choices(ConflictType))
    status = models.CharField(max_length=10, choices=choices(ConflictStatus))
    #: The principal that is asked; "": admins of the state.
    resolver = WordField(blank=True, default="")
    agent = WordField()
    op_id = WordField()
    base_version = models.BigIntegerField()
    head_version = models.BigIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = WordField(blank=True, default="")
    #: The version that settled it.
    version = models.BigIntegerField(null=True, blank=True)
    #: Packed by the codec: paths, causes, ops and the three documents.
    body = models.BinaryField()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("space", "conflict_id"), name="conflict_once_per_space"
            ),
        )
        indexes = (
            models.Index(
                fields=("space", "key"),
                condition=Q(status=ConflictStatus.OPEN.value),
                name="conflict_open_by_state",
            ),
            models.Index(fields=("space", "-created_at"), name="conflict_newest_first"),
        )

    def __str__(self) -> str:
        return f"{self.conflict_id} ({self.status})"
