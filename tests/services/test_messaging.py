"""Sending, broadcasting, delivering, and reading it all again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from groups import queue, selectors
from groups.errors import GroupNotFound, MessageTooLarge, NotAMember
from groups.models import Delivery, DeliveryStatus, Group, Message
from groups.services import agents, groups, membership, messaging
from state.errors import Invalid

pytestmark = pytest.mark.django_db


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The messages that workers were asked to deliver."""
    asked: list[int] = []
    monkeypatch.setattr(queue, "deliver", asked.append)
    return asked


@pytest.fixture
def team(db: None, rung: list[int]) -> Group:
    """A group of lea, wes and wyn; ned is registered and no member."""
    group = groups.create(actor=None, name="Team")
    for name in ("lea", "wes", "wyn", "ned"):
        agents.register(actor=None, agent_id=name)
    for name, role in (("lea", "leader"), ("wes", "worker"), ("wyn", "worker")):
        membership.join(actor=None, group=group, agent_id=name, role=role)
    return group


def states(message: Message) -> dict[str, str]:
    return dict(message.deliveries.values_list("recipient", "status"))


def test_sends_from_member_to_member(team: Group, rung: list[int]) -> None:
    message = messaging.send(actor=None, group=team, sender="lea", to="wes", text=" hi 你好 ")
    row = Message.objects.get()
    assert (row.sender, row.recipient, row.text) == ("lea", "wes", "hi 你好")
    assert states(row) == {"wes": "pending"}
    assert rung == [message.id]


def test_broadcasts_to_everyone_but_the_sender(team: Group, rung: list[int]) -> None:
    message = messaging.broadcast(actor=None, group=team, text="hello", sender="wes")
    assert (message.sender, message.recipient) == ("wes", "")
    assert states(message) == {"lea": "pending", "wyn": "pending"}
    spoken = messaging.broadcast(actor=None, group=team, text="hello")
    assert spoken.sender == "system"
    assert set(states(spoken)) == {"lea", "wes", "wyn"}
    assert rung == [message.id, spoken.id]


def test_a_broadcast_that_nobody_hears_is_stored(rung: list[int]) -> None:
    messaging.broadcast(actor=None, group=groups.create(actor=None, name="Empty"), text="hello")
    assert Message.objects.count() == 1
    assert rung == []


@pytest.mark.parametrize(
    ("sender", "to", "fields"),
    [
        ("ned", "wes", {"from"}),
        ("lea", "ned", {"to"}),
        ("system", "ned", {"to"}),
        ("lea", "system", {"to"}),
        ("x\x00", "", {"from", "to"}),
    ],
)
def test_both_ends_must_be_members(team: Group, sender: str, to: str, fields: set[str]) -> None:
    with pytest.raises(NotAMember) as refusal:
        messaging.send(actor=None, group=team, sender=sender, to=to, text="hi")
    assert refusal.value.fields.keys() == fields
    assert not Message.objects.exists()


def test_a_stranger_cannot_broadcast(team: Group) -> None:
    with pytest.raises(NotAMember) as refusal:
        messaging.broadcast(actor=None, group=team, text="hi", sender="ned")
    assert refusal.value.fields.keys() == {"from"}


@pytest.mark.parametrize("text", ["", " \n ", "a\x00b", "half \ud800", None, 5])
def test_a_text_that_cannot_be_stored_is_refused(team: Group, text: Any) -> None:
    with pytest.raises(Invalid) as refusal:
        messaging.send(actor=None, group=team, sender="lea", to="wes", text=text)
    assert (refusal.value.status, list(refusal.value.fields)) == (400, ["text"])
    with pytest.raises(Invalid) as refusal:
        messaging.broadcast(actor=None, group=team, text=text)
    assert (refusal.value.status, list(refusal.value.fields)) == (400, ["text"])
    assert not Message.objects.exists()


