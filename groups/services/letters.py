"""Storing a message with a copy per recipient; who may write what to whom is decided by `messaging` and `replies`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import IntegrityError, transaction

from groups import live, queue
from groups.errors import GroupNotFound
from groups.models import Delivery, Message
from groups.models.messages import SYSTEM


def store(
    group_id: str,
    *,
    sender: str,
    recipient: str,
    text: str,
    to: Collection[str],
    addressed: Sequence[str],
    reply_to: Message | None = None,
    by: str = "",
) -> Message:
    """A message to `recipient` (empty: to all), delivered to the members `to` by a worker soon. Raises GroupNotFound.

    Those `addressed` are to answer it. `by` is the person who wrote it, if one did.
    """
    try:
        with transaction.atomic():
            message = Message.objects.create(
                group_id=group_id,
                sender=sender,
                by=by,
                recipient=recipient,
                text=text,
                reply_to=reply_to,
                # People end a chain of answers.
                depth=0 if reply_to is None or sender == SYSTEM else reply_to.depth + 1,
                addressed=list(addressed),
            )
            Delivery.objects.bulk_create(Delivery(message=message, recipient=name) for name in to)
            if to:
                queue.deliver(message.id)
            announce(group_id)
    except IntegrityError:
        # The group was removed since the caller looked.
        raise GroupNotFound from None
    return message


def announce(group_id: str) -> None:
    """After commit, tell whoever looks that messages came or went on."""
    live.announce(
        pokes=[
            (live.group_topic(group_id), "messages", {}),
            (live.DASHBOARD, "messages", {"group": group_id}),
        ]
    )
