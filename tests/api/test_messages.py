"""groups/<id>/messages/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from groups.models import Group, Level, Message, Run
from groups.services import messaging, runs

URL = "/api/v1/groups/lab/messages/"
Refused = Callable[..., Any]


def test_history_is_the_last_hundred_and_older_pages(
    viewer: APIClient, lab: Group, ada: User, guarded: Any
) -> None:
    guarded(lambda client: client.get(URL), Level.VIEWER)
    for number in range(104):
        messaging.broadcast(actor=ada, group=lab, text=f"message {number}")
    newest = viewer.get(URL).json()
    assert [m["text"] for m in newest["results"]] == [f"message {n}" for n in range(103, 3, -1)]
    # What arrives meanwhile does not move the pages.
    messaging.broadcast(actor=ada, group=lab, text="late")
    older = viewer.get(newest["next"]).json()
    assert [m["text"] for m in older["results"]] == [f"message {n}" for n in range(3, -1, -1)]
    assert older["next"] is None
    back = viewer.get(older["previous"]).json()
    assert [m["text"] for m in back["results"]] == [m["text"] for m in newest["results"]]


def test_history_takes_the_same_queries_for_one_and_for_many(
    viewer: APIClient, lab: Group, ada: User, django_assert_num_queries: Any
) -> None:
    for _ in range(12):
        messaging.broadcast(actor=ada, group=lab, text="again")
    with django_assert_num_queries(5):
        assert len(viewer.get(URL).json()["results"]) == 12


def test_send(operator: APIClient, lab: Group, guarded: Any) -> None:
    body = {"from": "lead", "to": "counter", "text": "How many?"}
    guarded(lambda client: client.post(URL, body, format="json"), Level.OPERATOR)
    answer = operator.post(URL, body, format="json")
    assert answer.status_code == 201
    sent = answer.json()
    assert (sent["from"], sent["to"], sent["text"]) == ("lead", "counter", "How many?")
    [delivery] = sent["deliveries"]
    assert (delivery["to"], delivery["status"], delivery["attempts"]) == ("counter", "pending", 0)
    assert sent["created_at"].endswith("Z")


def test_broadcast(operator: APIClient, lab: Group) -> None:
    sent = operator.post(URL, {"text": "Good morning"}, format="json").json()
    # It stands for a person, who is named.
    assert (sent["from"], sent["by"], sent["to"]) == ("system", "bo", "")
    assert [d["to"] for d in sent["deliveries"]] == ["counter", "lead", "writer"]
    sent = operator.post(URL, {"from": "lead", "text": "Begin"}, format="json").json()
    assert [d["to"] for d in sent["deliveries"]] == ["counter", "writer"]


@pytest.mark.parametrize(
    ("body", "status", "reason", "field"),
    [
        ({}, 400, "invalid", "text"),
        ({"text": " "}, 400, "invalid", "text"),
        ({"text": "a\x00b"}, 400, "invalid", "text"),
        ({"text": "x" * 100_001}, 413, "message_too_large", "text"),
        ({"from": "nobody", "text": "x"}, 400, "not_a_member", "from"),
        ({"from": "lead", "to": "nobody", "text": "x"}, 400, "not_a_member", "to"),
        ({"to": "system", "text": "x"}, 400, "not_a_member", "to"),
        ({"sender": "lead", "text": "x"}, 400, "invalid", "sender"),
    ],
)
def test_send_refuses(
    operator: APIClient,
    lab: Group,
    refused: Refused,
    body: dict[str, Any],
    status: int,
    reason: str,
    field: str,
) -> None:
    refused(operator.post(URL, body, format="json"), status, reason, field)
    assert not Message.objects.exists()


def test_the_same_message_twice_is_two_messages(operator: APIClient, lab: Group) -> None:
    first, second = (operator.post(URL, {"text": "Hi"}, format="json").json() for _ in range(2))
    assert first["id"] < second["id"]


def test_a_thread_and_how_far_each_recipient_is(operator: APIClient, lab: Group) -> None:
    asked = operator.post(URL, {"to": "lead", "text": "How far?"}, format="json").json()
    assert (asked["addressed"], asked["reply_to"], asked["depth"]) == (["lead"], None, 0)
    messaging.deliver(message_id=asked["id"])
    [shown] = operator.get(URL).json()["results"]
    [run] = shown["runs"]
    assert [d["status"] for d in shown["deliveries"]] == ["awake"]
    assert operator.get(f"/api/v1/runs/{run}/").json()["mode"] == "reply"
    assert operator.get(f"/api/v1/groups/{lab.id}/runs/").json()["results"] == []
    runs.cancel(actor=None, run=Run.objects.get(pk=run))
    [shown] = operator.get(URL).json()["results"]
    [delivery] = shown["deliveries"]
    assert (delivery["status"], delivery["error"]) == ("failed", "The answer was cancelled.")
    said = {"to": "lead", "text": "Never mind", "reply_to": asked["id"]}
    answer = operator.post(URL, said, format="json").json()
    assert (answer["reply_to"], answer["depth"]) == (asked["id"], 0)
    said["reply_to"] = 10**9
    assert operator.post(URL, said, format="json").json()["reason"] == "message_not_found"
