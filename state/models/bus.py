"""What outlives an event bus: how far its durable handlers have come, and the events they would not take."""

from __future__ import annotations

from django.db import models

from state.models.fields import WordField, new_id


class BusCursor(models.Model):
    """How far a durable handler has read a space (`state.bus.letters.Cursor`)."""

    name = WordField()
    #: No foreign key: it may be gone or not be there yet, and "" tells that the name is known.
    space = WordField(blank=True)
    revision = models.BigIntegerField(default=0)
    audit = models.BigIntegerField(default=0)
    epoch = WordField(blank=True, default="")

    class Meta:
        ordering = ("name", "space")
        constraints = (
            models.UniqueConstraint(fields=("name", "space"), name="bus_cursor_once_per_space"),
        )

    def __str__(self) -> str:
        return f"{self.name} in {self.space}: {self.revision}"


class DeadLetter(models.Model):
    """An event that a durable handler failed at until its tries were spent."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = WordField()
    #: For people and queries; the whole event is in `body`.
    event_id = WordField(blank=True)
    space = WordField(blank=True)
    error = models.TextField()
    attempts = models.PositiveIntegerField()
    at = models.DateTimeField()
    #: Packed by the codec.
    body = models.BinaryField()

    class Meta:
        ordering = ("at", "id")
        indexes = (models.Index(fields=("name", "at"), name="dead_letter_by_name"),)

    def __str__(self) -> str:
        return f"{self.event_id} for {self.name}"
