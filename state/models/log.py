"""The log of a space: entries, the snapshots they are replayed from, and the audit trail beside it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from state.models.fields import WordField, choices
from state.models.spaces import Space, State
from state.values import EntryKind, EventType


class Entry(models.Model):
    """One change of one state; all entries of a transaction share its revision."""

    space = models.ForeignKey(
        Space, on_delete=models.CASCADE, related_name="entries", db_index=False
    )
    revision = models.BigIntegerField()
    seq = models.IntegerField()
    state = models.ForeignKey(
        State, on_delete=models.CASCADE, related_name="entries", db_index=False
    )
    #: The state's, so that the log is read from one table.
    key = WordField()
    uid = WordField()
    version = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=choices(EntryKind))
    agent = WordField()
    op_id = WordField(blank=True, default="")
    base_version = models.BigIntegerField(null=True, blank=True)
    at = models.DateTimeField()
    #: Of the data after this entry.
    hash = models.CharField(max_length=64, blank=True, default="")
    #: Packed by the codec: ops, overwrote, config, conflict, metadata.
    body = models.BinaryField()

    class Meta:
        verbose_name_plural = "entries"
        ordering = ("space", "revision", "seq")
        constraints = (
            models.UniqueConstraint(
                fields=("space", "revision", "seq"), name="entry_place_in_log_once"
            ),
            # Turns any mistake in locking into an error instead of a fork of history.
            models.UniqueConstraint(fields=("state", "version"), name="entry_version_once"),
            models.CheckConstraint(
                condition=Q(version__gte=1, revision__gte=1, seq__gte=0), name="entry_counts"
            ),
        )

    def __str__(self) -> str:
        return f"{self.space_id}:{self.revision}:{self.seq}"


class Snapshot(models.Model):
    """A state's whole data at a version."""

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="+", db_index=False)
    state = models.ForeignKey(
        State, on_delete=models.CASCADE, related_name="snapshots", db_index=False
    )
    version = models.BigIntegerField()
    uid = WordField()
    #: Packed by the codec.
    data = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("state", "version"), name="snapshot_version_once"),
        )
        indexes = (models.Index(fields=("space",), name="snapshot_by_space"),)

    def __str__(self) -> str:
        return f"{self.state_id}@{self.version}"


class Audit(models.Model):
    """A durable event that spent no revision."""

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="+", db_index=False)
    #: Gap-free within the space.
    n = models.BigIntegerField()
    type = models.CharField(max_length=32, choices=choices(EventType))
    at = models.DateTimeField()
    #: Packed by the codec: the event.
    body = models.BinaryField()

    class Meta:
        verbose_name_plural = "audit"
        ordering = ("space", "n")
        constraints = (
            models.UniqueConstraint(fields=("space", "n"), name="audit_number_once"),
            models.CheckConstraint(condition=Q(n__gte=1), name="audit_number_counts"),
        )

    def __str__(self) -> str:
        return f"{self.space_id}:a{self.n}"
