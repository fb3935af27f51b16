"""What goes wrong with a model: told in words that help, passing or for good as it is, and never with the key."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from groups.agents.base import AgentError, TextDelta
from groups.execution.statuses import SubtaskKind
from tests.llm.asking import KEY, config, heard, listening, request, text_of, usages
from tests.llm.stub import Reply, Stub, refusal, text

WORK = SubtaskKind.WORK


async def failure(stub: Stub, reply: Reply, **more: Any) -> AgentError:
    """How the runtime fails on that reply."""
    stub.replies = [reply]
    with pytest.raises(AgentError) as failed:
        await heard(request(WORK, config(stub.url, **more)))
    assert KEY not in failed.value.message and KEY not in repr(failed.value)
    return failed.value


@pytest.mark.parametrize("shown", [4, 12, len(KEY) - 1])
async def test_no_beginning_of_the_key_is_left_where_words_are_cut(stub: Stub, shown: int) -> None:
    words = "x" * (300 - shown)
    message = (await failure(stub, refusal(500, f"{words}{KEY} was refused"))).message
    assert words in message and KEY[:shown] not in message.partition(words)[2]


@pytest.mark.parametrize(
    ("reply", "says", "transient"),
    [
        (refusal(401, f"Incorrect API key provided: {KEY}"), "refused the key (HTTP 401)", False),
        (refusal(403, "no"), "refused the key (HTTP 403)", False),
        (refusal(404, "no such model"), "check model and base_url: no such model", False),
        (refusal(402, "top up"), "quota or credit is used up", False),
        (refusal(429, "full", code="insufficient_quota"), "quota or credit is used up", False),
        (refusal(429, "slow down"), "too many requests (HTTP 429): slow down", True),
        (refusal(500, f"panic at {KEY}"), "cannot answer now (HTTP 500): panic at •••", True),
        (refusal(503, "loading"), "cannot answer now (HTTP 503): loading", True),
        (refusal(400, "bad field"), "rejected the request (HTTP 400): bad field", False),
        (
            refusal(400, "request (900 tokens) exceeds the available context size (512)"),
            "longer than the window",
            False,
        ),
        (refusal(307, location="http://127.0.0.1:1/"), "not followed: check base_url", False),
        (text("a b c", break_after=1), "broke off", True),
        (text("a b c", garble_after=1), "not its protocol", True),
        (Reply(said=()), "answered nothing", True),
        (text("a b", finish="content_filter"), "content filter", False),
    ],
)
async def test_each_failure_is_named_and_known_to_pass_or_not(
    stub: Stub, reply: Reply, says: str, transient: bool
) -> None:
    error = await failure(stub, reply)
    assert says in error.message
    assert error.transient is transient


async def test_a_page_that_is_no_error_of_a_provider_is_not_quoted(stub: Stub) -> None:
    error = await failure(stub, Reply(status=400, body="<html>internal wiki</html>"))
    assert "wiki" not in error.message


async def test_the_wait_a_provider_asks_for_is_passed_on(stub: Stub) -> None:
    error = await failure(stub, refusal(429, "slow down", retry_after="37"), retries=3)
    assert error.retry_after == 37.0 and error.transient
    assert len(stub.bodies) == 1, "a long wait is the engine's"


async def test_a_passing_fault_before_the_first_word_is_tried_again(stub: Stub) -> None:
    stub.replies = [
        refusal(429, "wait", retry_after="0"),
        refusal(503, retry_after="0"),
        text("ok"),
    ]
    events = await heard(request(WORK, config(stub.url, retries=2)))
    assert text_of(events) == "ok"
    assert len(stub.bodies) == 3 and len(usages(events)) == 1


async def test_what_was_begun_is_not_repeated_under_the_reader(stub: Stub) -> None:
    stub.replies = [text("half of it", break_after=2), text("again")]
    said: list[Any] = []
    with pytest.raises(AgentError, match="broke off"):
        async for _ in listening(request(WORK, config(stub.url, retries=2)), said):
            pass
    assert text_of(said) == "half of "
    assert len(stub.bodies) == 1


@pytest.mark.parametrize(
    ("reply", "limits", "says"),
    [
        (text("late", delay=5), {"first_event_timeout": 0.2}, "did not begin to answer within 0.2"),
        (text("a b c", stall_after=2), {"stall_timeout": 0.2}, "stopped answering for 0.2 s"),
        (text("a b c d e f", pace=0.1), {"time_limit": 0.3}, "did not finish its answer within"),
    ],
)
async def test_a_slow_model_is_left_after_its_time(
    stub: Stub, reply: Reply, limits: dict[str, float], says: str
) -> None:
    began = time.monotonic()
    error = await failure(stub, reply, **limits)
    assert says in error.message
    assert (error.cause, error.transient) == ("timeout", True)
    assert time.monotonic() - began < 4


async def test_no_server_at_all() -> None:
    with pytest.raises(AgentError, match="no connection to http") as failed:
        await heard(request(WORK, config("http://127.0.0.1:9/v1")))
    assert failed.value.transient


async def test_a_hosted_model_without_a_key_is_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Not even the key of the server's own environment: that is for the operator to give.
    monkeypatch.setenv("OPENAI_API_KEY", "sk-operator")
    with pytest.raises(AgentError, match="no key for 'openai:gpt-5-mini'"):
        await heard(request(WORK, {"model": "openai:gpt-5-mini"}, secrets={}))


async def test_the_servers_own_key_is_not_sent_to_addresses_of_others(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-operator")
    await heard(request(WORK, config(stub.url), secrets={}))
    assert "sk-operator" not in stub.headers[0].get("authorization", "")


async def test_cancelling_stops_the_model_within_a_second_and_keeps_what_was_said(
    stub: Stub,
) -> None:
    stub.replies = [text("one two three four", stall_after=3)]
    said: list[Any] = []

    async def listen() -> None:
        async for _ in listening(request(WORK, config(stub.url)), said):
            pass

    task = asyncio.ensure_future(listen())
    while len([event for event in said if isinstance(event, TextDelta)]) < 3:
        await asyncio.sleep(0.01)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 1
    assert text_of(said) == "one two three "
    while not stub.abandoned:
        assert time.monotonic() - began < 5, "the server was left generating"
        await asyncio.sleep(0.01)
