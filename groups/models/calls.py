"""Work that is with an agent's own program: a process that dialled in, or a webhook that answers later."""

from __future__ import annotations

from typing import Any

from django.db import models

from groups.models.agents import Agent, AgentCredential
from groups.models.keys import new_id
from groups.models.runs import Subtask


class CallStatus(models.TextChoices):
    OFFERED = "offered", "offered"  # nobody has taken it yet
    TAKEN = "taken", "taken"  # a process is at it
    ENDED = "ended", "ended"  # answered, failed, or given up by either side


class DialIn(models.Model):
    """A process that has dialled in as a `connected` agent, for as long as its socket lives."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="dialins")
    credential = models.ForeignKey(
        AgentCredential, on_delete=models.CASCADE, related_name="dialins"
    )
    #: As the process calls itself.
    name = models.CharField(max_length=100, blank=True)
    #: Calls that it takes at once.
    parallel = models.PositiveSmallIntegerField(default=1)
    opened_at = models.DateTimeField(auto_now_add=True)
    #: When the server process that holds its socket last said so.
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at"]
        indexes = [
            models.Index(
                fields=["agent"],
                condition=models.Q(gone_at__isnull=True),
                name="dialin_of_agent",
            )
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)


class Call(models.Model):
    """One attempt of a subtask, as it is handed to the process of a `connected` agent; of none when it is tried."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    subtask = models.ForeignKey(
        Subtask, null=True, blank=True, on_delete=models.CASCADE, related_name="calls"
    )
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="calls")
    #: The attempt's lease: a call without its lease is void.
    lease_token = models.UUIDField(unique=True)
    #: What is asked, as it goes over the wire.
    request: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField()
    status = models.CharField(max_length=10, choices=CallStatus.choices, default=CallStatus.OFFERED)
    #: How many calls of models the subtask's log told of before this began: what is counted beyond is of this one.
    usage_before = models.PositiveIntegerField(default=0)
    #: The DialIn that has it, or had it when it ended.
    taken_by = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["agent", "status"],
                condition=~models.Q(status="ended"),
                name="call_under_way",
            )
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"


class CallFrame(models.Model):
    """What the process said of a call, in its order; read by whoever holds the attempt's lease."""

    id = models.BigAutoField(primary_key=True)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="frames")
    #: Counts from 1 per call; a frame sent twice is kept once.
    seq = models.PositiveIntegerField()
    frame: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField()

    class Meta:
        ordering = ["call", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["call", "seq"], name="one_frame_per_call_and_seq")
        ]

    def __str__(self) -> str:
        return f"{self.seq} of {self.call_id}"


class Callback(models.Model):
    """A one-time address by which an agent's own program answers a subtask that waits for it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    subtask = models.ForeignKey(Subtask, on_delete=models.CASCADE, related_name="callbacks")
    #: Hex SHA-256 of the token in the address (FIPS 180-4).
    digest = models.CharField(max_length=64, unique=True)
    attempt = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    #: When an answer was first refused here; that stands in the run's log, once.
    refused_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"callback of {self.subtask_id}"
