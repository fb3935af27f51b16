"""Messages in words: who wrote one, to whom, and how far it has come."""

from __future__ import annotations

from typing import Any, Final

from django import template
from django.utils.translation import gettext, gettext_lazy

from groups.models import DeliveryStatus, Message
from groups.models.messages import SYSTEM

register = template.Library()

#: In the order in which they are told; of each its icon and word.
MARKS: Final[dict[str, tuple[str, Any]]] = {
    DeliveryStatus.PENDING: ("clock", gettext_lazy("queued")),
    DeliveryStatus.DELIVERED: ("check", gettext_lazy("delivered")),
    DeliveryStatus.AWAKE: ("spinner", gettext_lazy("answering")),
    DeliveryStatus.ANSWERED: ("check", gettext_lazy("answered")),
    DeliveryStatus.FAILED: ("cross", gettext_lazy("failed")),
}


@register.filter
def author(message: Message) -> str:
    """Whose message it is: a member's, a person's, or the group's own."""
    if message.sender != SYSTEM:
        return message.sender
    return message.by or gettext("the group")


@register.filter
def addressee(message: Message) -> str:
    """The one it is for: an answer to a person is theirs."""
    if message.recipient != SYSTEM:
        return message.recipient
    return author(message.reply_to) if message.reply_to else gettext("the group")


@register.simple_tag
def deliveries(message: Message) -> list[dict[str, Any]]:
    """How far its copies have come: per state the number in words, and whose they are."""
    found: dict[str, list[str]] = {}
    for delivery in message.deliveries.all():
        found.setdefault(delivery.status, []).append(delivery.recipient)
    one = sum(map(len, found.values())) == 1
    return [
        {
            "status": status,
            "icon": icon,
            "words": str(word) if one else f"{len(found[status])} {word}",
            "names": ", ".join(sorted(found[status])),
        }
        for status, (icon, word) in MARKS.items()
        if status in found
    ]
