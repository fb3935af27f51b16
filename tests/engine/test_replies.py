"""Messages that address an agent are answered by it: once, in the thread, by nobody else, and not without end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from groups.agents.base import Answered, Request
from groups.execution.statuses import SubtaskKind
from groups.models import DeliveryStatus, Group, Message, Run
from groups.models.messages import SYSTEM
from groups.services import messaging, runs
from tests.engine.conftest import Doorbell
from tests.engine.scripted import Said, Scripted, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def deliver(message: Message) -> None:
    """Twice, as a worker may that lost its broker."""
    for _ in range(2):
        messaging.deliver(message_id=message.id)


def say(group: Group, text: str, to: str = "", sender: str = SYSTEM) -> Message:
    """Send and hand out a message."""
    if to:
        message = messaging.send(actor=None, group=group, sender=sender, to=to, text=text)
    else:
        message = messaging.broadcast(actor=None, group=group, sender=sender, text=text)
    deliver(message)
    return message


def statuses(message: Message) -> dict[str, str]:
    return dict(message.deliveries.values_list("recipient", "status"))


def answers(message: Message, count: int = 1) -> list[Message]:
    """Those that came, in their order."""
    wait_for(lambda: message.replies.count() >= count)
    wait_for(lambda: not message.deliveries.filter(status=DeliveryStatus.AWAKE).exists())
    return list(message.replies.order_by("id"))


def replying(text: str, script: Scripted) -> None:
    """All answer with this text, whatever they are asked."""

    async def act(request: Request) -> AsyncIterator[Said]:
        assert request.kind == SubtaskKind.REPLY
        yield Answered(text.format(me=request.agent_id, asked=request.instructions))

    script.acts["Answer the message"] = act


def test_a_direct_message_wakes_its_recipient_and_nobody_else(
    crew: Group, script: Scripted, doorbell: Doorbell
) -> None:
    doorbell.engine()
    replying("{me} heard: {asked}", script)
    message = say(crew, "How many ships?", to="wim")
    [reply] = answers(message)
    assert (reply.sender, reply.recipient, reply.text) == (
        "wim",
        SYSTEM,
        "wim heard: How many ships?",
    )
    assert (reply.depth, reply.reply_to_id) == (1, message.id)
    assert statuses(message) == {"wim": "answered"}
    assert [call.agent_id for call in script.calls] == ["wim"]
    run = Run.objects.get()
    assert (run.mode, run.origin, run.message_id, run.status) == (
        "reply",
        "message",
        message.id,
        "completed",
    )


def test_a_broadcast_wakes_whoever_is_mentioned_and_all_hear_the_answer(
    crew: Group, script: Scripted, doorbell: Doorbell
) -> None:
    doorbell.engine()
    replying("here", script)
    message = say(crew, "@wim @wes, are you there? The others just listen.")
    replies = answers(message, 2)
    assert sorted(reply.sender for reply in replies) == ["wes", "wim"]
    assert {reply.recipient for reply in replies} == {""}
    assert statuses(message) == {"lena": "delivered", "wes": "answered", "wim": "answered"}
    quiet = say(crew, "Nobody has to say anything.")
    assert set(statuses(quiet).values()) == {"delivered"} and not quiet.runs.exists()


def test_agents_that_call_each_other_stop_at_the_depth_and_say_so(
    crew: Group, script: Scripted, doorbell: Doorbell, settings: Any
) -> None:
    settings.STARS_REPLY_DEPTH = 3
    doorbell.engine()
    replying("@wim @wes and again", script)
    say(crew, "@wim begin")

    def handed_out() -> bool:
        for message in Message.objects.filter(deliveries__status="pending").distinct():
            deliver(message)
        return (
            Message.objects.filter(depth=3).exists()
            and not Run.objects.exclude(status="completed").exists()
        )

    wait_for(handed_out)
    assert max(Message.objects.values_list("depth", flat=True)) == 3
    last = Message.objects.filter(depth=3).first()
    assert last is not None
    deliver(last)
    told = last.deliveries.exclude(error="").values_list("error", flat=True)
    assert set(told) == {"Not woken: this conversation has gone 3 answers deep without a person."}


def test_a_flood_wakes_no_more_than_a_minute_allows(
    crew: Group, script: Scripted, doorbell: Doorbell, settings: Any
) -> None:
    settings.STARS_REPLIES_PER_MINUTE = 2
    doorbell.engine()
    replying("yes", script)
    messages = [say(crew, f"{n}?", to="wim") for n in range(4)]
    wait_for(lambda: Run.objects.filter(status="completed").count() == 2)
    assert [statuses(m)["wim"] for m in messages] == [
        "answered",
        "answered",
        "delivered",
        "delivered",
    ]
    assert "2 times within a minute" in messages[-1].deliveries.get().error


def test_an_agent_that_fails_says_why_beside_the_message(
    crew: Group, script: Scripted, doorbell: Doorbell
) -> None:
    doorbell.engine()

    async def act(request: Request) -> AsyncIterator[Said]:
        raise ValueError("no tongue")
        yield Answered("")

    script.acts["Answer the message"] = act
    message = say(crew, "Speak!", to="wim")
    wait_for(lambda: statuses(message) == {"wim": "failed"})
    assert "no tongue" in message.deliveries.get().error
    assert not message.replies.exists()


def test_a_cancelled_answer_is_said_to_be(crew: Group, doorbell: Doorbell) -> None:
    message = say(crew, "Speak!", to="wim")
    runs.cancel(actor=None, run=message.runs.get())
    assert message.deliveries.get().error == "The answer was cancelled."


def test_without_a_leader_messages_are_answered_too(
    crew: Group, script: Scripted, doorbell: Doorbell
) -> None:
    crew.members.filter(role="leader").delete()
    doorbell.engine()
    replying("aye", script)
    assert [reply.text for reply in answers(say(crew, "wim?", to="wim"))] == ["aye"]


def test_an_answer_longer_than_a_message_is_cut_and_whole_in_its_run(
    crew: Group, script: Scripted, doorbell: Doorbell
) -> None:
    doorbell.engine()
    replying("字" * 50_000, script)
    message = say(crew, "Tell!", to="wim")
    [reply] = answers(message)
    assert len(reply.text.encode()) <= 100_000 and reply.text.endswith("…")
    assert message.runs.get().result == "字" * 50_000
