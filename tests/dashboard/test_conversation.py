"""Talking to an agent outside of any run, by REST: what it answers, what it costs, and that nothing else is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client

from groups.agents import registry
from groups.agents.base import Answered, Request, TextDelta, Usage
from groups.engine import trial
from groups.models import Agent, Budget, Group, Run, RunEvent, Spending
from groups.services import tokens, trials
from tests.dashboard.conftest import JSON, Browser
from tests.factories import make_agent, make_user

USAGE: dict[str, Any] = {
    "input_tokens": 30,
    "output_tokens": 12,
    "requests": 1,
    "cost_usd": 0.25,
    "model": "m",
}


def talk(client: Client, agent_id: str, text: str = "Hello", **more: Any) -> Any:
    body = json.dumps({"text": text, **more})
    path = f"/api/v1/agents/{agent_id}/conversation/"
    return client.post(path, body, content_type="application/json", headers=JSON)


@async_to_sync
async def whole(answer: Any) -> bytes:
    """All of a stream."""
    return b"".join([piece async for piece in answer.streaming_content])


def scripted(**script: Any) -> Agent:
    return make_agent(agent_id="echo", config={"script": script})


@pytest.fixture
def client(transactional_db: None, cy: User) -> Client:
    """Of somebody who is in no group. What the agent used is stored by a thread of its own."""
    return Browser(cy).client


def test_the_answer_and_what_it_cost(client: Client) -> None:
    scripted(reply="Aye aye", usage=USAGE)
    answer = talk(client, "echo").json()
    assert answer.pop("seconds") >= 0
    assert answer == {
        "status": "answered",
        "text": "Aye aye",
        "input_tokens": 30,
        "output_tokens": 12,
        "cost_usd": 0.25,
    }
    [spent] = Spending.objects.all()
    assert (spent.agent_id, spent.run_id, spent.group_id) == ("echo", None, None)
    assert (spent.input_tokens, spent.cost_usd, spent.model) == (30, 0.25, "m")
    assert not Run.objects.exists()
    assert not RunEvent.objects.exists()


def test_it_comes_as_a_stream(client: Client) -> None:
    scripted(reply="one two ", chunks=2)
    answer = talk(client, "echo", stream=True)
    assert answer["Content-Type"].startswith("text/event-stream")
    frames = [frame.split("\n") for frame in whole(answer).decode().strip().split("\n\n")]
    told = [(name.removeprefix("event: "), json.loads(data[6:])) for name, data in frames]
    assert told[:2] == [("text", {"text": "one "}), ("text", {"text": "two "})]
    assert told[2][0] == "end"
    assert told[2][1]["text"] == "one two "


class Costly:
    """Asks its purse, speaks, goes on for as long as `gate` is closed, then says what it used; twice."""

    def __init__(self) -> None:
        self.begun, self.gate = asyncio.Event(), asyncio.Event()
        self.calls = 0

    async def perform(self, request: Request) -> AsyncIterator[Any]:
        assert request.purse is not None
        for _ in range(2):
            await request.purse.ask()
            self.calls += 1
            self.begun.set()
            yield TextDelta("First ")
            await self.gate.wait()
            yield Usage(**USAGE)
        yield Answered("First")


@pytest.mark.parametrize("leaves", ["by closing", "by being cancelled"])
def test_what_it_used_is_counted_though_the_listener_left(
    client: Client, monkeypatch: pytest.MonkeyPatch, leaves: str
) -> None:
    costly = Costly()
    monkeypatch.setattr(registry.runtime("builtin"), "perform", costly.perform)
    agent, over = make_agent(agent_id="echo"), []

    async def listen(heard: Any) -> None:
        async with aclosing(heard):
            async for _ in heard:
                if leaves == "by closing":
                    return

    async def leave() -> None:
        heard = trial.converse(agent, "Hello", over=lambda: over.append(1))
        listening = asyncio.create_task(listen(heard))
        await asyncio.wait_for(costly.begun.wait(), 30)
        if leaves == "by closing":
            await listening
        else:
            listening.cancel()
            await asyncio.wait([listening])
        assert over == [1], "a seat is free as soon as nobody sits on it"
        costly.gate.set()
        await asyncio.wait(trial._under_way)

    asyncio.run(leave())
    [spent] = Spending.objects.all()
    assert (spent.agent_id, spent.input_tokens, spent.output_tokens) == ("echo", 30, 12)
    assert (costly.calls, over) == (1, [1]), "a second call is not begun for nobody"


def test_a_call_that_failed_is_not_repeated_for_nobody(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, gate, granted = asyncio.Event(), asyncio.Event(), []

    async def perform(request: Request) -> AsyncIterator[Any]:
        """Its first call gives no sign of life before it fails, so it asks for others."""
        assert request.purse is not None
        for _ in range(3):
            await request.purse.ask()
            granted.append(1)
            begun.set()
            await gate.wait()
        yield Answered("At last")

    monkeypatch.setattr(registry.runtime("builtin"), "perform", perform)
    agent = make_agent(agent_id="echo")

    async def leave() -> None:
        listening = asyncio.create_task(anext(trial.converse(agent, "Hello")))
        await asyncio.wait_for(begun.wait(), 30)
        listening.cancel()
        await asyncio.wait([listening])
        gate.set()
        await asyncio.wait(trial._under_way)

    asyncio.run(leave())
    assert len(granted) == 1


def test_nobody_hears_out_what_costs_nothing(client: Client) -> None:
    agent, over = scripted(reply="one two ", chunks=2, pace=50.0), []

    async def leave() -> None:
        heard = trial.converse(agent, "Hello", over=lambda: over.append(1))
        await anext(heard)
        await heard.aclose()
        await asyncio.wait(trial._under_way)

    asyncio.run(leave())
    assert over == [1]


def test_what_was_said_before_is_told_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    make_agent(agent_id="echo")
    runtime = registry.runtime("builtin")
    perform = runtime.perform

    def listen(request: Request) -> Any:
        asked.append(request)
        return perform(request)

    monkeypatch.setattr(runtime, "perform", listen)
    earlier = [{"text": "I am Cy", "answer": "Hello Cy"}]
    assert talk(client, "echo", "Who am I?", earlier=earlier).json()["status"] == "answered"
    [request] = asked
    assert request.earlier == (("I am Cy", "Hello Cy"),)
    assert (request.task, request.kind, request.grants, request.members) == (
        "Who am I?",
        "reply",
        (),
        (),
    )


@pytest.mark.parametrize(
    ("script", "status", "text"),
    [
        ({"ask": "Which one?"}, "asks", "Which one?"),
        ({"fail": "No way"}, "failed", "No way"),
        ({"fail_times": 1}, "failed", "Scripted failure 1 of 1."),
    ],
)
def test_other_ends(client: Client, script: dict[str, Any], status: str, text: str) -> None:
    scripted(**script)
    answer = talk(client, "echo").json()
    assert (answer["status"], answer["text"]) == (status, text)
    assert (answer["input_tokens"], answer["cost_usd"]) == (0, 0.0)


def test_what_it_takes_too_long_for_is_said(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "LIMIT", 0.05)
    scripted(hang=True)
    assert talk(client, "echo").json()["text"] == "It took longer than 0.05 s."


def test_caps_hold(client: Client) -> None:
    agent = scripted(reply="Aye", usage=USAGE)
    Budget.objects.create(agent=agent, max_tokens=40)
    assert talk(client, "echo").json()["status"] == "answered"
    refused = talk(client, "echo").json()
    assert refused["status"] == "failed"
    assert "cap of 40 tokens is reached" in refused["text"]
    assert Spending.objects.count() == 1


def test_nobody_talks_to_many_at_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "OF_ONE", 1)
    monkeypatch.setattr(trials, "seats", trials.Seats())
    scripted(reply="Aye")
    begun = talk(client, "echo", stream=True)
    late = talk(client, "echo")
    assert late.status_code == 429
    assert int(late["Retry-After"]) >= 5
    assert talk(Browser(make_user()).client, "echo").status_code == 200
    assert b"Aye" in whole(begun)
    assert talk(client, "echo").status_code == 200
    talk(client, "echo", stream=True)  # and nobody listens
    assert talk(client, "echo").status_code == 429
    monkeypatch.setattr(trials, "OVER", 0.0)
    assert talk(client, "echo").status_code == 200


def test_persons_are_not_asked(client: Client) -> None:
    make_agent(agent_id="mia", kind="human")
    answer = talk(client, "mia")
    assert answer.status_code == 409
    assert answer.json()["reason"] == "agent_is_a_person"


def test_what_is_refused(client: Client, harbour: Group, ada: User) -> None:
    assert talk(Client(), "lena").status_code == 401
    assert talk(client, "nobody").status_code == 404
    assert talk(client, "lena", " ").status_code == 400
    assert talk(client, "lena", "x" * 100_001).status_code == 413
    long = [{"text": "x" * 150_000, "answer": "y" * 60_000}]
    assert list(talk(client, "lena", earlier=long).json()["errors"]) == ["earlier"]
    _token, text = tokens.make(
        actor=ada, name="only Harbour", scopes=["read", "manage"], groups=["Harbour"], days=None
    )
    restricted = Client(headers={"Authorization": f"Bearer {text}"})
    assert talk(restricted, "lena").json()["reason"] == "groups_restricted"
