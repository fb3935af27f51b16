"""Messages that agents at work send by a tool: within their own group, and each once, however often an attempt is
repeated."""

from __future__ import annotations

import uuid

from django.db import transaction

from groups.errors import NotAMember
from groups.models import Member, Message, Subtask
from groups.services import messaging


def send_once(*, subtask_id: uuid.UUID, sender: str, to: str, text: str) -> bool:
    """Send the text to a member of the run's group, or to all of it (`to` empty). False: the agent did so before in
    this run.

    Raises NotAMember naming those that could be meant, and what `messaging.send` does.
    """
    with transaction.atomic():
        # Two attempts of one subtask take turns here.
        item = (
            Subtask.objects.select_for_update(of=("self",)).select_related("run").get(id=subtask_id)
        )
        run = item.run
        ids = Member.objects.filter(group_id=run.group_id).values_list("agent__agent_id", flat=True)
        if to and to not in set(ids):
            told = f"'{to}' is not a member of this group. Members: {', '.join(sorted(ids))}."
            raise NotAMember(told, fields={"to": [told]})
        sent = Message.objects.filter(group_id=run.group_id, sender=sender, recipient=to)
        if sent.filter(text=text.strip(), created_at__gte=run.created_at).exists():
            return False
        # What answers a message counts as an answer to it, so that loops through tools are cut as well.
        answered = run.message
        if to:
            messaging.send(
                actor=None, group=run.group, sender=sender, to=to, text=text, reply_to=answered
            )
        else:
            messaging.broadcast(
                actor=None, group=run.group, sender=sender, text=text, reply_to=answered
            )
    return True
