"""The installation itself: which of its processes live, and what each of its users has looked at."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class ProcessKind(models.TextChoices):
    WEB = "web", "web"  # answers browsers and programs
    WORKER = "worker", "worker"  # has slots in which agents work


class Process(models.Model):
    """A process of the installation and what it last said of itself; it takes its leave when it ends in order."""

    kind = models.CharField(max_length=10, choices=ProcessKind.choices)
    #: host/pid-namespace/pid, as in leases.
    name = models.CharField(max_length=200)
    #: Of a worker: subtasks that it can carry out at once, and how many more it would take now.
    slots = models.PositiveIntegerField(default=0)
    free = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    heard_at = models.DateTimeField()
    #: When it last looked for what was left behind.
    swept_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "processes"
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "name"], name="one_process_per_kind_and_name"),
            models.CheckConstraint(
                condition=models.Q(kind__in=ProcessKind.values), name="process_kind_is_legal"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Seen(models.Model):
    """What a user has put aside on the home page."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    #: Runs that failed until then are known.
    failures_at = models.DateTimeField(null=True, blank=True)
    #: When the welcome was put away; null: it is shown.
    welcome_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "seen"

    def __str__(self) -> str:
        return f"seen by {self.user_id}"
