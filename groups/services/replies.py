"""What an agent answered to a message becomes a message, in the transaction in which its run ends."""

from __future__ import annotations

from groups.execution.mentions import mentioned
from groups.execution.plan import Assignable
from groups.execution.statuses import RUN_ENDED, RunStatus
from groups.models import Delivery, DeliveryStatus, Member, Message, Run
from groups.services import letters
from groups.services.inputs import MAX_TEXT

#: Ends an answer that is longer than a message may be; the whole of it is the result of its run.
CUT = "\n\n…"


def settle(run: Run) -> None:
    """If the run answers a message and has ended, send its answer, or note why there is none."""
    if run.message_id is None or run.status not in RUN_ENDED:
        return
    agent_id = str(run.options.get("agent", ""))
    delivery = Delivery.objects.filter(message_id=run.message_id, recipient=agent_id)
    if run.status != RunStatus.COMPLETED:
        error = run.error or "The answer was cancelled."
        delivery.update(status=DeliveryStatus.FAILED, error=error)
        letters.announce(run.group_id)
        return
    # Once: a run that is taken up again does not answer twice.
    awake = delivery.exclude(status=DeliveryStatus.ANSWERED)
    if awake.update(status=DeliveryStatus.ANSWERED, error=""):
        message = Message.objects.get(pk=run.message_id)
        _send(run, message, agent_id)


def _send(run: Run, message: Message, agent_id: str) -> None:
    """To whoever wrote to the agent alone; else to all, as the message was. Only who is mentioned wakes."""
    rows = Member.objects.filter(group_id=run.group_id).select_related("agent").order_by("id")
    members = [
        Assignable(agent_id=row.agent.agent_id, role=row.role, tags=tuple(row.tags)) for row in rows
    ]
    text = _fitting(run.result)
    ids = {member.agent_id for member in members}
    addressed = mentioned(text, members, sender=agent_id)
    recipient = message.sender if message.recipient and message.sender != agent_id else ""
    to = {recipient, *addressed} & ids if recipient else ids - {agent_id}
    letters.store(
        run.group_id,
        sender=agent_id,
        recipient=recipient,
        text=text,
        to=sorted(to),
        addressed=addressed,
        reply_to=message,
    )


def _fitting(text: str) -> str:
    """What a message can hold: something, and MAX_TEXT bytes at most."""
    text = text.strip() or "…"
    if len(text.encode()) <= MAX_TEXT:
        return text
    return text.encode()[: MAX_TEXT - len(CUT.encode())].decode(errors="ignore") + CUT
