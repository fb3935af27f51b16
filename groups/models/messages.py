"""Messages between members, and how far each has reached its recipients."""

from __future__ import annotations

from django.db import models

from groups.models.membership import Group

#: Speaks for the group itself and for people; never an agent.
SYSTEM = "system"


class Message(models.Model):
    """`sender` and `recipient` are agent ids kept as text, so that history outlives membership."""

    id = models.BigAutoField(primary_key=True)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="messages")
    sender = models.CharField(max_length=64)
    #: Empty: to every member.
    recipient = models.CharField(max_length=64, blank=True)
    #: The person who wrote it, by user name, whoever it speaks for; empty: no person did.
    by = models.CharField(max_length=150, blank=True)
    text = models.TextField()
    #: The message that this one answers.
    reply_to = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replies"
    )
    #: How many answers stand between this and what a person or the system wrote.
    depth = models.PositiveSmallIntegerField(default=0)
    #: The agents that are to answer: the recipient, and whoever was mentioned.
    addressed: models.JSONField[list[str], list[str]] = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["group", "-id"], name="message_history")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(sender="") & ~models.Q(text=""),
                name="message_has_sender_and_text",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sender} -> {self.recipient or 'all'}: {self.text[:40]}"


class DeliveryStatus(models.TextChoices):
    PENDING = "pending", "pending"  # stored, the recipient has not got it yet
    DELIVERED = "delivered", "delivered"  # handed to the recipient's mailbox or process
    AWAKE = "awake", "awake"  # the recipient was woken and is at an answer
    ANSWERED = "answered", "answered"  # its answer is a message too
    FAILED = "failed", "failed"  # the recipient left, or refused it for good


class Delivery(models.Model):
    """One recipient's copy of a message."""

    id = models.BigAutoField(primary_key=True)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="deliveries")
    recipient = models.CharField(max_length=64)
    status = models.CharField(
        max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING
    )
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["message", "recipient"],
                name="one_delivery_per_message_and_recipient",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=DeliveryStatus.values),
                name="delivery_status_is_legal",
            ),
        ]
        indexes = [
            models.Index(
                fields=["message"],
                condition=models.Q(status="pending"),
                name="delivery_pending",
            )
        ]

    def __str__(self) -> str:
        return f"{self.message_id} to {self.recipient}: {self.status}"
