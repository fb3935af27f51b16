"""Messages between members: stored at once, handed to each recipient by a worker, with a state per recipient."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from groups.access import Actor
from groups.errors import MessageNotFound, NotAMember
from groups.execution.mentions import mentioned
from groups.execution.plan import Assignable
from groups.models import Delivery, DeliveryStatus, Group, Message
from groups.models.messages import SYSTEM
from groups.services import letters, runs, waking
from groups.services.groups import lock
from groups.services.inputs import message_text

#: How many messages one sweep takes up; the next sweep follows soon.
SWEPT: Final = 1000
#: Why a delivery failed for good.
LEFT: Final = "The recipient is no longer a member of the group."


def send(
    *, actor: Actor, group: Group, sender: str, to: str, text: str, reply_to: Message | None = None
) -> Message:
    """Send a message to one member, from another or from 'system', which stands for the actor. Returns when it is
    stored, not when it is delivered.

    The recipient answers it, and so does whoever is mentioned (`execution.mentions`). Raises NotAMember naming the end
    that is none, Invalid or MessageTooLarge for the text, MessageNotFound, GroupNotFound.
    """
    text = message_text("text", text)
    members = _members(group)
    ids = {member.agent_id for member in members}
    ends = (("from", sender, ids | {SYSTEM}), ("to", to, ids))
    outside = [field for field, end, known in ends if end not in known]
    if outside:
        raise NotAMember(fields={field: [NotAMember().message] for field in outside})
    _same_group(group, reply_to)
    addressed = list(dict.fromkeys([to, *mentioned(text, members, sender=sender)]))
    return letters.store(
        group.id,
        sender=sender,
        by=runs.name_of(actor),
        recipient=to,
        text=text,
        to=addressed,
        addressed=addressed,
        reply_to=reply_to,
    )


def broadcast(
    *,
    actor: Actor,
    group: Group,
    text: str,
    sender: str = SYSTEM,
    reply_to: Message | None = None,
) -> Message:
    """Send a message to every member but its sender, who is a member or 'system'. Whoever is mentioned answers it.

    Raises NotAMember, Invalid or MessageTooLarge for the text, MessageNotFound, GroupNotFound.
    """
    text = message_text("text", text)
    members = _members(group)
    ids = {member.agent_id for member in members}
    if sender != SYSTEM and sender not in ids:
        raise NotAMember(fields={"from": [NotAMember().message]})
    _same_group(group, reply_to)
    return letters.store(
        group.id,
        sender=sender,
        by=runs.name_of(actor),
        recipient="",
        text=text,
        to=sorted(ids - {sender}),
        addressed=mentioned(text, members, sender=sender),
        reply_to=reply_to,
    )


def deliver(*, message_id: int) -> None:
    """Hand a stored message to its recipients, and wake those that are to answer it; to be run by a worker, any
    number of times. Raises GroupNotFound when the group is removed meanwhile."""
    with transaction.atomic():
        message = Message.objects.select_related("group").filter(id=message_id).first()
        if message is None:
            return
        if message.addressed:
            # The group first, as everywhere: answers are runs of it. Its members stay, and answers are counted one
            # after the other.
            lock(message.group)
        # Locked: a second worker at the same message finds nothing pending.
        waiting = message.deliveries.select_for_update().filter(status=DeliveryStatus.PENDING)
        names = set(waiting.values_list("recipient", flat=True))
        members = {member.agent_id: member for member in _members(message.group)}
        here = names & members.keys()
        gone = waiting.exclude(recipient__in=here).update(
            status=DeliveryStatus.FAILED, attempts=F("attempts") + 1, error=LEFT
        )
        reached = waiting.filter(recipient__in=here).update(
            status=DeliveryStatus.DELIVERED,
            attempts=F("attempts") + 1,
            delivered_at=timezone.now(),
        )
        waking.wake(message, [name for name in message.addressed if name in here])
        if gone or reached:
            letters.announce(message.group_id)


def pending(*, older_than: timedelta) -> list[int]:
    """Ids of messages stored that long ago that still wait for a recipient; the SWEPT oldest of them."""
    before = timezone.now() - older_than
    waiting = Delivery.objects.filter(status=DeliveryStatus.PENDING, message__created_at__lt=before)
    ids = waiting.order_by("message_id").values_list("message_id", flat=True).distinct()
    return list(ids[:SWEPT])


def _members(group: Group) -> list[Assignable]:
    rows = group.members.select_related("agent").order_by("id")
    return [
        Assignable(agent_id=row.agent.agent_id, role=row.role, tags=tuple(row.tags)) for row in rows
    ]


def _same_group(group: Group, reply_to: Message | None) -> None:
    if reply_to is not None and reply_to.group_id != group.id:
        raise MessageNotFound
