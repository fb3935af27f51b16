"""Waking an agent that a message addresses: its answer is a run of its own, with all that runs promise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from groups.models import DeliveryStatus, Message, Run
from groups.services import runs

#: Why an agent was not woken, so that people see why there is no answer.
TOO_DEEP = "Not woken: this conversation has gone {depth} answers deep without a person."
TOO_MANY = "Not woken: the agents of this group have been woken {count} times within a minute."


def wake(message: Message, agent_ids: Sequence[str]) -> None:
    """Let each of these members answer; call it in the transaction that delivers the message.

    Loops are cut: by the depth of answers to answers, and by the number of answers a group begins in a minute.
    """
    if not agent_ids:
        return
    refused = ""
    if message.depth >= settings.STARS_REPLY_DEPTH:
        refused = TOO_DEEP.format(depth=message.depth)
    since = timezone.now() - timedelta(minutes=1)
    begun = Run.objects.filter(group_id=message.group_id, message__isnull=False)
    left = settings.STARS_REPLIES_PER_MINUTE - begun.filter(created_at__gt=since).count()
    for agent_id in agent_ids:
        left -= 1
        if left < 0:
            refused = refused or TOO_MANY.format(count=settings.STARS_REPLIES_PER_MINUTE)
        delivery = message.deliveries.filter(recipient=agent_id)
        if refused:
            delivery.update(error=refused)
            continue
        runs.reply(message=message, agent_id=agent_id)
        delivery.update(status=DeliveryStatus.AWAKE)