def test_a_text_has_at_most_100_000_bytes(team: Group) -> None:
    messaging.broadcast(actor=None, group=team, text="x" * 100_000)
    with pytest.raises(MessageTooLarge) as refusal:
        messaging.broadcast(actor=None, group=team, text="字" * 33_334)
    assert refusal.value.status == 413
    assert refusal.value.fields.keys() == {"text"}


@pytest.mark.django_db(transaction=True)
def test_a_removed_group_takes_no_message(team: Group) -> None:
    groups.remove(actor=None, group=team)
    with pytest.raises(GroupNotFound):
        messaging.broadcast(actor=None, group=team, text="hi")


def test_delivers_to_who_is_there_and_fails_for_who_left(team: Group) -> None:
    message = messaging.broadcast(actor=None, group=team, text="hi", sender="lea")
    membership.leave(actor=None, group=team, agent_id="wyn")
    messaging.deliver(message_id=message.id)
    messaging.deliver(message_id=message.id)
    rows = {row.recipient: row for row in Delivery.objects.all()}
    assert (rows["wes"].status, rows["wes"].attempts, rows["wes"].error) == ("delivered", 1, "")
    assert rows["wes"].delivered_at is not None
    assert (rows["wyn"].status, rows["wyn"].error) == ("failed", messaging.LEFT)
    assert rows["wyn"].delivered_at is None


def test_delivering_a_message_that_is_gone_does_nothing() -> None:
    messaging.deliver(message_id=12345)


def test_the_sweep_finds_what_waited_long_enough_once(team: Group) -> None:
    old, delivered, fresh = (
        messaging.broadcast(actor=None, group=team, text=text) for text in ("a", "b", "c")
    )
    messaging.deliver(message_id=delivered.id)
    earlier = timezone.now() - timedelta(minutes=5)
    Message.objects.filter(id__in=[old.id, delivered.id]).update(created_at=earlier)
    assert messaging.pending(older_than=timedelta(minutes=1)) == [old.id]
    assert messaging.pending(older_than=timedelta()) == [old.id, fresh.id]


def test_the_history_gives_the_last_hundred_and_older_ones_by_cursor(team: Group) -> None:
    for number in range(105):
        messaging.broadcast(actor=None, group=team, text=f"number {number}")
    other = groups.create(actor=None, name="Other")
    messaging.broadcast(actor=None, group=other, text="elsewhere")
    last = selectors.history(team)
    assert [message.text for message in last] == [f"number {n}" for n in range(5, 105)]
    older = selectors.messages_of(team).filter(id__lt=last[0].id)
    assert [message.text for message in older] == [f"number {n}" for n in range(4, -1, -1)]


def test_says_who_should_look_again(
    team: Group,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    heard: list[str] = []

    class Hub:
        def publish(self, messages: list[Any]) -> None:
            heard.extend(message.topic for message in messages)

    monkeypatch.setattr("state.fanout.hub", Hub)
    with django_capture_on_commit_callbacks(execute=True):
        messaging.broadcast(actor=None, group=team, text="hi")
        assert heard == []
    assert heard == [f"group:{team.id}", "dashboard"]
    assert DeliveryStatus.PENDING in states(Message.objects.get()).values()


def test_who_leaves_while_a_message_is_handed_out_is_not_waited_for(
    team: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = messaging.send(actor=None, group=team, sender="lea", to="wes", text="hi")

    def waited(group: Group) -> Group:
        """The lock is had only when somebody else has made the member leave."""
        membership.leave(actor=None, group=team, agent_id="wes")
        return group

    monkeypatch.setattr(messaging, "lock", waited)
    messaging.deliver(message_id=message.id)
    assert states(message) == {"wes": "failed"}


def test_people_end_a_chain_of_answers(team: Group) -> None:
    asked = messaging.send(actor=None, group=team, sender="lea", to="wes", text="hi")
    answer = messaging.send(
        actor=None, group=team, sender="wes", to="lea", text="ho", reply_to=asked
    )
    said = messaging.send(
        actor=None, group=team, sender="system", to="wes", text="hm", reply_to=answer
    )
    assert [asked.depth, answer.depth, said.depth] == [0, 1, 0]
