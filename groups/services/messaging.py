"""Messages between members: stored at once, handed to each recipient by a worker, with a state per recipient."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from groups import live, queue
from groups.access import Actor
from groups.errors import GroupNotFound, NotAMember
from groups.models import Delivery, DeliveryStatus, Group, Message
from groups.models.messages import SYSTEM
from groups.services.inputs import message_text

#: How many messages one sweep takes up; the next sweep follows soon.
SWEPT: Final = 1000
#: Why a delivery failed for good.
LEFT: Final = "The recipient is no longer a member of the group."


def send(*, actor: Actor, group: Group, sender: str, to: str, text: str) -> Message:
    """Send a message from one member to another. Returns when it is stored, not when it is delivered.

    Raises NotAMember naming the end that is none, Invalid or MessageTooLarge for the text, GroupNotFound.
    """
    text = message_text("text", text)
    members = _member_ids(group)
    outside = [field for field, end in (("from", sender), ("to", to)) if end not in members]
    if outside:
        raise NotAMember(fields={field: [NotAMember().message] for field in outside})
    return _store(group, sender=sender, recipient=to, text=text, to=[to])


def broadcast(*, actor: Actor, group: Group, text: str, sender: str = SYSTEM) -> Message:
    """Send a message to every member but its sender, who is a member or 'system'.

    Raises NotAMember, Invalid or MessageTooLarge for the text, GroupNotFound.
    """
    text = message_text("text", text)
    members = _member_ids(group)
    if sender != SYSTEM and sender not in members:
        raise NotAMember(fields={"from": [NotAMember().message]})
    return _store(group, sender=sender, recipient="", text=text, to=sorted(members - {sender}))


def deliver(*, message_id: int) -> None:
    """Hand a stored message to its recipients; to be run by a worker, any number of times."""
    with transaction.atomic():
        message = Message.objects.select_related("group").filter(id=message_id).first()
        if message is None:
            return
        waiting = message.deliveries.filter(status=DeliveryStatus.PENDING)
        members = _member_ids(message.group)
        # Two conditional updates: a second worker at the same message finds nothing pending.
        gone = waiting.exclude(recipient__in=members).update(
            status=DeliveryStatus.FAILED, attempts=F("attempts") + 1, error=LEFT
        )
        reached = waiting.filter(recipient__in=members).update(
            status=DeliveryStatus.DELIVERED,
            attempts=F("attempts") + 1,
            delivered_at=timezone.now(),
        )
        if gone or reached:
            _announce(message.group_id)


def pending(*, older_than: timedelta) -> list[int]:
    """Ids of messages stored that long ago that still wait for a recipient; the SWEPT oldest of them."""
    before = timezone.now() - older_than
    waiting = Delivery.objects.filter(status=DeliveryStatus.PENDING, message__created_at__lt=before)
    ids = waiting.order_by("message_id").values_list("message_id", flat=True).distinct()
    return list(ids[:SWEPT])


def _member_ids(group: Group) -> set[str]:
    return set(group.members.values_list("agent__agent_id", flat=True))


def _store(group: Group, *, sender: str, recipient: str, text: str, to: Collection[str]) -> Message:
    try:
        with transaction.atomic():
            message = Message.objects.create(
                group=group, sender=sender, recipient=recipient, text=text
            )
            Delivery.objects.bulk_create(Delivery(message=message, recipient=name) for name in to)
            if to:
                queue.deliver(message.id)
            _announce(group.id)
    except IntegrityError:
        # The group was removed since the caller looked.
        raise GroupNotFound from None
    return message


def _announce(group_id: str) -> None:
    live.announce(
        pokes=[
            (live.group_topic(group_id), "messages", {}),
            (live.DASHBOARD, "messages", {"group": group_id}),
        ]
    )
