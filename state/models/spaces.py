"""Spaces and the states in them, as they stand now; and what the store remembers of itself."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from state.models.fields import WordField, choices, new_id
from state.values import StateType


class Space(models.Model):
    """A unit of ordering: its row gives out the numbers, and whoever holds it commits next."""

    id = WordField(primary_key=True)
    #: Identity of its history; another one makes all old tokens void.
    epoch = WordField()
    #: Of the last committed transaction.
    revision = models.BigIntegerField(default=0)
    #: Entries up to this revision may be gone.
    compact_revision = models.BigIntegerField(default=0)
    #: Numbers given out last: to audit records, to queued operations.
    audit = models.BigIntegerField(default=0)
    journal = models.BigIntegerField(default=0)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(compact_revision__gte=0)
                & Q(revision__gte=models.F("compact_revision")),
                name="space_floor_within_history",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


class State(models.Model):
    """A state as it stands; a deleted one stays as a tombstone, whose version a later life continues."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    space = models.ForeignKey(
        Space, on_delete=models.CASCADE, related_name="states", db_index=False
    )
    #: The id that callers know it by.
    key = WordField()
    #: Identity of this life of the key.
    uid = WordField()
    type = models.CharField(max_length=10, choices=choices(StateType))
    version = models.BigIntegerField()
    revision = models.BigIntegerField()
    deleted = models.BooleanField(default=False)
    deleted_reason = WordField(blank=True, default="")
    #: To search in; the words themselves are in `settings`. Each stands between two line feeds.
    owners = models.TextField(blank=True, default="")
    tags = models.TextField(blank=True, default="")
    #: See `values.searched`.
    text = models.TextField(blank=True, default="")
    #: SHA-256 (hex) of the data's canonical form (RFC 8785).
    hash = models.CharField(max_length=64, blank=True, default="")
    #: Of `data` as it is kept, and of the entries since the last snapshot.
    bytes = models.BigIntegerField(default=0)
    delta_bytes = models.BigIntegerField(default=0)
    #: The oldest version that can still be read.
    compacted_version = models.BigIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    #: Packed by the codec: what `values.SETTINGS` names, and the document.
    settings = models.BinaryField()
    data = models.BinaryField()

    class Meta:
        ordering = ("space", "key")
        constraints = (
            models.UniqueConstraint(fields=("space", "key"), name="state_key_once_per_space"),
            models.CheckConstraint(condition=Q(version__gte=1), name="state_version_counts"),
        )
        indexes = (
            models.Index(
                fields=("space", "type"), condition=Q(deleted=False), name="state_living_by_type"
            ),
            models.Index(fields=("space", "revision"), name="state_by_revision"),
        )

    def __str__(self) -> str:
        return f"{self.space_id}/{self.key}@{self.version}"


class StoreSetting(models.Model):
    """What the store remembers of itself: the proof of its key, the line of history it stands in."""

    name = models.CharField(primary_key=True, max_length=32)
    value = models.BinaryField()

    def __str__(self) -> str:
        return self.name
