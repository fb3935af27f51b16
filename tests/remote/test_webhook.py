"""Webhook agents over real sockets: signed, answered at once, as streams and later, tried again with the same key."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from starlette.responses import Response

from groups.agents.base import (
    AgentError,
    Answered,
    HandedOver,
    Planned,
    Request,
    ToolFinished,
    ToolStarted,
    Usage,
    Waiting,
)
from groups.agents.webhook import WebhookRuntime, validate_config
from groups.execution.statuses import SubtaskKind, WaitsFor
from state.errors import Invalid
from tests.remote.asking import PLAN, SUBTASK, World, asked, said
from tests.remote.receiver import SECRET, Handler, answer, ndjson, receiving, sse, status

RUNTIME = WebhookRuntime()


def work(url: str, **fields: Any) -> Request:
    """A request for the receiver there."""
    config = {"url": url, **fields.pop("config", {})}
    return asked(config, secrets=fields.pop("secrets", {"secret": SECRET}), **fields)


async def failure(request: Request) -> AgentError:
    """How it fails."""
    with pytest.raises(AgentError) as caught:
        await said(RUNTIME, request)
    return caught.value


async def test_a_signed_request_is_answered_at_once() -> None:
    used = {"input_tokens": 70, "output_tokens": 7, "cost_usd": 0.25, "model": "tally-7"}
    with receiving(answer(text="Seven ships.", data={"choice": "a"}, usage=used)) as receiver:
        done = await said(RUNTIME, work(receiver.url))
    assert done.outcome == Answered("Seven ships.", {"choice": "a"})
    assert done.usage == [
        Usage(input_tokens=70, output_tokens=7, requests=1, cost_usd=0.25, model="tally-7")
    ]
    (body,) = receiver.bodies
    assert (body["subtask"], body["title"]) == (SUBTASK, "Count the ships")
    assert body["callback"]["url"].endswith("/callbacks/0/")
    assert body["members"][1]["tags"] == ["steady"]
    assert receiver.headers[0]["webhook-id"] == receiver.keys[0]


async def test_another_secret_is_refused_by_the_receiver() -> None:
    with receiving(answer(text="x")) as receiver:
        told = await failure(work(receiver.url, secrets={"secret": SECRET[:-4] + "AAA="}))
    assert told.message == (
        "The webhook refuses our credentials (401). It said: the signature is wrong"
    )
    assert not told.transient
    assert receiver.bodies == []


@pytest.mark.parametrize("secrets", [{}, {"secret": "guess"}])
async def test_without_a_secret_nothing_is_sent(secrets: dict[str, str]) -> None:
    with receiving(answer(text="x")) as receiver:
        told = await failure(work(receiver.url, secrets=secrets))
    assert "has no secret to sign with" in told.message
    assert "guess" not in told.message
    assert receiver.bodies == []


@pytest.mark.parametrize("streamed", [ndjson, sse])
async def test_a_stream_of_frames_becomes_events(streamed: Callable[..., Handler]) -> None:
    handler = streamed(
        {"type": "text", "text": "Seven "},
        {"type": "tool", "id": "c1", "tool": "spyglass", "state": "started", "arguments": {"n": 1}},
        {"type": "tool", "id": "c1", "tool": "spyglass", "state": "finished", "summary": "clear"},
        {"type": "something newer", "x": 1},
        {"type": "usage", "output_tokens": 9},
        {"type": "text", "text": "ships."},
        {"type": "done"},
    )
    with receiving(handler) as receiver:
        done = await said(RUNTIME, work(receiver.url))
    assert done.outcome == Answered("Seven ships.")
    assert done.text == "Seven ships."
    assert ToolStarted(call_id="c1", tool="spyglass", arguments={"n": 1}) in done.events
    assert ToolFinished(call_id="c1", tool="spyglass", summary="clear", ok=True) in done.events
    assert done.usage == [Usage(output_tokens=9, requests=1)]


async def test_the_text_of_the_last_frame_counts_before_the_pieces() -> None:
    with receiving(ndjson({"type": "text", "text": "6"}, "", {"type": "done", "text": "7"})) as r:
        done = await said(RUNTIME, work(r.url))
    assert done.outcome == Answered("7")


@pytest.mark.parametrize(
    ("handler", "words", "transient"),
    [
        (ndjson({"type": "text", "text": "Sev"}), "broke off before its end", True),
        (ndjson("{not json"), "a frame that cannot be read", False),
        (ndjson([1]), "no JSON object with a type", False),
        (ndjson({"type": "fail", "error": "no boat", "transient": True}), "no boat", True),
        (answer(error="no boat"), "no boat", False),
        (answer(), "exactly one of text, plan", False),
        (answer(text="x", error="y"), "text and error", False),
        (answer(text=7), "cannot be read", False),
        (answer(plan=PLAN), "with a plan where text was asked for", False),
        (status(200, "<html>"), "no JSON, no stream of frames and no 202", False),
        (status(204), "no JSON, no stream of frames and no 202", False),
        (status(302, location="http://127.0.0.1:1/"), "redirects (302)", False),
        (status(400, "what is this"), "status 400. It said: what is this", False),
        (status(408), "status 408", True),
        (status(429, retry_after="9"), "status 429", True),
        (status(500), "status 500", True),
    ],
)
async def test_what_goes_wrong_is_told_with_the_right_transience(
    handler: Handler, words: str, transient: bool
) -> None:
    with receiving(handler) as receiver:
        told = await failure(work(receiver.url))
    assert words in told.message
    assert told.transient == transient
    assert told.retry_after == (9.0 if "429" in words else None)


async def test_a_failure_may_say_when_to_come_back() -> None:
    with receiving(answer(error="low tide", transient=True, retry_after=90)) as receiver:
        told = await failure(work(receiver.url))
    assert (told.transient, told.retry_after) == (True, 90.0)


async def test_the_key_is_the_same_at_every_attempt() -> None:
    world = World()
    with receiving(status(503), status(503), answer(text="7")) as receiver:
        for attempt in (1, 2):
            await failure(work(receiver.url, attempt=attempt, outside=world))
        await said(RUNTIME, work(receiver.url, attempt=3, outside=world))
    assert len(set(receiver.keys)) == 1
    assert [body["attempt"] for body in receiver.bodies] == [1, 2, 3]
    assert len({body["callback"]["url"] for body in receiver.bodies}) == 3


async def test_a_plan_and_a_hand_over_are_taken() -> None:
    with receiving(answer(plan=PLAN), answer(hand_over={"to": "wes", "text": "Half."})) as receiver:
        planned = await said(RUNTIME, work(receiver.url, kind=SubtaskKind.PLAN))
        handed = await said(RUNTIME, work(receiver.url))
    assert isinstance(planned.outcome, Planned)
    assert receiver.bodies[0]["plan_schema"]["required"] == ["subtasks"]
    assert handed.outcome == HandedOver(to="wes", text="Half.")


async def test_a_plan_that_names_strangers_fails() -> None:
    stranger = {"subtasks": [{"key": "a", "title": "Count", "assignee": "zed"}]}
    with receiving(answer(plan=stranger)) as receiver:
        told = await failure(work(receiver.url, kind=SubtaskKind.PLAN))
    assert "'zed' is neither a member" in told.message


async def test_a_question_comes_back_with_its_answer_and_memo_under_another_key() -> None:
    asks = answer(question="Which?", options=["Kiel", "Hamburg"], memo={"page": 3}, patience=60)
    with receiving(asks, answer(text="Nine.")) as receiver:
        request = work(receiver.url)
        first = await said(RUNTIME, request)
        assert isinstance(first.outcome, Waiting)
        assert first.outcome.waits_for == WaitsFor.APPROVAL
        assert (first.outcome.options, first.outcome.patience) == (("Kiel", "Hamburg"), 60.0)
        again = msgspec.structs.replace(request, answers=("Kiel",), memo=first.outcome.memo)
        second = await said(RUNTIME, again)
    assert second.outcome == Answered("Nine.")
    assert receiver.bodies[1]["answers"] == ["Kiel"]
    assert receiver.bodies[1]["memo"] == {"page": 3}
    assert receiver.keys[0] != receiver.keys[1]


async def test_202_waits_for_the_callback_whose_body_is_the_answer() -> None:
    with receiving(status(202)) as receiver:
        request = work(receiver.url, config={"patience": 77})
        first = await said(RUNTIME, request)
        assert isinstance(first.outcome, Waiting)
        assert (first.outcome.waits_for, first.outcome.patience) == (WaitsFor.REMOTE, 77.0)
        again = msgspec.structs.replace(
            request, answers=('{"text": "Seven."}',), memo=first.outcome.memo
        )
        assert (await said(RUNTIME, again)).outcome == Answered("Seven.")
        # A person who answers in its place is taken at his word.
        by_hand = msgspec.structs.replace(again, answers=("Eight, I looked.",))
        assert (await said(RUNTIME, by_hand)).outcome == Answered("Eight, I looked.")
    assert len(receiver.bodies) == 1


async def test_a_failure_by_callback_that_passes_is_asked_again_once_it_was_told() -> None:
    with receiving(status(202), answer(text="Seven.")) as receiver:
        request = work(receiver.url)
        first = await said(RUNTIME, request)
        assert isinstance(first.outcome, Waiting)
        body = '{"error": "low tide", "transient": true}'
        again = msgspec.structs.replace(request, answers=(body,), memo=first.outcome.memo)
        assert (await failure(again)).transient
        third = await said(RUNTIME, msgspec.structs.replace(again, attempt=2))
    assert third.outcome == Answered("Seven.")
    assert receiver.keys[0] == receiver.keys[1]
    assert receiver.bodies[1]["answers"] == []


async def test_another_turn_of_the_subtask_has_another_key_and_asks_anew() -> None:
    with receiving(status(202), answer(text="Seven.")) as receiver:
        request = work(receiver.url, turn="0-3")
        first = await said(RUNTIME, request)
        assert isinstance(first.outcome, Waiting)
        body = '{"error": "no boat"}'
        again = msgspec.structs.replace(request, answers=(body,), memo=first.outcome.memo)
        assert not (await failure(again)).transient
        retried = msgspec.structs.replace(again, attempt=2, turn="0-6")
        assert (await said(RUNTIME, retried)).outcome == Answered("Seven.")
    assert receiver.keys == [f"{SUBTASK}:0-3:0", f"{SUBTASK}:0-6:0"]


async def test_a_question_by_callback_and_then_an_answer_by_callback() -> None:
    with receiving(status(202)) as receiver:
        request = work(receiver.url)
        answers: list[str] = []
        memo: dict[str, Any] = {}
        for body in ('{"question": "Which?"}', None, '{"text": "Nine in Kiel."}'):
            step = msgspec.structs.replace(request, answers=tuple(answers), memo=memo)
            done = await said(RUNTIME, step)
            assert isinstance(done.outcome, Waiting)
            memo = done.outcome.memo
            answers.append("Kiel" if body is None else body)
        last = msgspec.structs.replace(request, answers=tuple(answers), memo=memo)
        assert (await said(RUNTIME, last)).outcome == Answered("Nine in Kiel.")
    assert [body["answers"] for body in receiver.bodies] == [[], ["Kiel"]]


async def test_private_addresses_are_refused_unless_allowed() -> None:
    with receiving(answer(text="x")) as receiver:
        told = await failure(work(receiver.url, outside=World(allowed=())))
        nobody = await failure(work(receiver.url, outside=None))
    assert "'127.0.0.1' is not a public address" in told.message
    assert nobody.message == told.message
    assert receiver.bodies == []


async def test_a_receiver_that_is_away_or_stuck_may_be_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/hook"
        # It takes the connection and never answers.
        stuck = await failure(work(url, config={"silence": 1}))
    away = await failure(work(url))
    assert (stuck.message, stuck.transient) == ("The webhook did not answer in time.", True)
    assert "The webhook cannot be reached" in away.message
    assert away.transient


async def test_a_body_that_is_too_long_is_not_read_to_its_end() -> None:
    def endless(body: dict[str, Any]) -> Response:
        return Response(b" " * 9_000_000, media_type="application/json")

    with receiving(endless) as receiver:
        told = await failure(work(receiver.url))
    assert "The webhook's answer is longer than 8,388,608 bytes." in told.message


async def test_cancelling_closes_the_connection_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/hook"
        task = asyncio.create_task(said(RUNTIME, work(url)))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 1)


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({}, "config"),
        ({"url": "nowhere"}, "config.url"),
        ({"url": "https://quinn.example/#x"}, "config.url"),
        ({"url": "https://quinn.example", "patience": 0}, "config.patience"),
    ],
)
def test_settings_that_cannot_be_are_refused(config: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        validate_config(config)
    assert list(refused.value.fields) == [field]


async def test_an_answer_that_is_compressed_is_not_unpacked() -> None:
    packed = gzip.compress(b" " * 100_000_000 + b'{"text": "boom"}')

    def bomb(body: dict[str, Any]) -> Response:
        headers = {"content-encoding": "gzip"}
        return Response(packed, media_type="application/json", headers=headers)

    with receiving(bomb) as receiver:
        assert "compressed" in (await failure(work(receiver.url))).message
    assert receiver.headers[0]["accept-encoding"] == "identity"
