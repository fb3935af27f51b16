"""A2A 0.3 as its specification has it, and agents that break off, stall, refuse or talk nonsense: told clearly, with
the right word on whether another try may help."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx
import pytest

from groups.agents import outbound
from groups.agents.a2a.config import Config, validate_config
from groups.agents.a2a.connection import card_of
from groups.agents.a2a.runtime import A2ARuntime
from groups.agents.base import AgentError, Answered, Waiting
from state.errors import Invalid
from tests.remote import old_agent
from tests.remote.asking import SUBTASK, World, asked, said
from tests.remote.old_agent import artifact, error, http, piece, result, stream, task

RUNTIME = A2ARuntime()


async def failure(config: dict[str, Any], **fields: Any) -> AgentError:
    """How it fails."""
    with pytest.raises(AgentError) as caught:
        await said(RUNTIME, asked(config, **fields))
    return caught.value


async def test_an_old_agent_answers_at_once() -> None:
    done = task("completed", artifacts=[artifact("Seven ships.")])
    with old_agent.agent(message_send=result(done)) as old:
        heard = await said(RUNTIME, asked({"card_url": f"{old.url}/cards/olga.json"}))
    assert heard.outcome == Answered("Seven ships.")
    message = old.called("message/send")[0]["message"]
    assert message["contextId"] == SUBTASK
    assert [part["kind"] for part in message["parts"]] == ["text", "data"]


async def test_an_old_agent_is_asked_until_it_is_done() -> None:
    with old_agent.agent(
        message_send=result(task("working")),
        tasks_get=result(task("completed", artifacts=[artifact("Seven.")])),
    ) as old:
        heard = await said(RUNTIME, asked({"card_url": old.url}))
    assert heard.outcome == Answered("Seven.")
    assert old.called("message/send")[0]["configuration"]["blocking"] is False


async def test_a_repeated_attempt_sends_the_same_message() -> None:
    done = task("completed", artifacts=[artifact("Seven.")])
    with old_agent.agent(message_send=result(done)) as old:
        await said(RUNTIME, asked({"card_url": old.url}))
        await said(RUNTIME, asked({"card_url": old.url}, attempt=2))
    first, second = old.called("message/send")
    assert first["message"]["messageId"] == second["message"]["messageId"]


@pytest.mark.parametrize("how", ["ends", "breaks", "stalls"])
async def test_a_stream_that_does_not_come_to_its_end_is_gone_on_with_by_asking(how: str) -> None:
    async def then() -> None:
        if how == "breaks":
            raise ConnectionError("broken by the test")
        if how == "stalls":
            await asyncio.sleep(3)

    whole = task("completed", artifacts=[artifact("Seven ships.")])
    with old_agent.agent(
        message_stream=stream(task("working"), piece("Seven "), then=then), tasks_get=result(whole)
    ) as old:
        heard = await said(RUNTIME, asked({"card_url": old.url, "silence": 0.3}))
    assert heard.outcome == Answered("Seven ships.")
    assert heard.text == "Seven ships."


async def test_a_stream_that_says_nothing_may_be_tried_again() -> None:
    with old_agent.agent(message_stream=stream()) as old:
        told = await failure({"card_url": old.url})
    assert "hung up before it said anything" in told.message
    assert told.transient


async def test_a_context_of_ours_that_is_refused_is_left_out() -> None:
    def picky(call: dict[str, Any]) -> Any:
        if call["params"]["message"].get("contextId"):
            return error(-32602, "Unknown context")(call)
        return result(task("completed", artifacts=[artifact("Seven.")]))(call)

    with old_agent.agent(message_send=picky) as old:
        heard = await said(RUNTIME, asked({"card_url": old.url}))
    assert heard.outcome == Answered("Seven.")
    assert len(old.calls) == 2


@pytest.mark.parametrize(
    ("state", "words", "transient"),
    [
        ("failed", "The A2A agent failed: no boat", False),
        ("rejected", "The A2A agent rejected the task: no boat", False),
        ("auth-required", "wants to be signed in to something else: no boat", False),
        ("canceled", "cancelled on its side", True),
    ],
)
async def test_an_end_without_a_result_is_said(state: str, words: str, transient: bool) -> None:
    with old_agent.agent(message_send=result(task(state, "no boat"))) as old:
        told = await failure({"card_url": old.url})
    assert words in told.message
    assert told.transient == transient


async def test_a_question_without_words_is_still_a_question() -> None:
    with old_agent.agent(message_send=result(task("input-required"))) as old:
        heard = await said(RUNTIME, asked({"card_url": old.url}))
    assert isinstance(heard.outcome, Waiting)
    assert "does not say to what" in heard.outcome.question


async def test_an_output_without_end_is_stopped() -> None:
    long = [piece("x" * 1_000_000, append=True) for _ in range(5)]
    with old_agent.agent(
        message_stream=stream(task("working"), *long), tasks_cancel=result(task("canceled"))
    ) as old:
        told = await failure({"card_url": old.url})
    assert "longer than 4,000,000 characters" in told.message
    assert not told.transient
    assert old.called("tasks/cancel") == [{"id": "t-7"}]


@pytest.mark.parametrize(
    ("handler", "words", "transient", "after"),
    [
        (http(401, "who are you"), "refuses our credentials (401). It said: who", False, None),
        (http(404), "status 404", False, None),
        (http(429, retry_after="7"), "status 429", True, 7.0),
        (http(503, retry_after="soon"), "status 503", True, None),
        (http(307, location="http://127.0.0.1:1/"), "redirects (307)", False, None),
        (http(200, "<html>"), "not JSON", False, None),
        (http(200, '{"jsonrpc": "2.0", "id": 1, "resu'), "not JSON", False, None),
        (http(200, "[1]"), "not A2A", False, None),
        (error(-32603, "engine room flooded"), "refused: engine room flooded", True, None),
        (error(-32004, "no such thing"), "refused: no such thing", False, None),
        (error(-32001, "which task"), "refused: which task", False, None),
    ],
)
async def test_a_refused_call_says_what_was_wrong(
    handler: old_agent.Handler, words: str, transient: bool, after: float | None
) -> None:
    with old_agent.agent(message_send=handler) as old:
        told = await failure({"card_url": old.url})
    assert words in told.message
    assert (told.transient, told.retry_after) == (transient, after)


async def test_no_secret_gets_into_an_error() -> None:
    echo = http(400, "bad token: s3cr3t-value")
    with old_agent.agent(message_send=echo) as old:
        told = await failure({"card_url": old.url}, secrets={"token": "s3cr3t-value"})
    assert "bad token: •••" in told.message
    assert "s3cr3t" not in told.message


async def test_no_beginning_of_a_secret_is_left_where_a_refused_card_is_cut() -> None:
    words = "x" * 292

    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, text=f"{words}s3cr3t-value was refused")

    config = Config(card_url="https://olga.example.org/card.json")
    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as client:
        with pytest.raises(AgentError) as caught:
            await card_of(client, config, {"token": "s3cr3t-value"})
    assert words in caught.value.message and "s3cr" not in caught.value.message


async def test_a_token_that_fits_no_header_is_not_sent() -> None:
    told = await failure({"card_url": "http://127.0.0.1:1"}, secrets={"token": "a\r\nb: c"})
    assert told.message == "The agent's token has characters that cannot be sent in a header."


@pytest.mark.parametrize(
    ("status", "body", "words", "transient"),
    [
        (200, "<html>", "is not the card of an agent", False),
        (200, "[]", "is not the card of an agent", False),
        (200, '{"name": 7}', "is not the card of an agent", False),
        (200, '{"name": "Olga"}', "speaks nothing; Stars speaks 1.0 and 0.3", False),
        (404, "", "card answered with status 404", False),
        (503, "", "card answered with status 503", True),
        (302, "", "card redirects (302)", False),
    ],
)
async def test_a_card_that_cannot_be_used_is_told(
    status: int, body: str, words: str, transient: bool
) -> None:
    with old_agent.agent() as old:
        old.card, old.card_status = body, status
        old.card_headers = {"location": old.url} if status == 302 else {}
        told = await failure({"card_url": old.url})
    assert words in told.message
    assert told.transient == transient


async def test_a_card_of_another_version_is_refused_by_name() -> None:
    with old_agent.agent() as old:
        old.card["protocolVersion"] = "2.1"
        told = await failure({"card_url": old.url})
    assert told.message == (
        "The A2A agent speaks 2.1 over JSONRPC; Stars speaks 1.0 and 0.3 over JSONRPC and HTTP+JSON."
    )
    assert not told.transient
    assert old.calls == []


async def test_an_agent_that_is_away_may_be_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    told = await failure({"card_url": f"http://127.0.0.1:{port}"})
    assert "card cannot be reached" in told.message
    assert told.transient


async def test_private_addresses_are_refused_unless_allowed() -> None:
    with old_agent.agent(message_send=result(task("completed"))) as old:
        told = await failure({"card_url": old.url}, outside=World(allowed=()))
        assert "'127.0.0.1' is not a public address" in told.message
        assert not told.transient
        # Nor may a card lead to one.
        old.card["url"] = "http://127.0.0.2:9/rpc"
        told = await failure({"card_url": old.url})
        assert "'127.0.0.2' is not a public address" in told.message


async def test_an_endless_card_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with old_agent.agent() as old:
        old.card = "{" + " " * 2_000_000
        told = await failure({"card_url": old.url})
    assert "card is longer than" in told.message


async def test_an_endless_answer_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "MAX_ANSWER", 50_000)
    with old_agent.agent(message_send=http(200, "x" * 200_000)) as old:
        told = await failure({"card_url": old.url})
    assert "The answer is longer than 50,000 bytes" in told.message


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({}, "config"),
        ({"card_url": "ftp://quinn.example"}, "config.card_url"),
        ({"card_url": "https://user:pw@quinn.example"}, "config.card_url"),
        ({"card_url": "https://quinn.example", "header": "a b"}, "config.header"),
        ({"card_url": "https://quinn.example", "colour": 1}, "config"),
    ],
)
def test_settings_that_cannot_be_are_refused(config: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        validate_config(config)
    assert list(refused.value.fields) == [field]


def test_settings_of_a_private_agent_can_be_stored() -> None:
    validate_config({"card_url": "http://localhost:9000", "header": "X-Key"})
