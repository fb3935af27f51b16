"""A group driven by the real OpenAI client, over a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import APIError, AuthenticationError, NotFoundError, OpenAI

from tests.doors.conftest import Site

pytestmark = pytest.mark.timeout(120)

TALK = {"reply": "Two ships, both of them wooden.", "chunks": 6, "pace": 0.02}


@pytest.fixture(scope="session")
def client(site: Site) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{site.url}/v1", api_key=site.token, max_retries=0) as made:
        yield made


@pytest.fixture(scope="session")
def crew(site: Site) -> str:
    """A group whose leader plans two subtasks and streams its summary."""
    usage = {"input_tokens": 7, "output_tokens": 5, "requests": 1, "model": "little"}
    return site.group("Crew", lead={"plan": 2, **TALK}, one={"usage": usage})


@pytest.fixture(scope="session")
def shy(site: Site) -> str:
    """A group whose workers ask before they work."""
    ask = {"ask": "Which harbour?", "reply": "Counted in {answer}."}
    return site.group("Shy", lead={"kinds": ["plan"], "plan": 2}, one=ask, two=ask)


def test_groups_are_models(client: OpenAI, crew: str) -> None:
    assert crew in [model.id for model in client.models.list()]
    assert client.models.retrieve(crew).object == "model"


def test_a_chat_completion_is_the_leaders_summary(client: OpenAI, crew: str) -> None:
    done = client.chat.completions.create(
        model=crew,
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Count the ships"},
        ],
    )
    assert done.choices[0].message.content == TALK["reply"]
    assert done.choices[0].finish_reason == "stop"
    assert done.usage is not None and done.usage.total_tokens == 12


def test_a_streamed_chat_tells_what_is_done_and_then_the_answer(client: OpenAI, crew: str) -> None:
    content, reasoning, usage, finish = "", "", None, None
    for chunk in client.chat.completions.create(
        model=crew,
        messages=[{"role": "user", "content": "Count the ships"}],
        stream=True,
        stream_options={"include_usage": True},
    ):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            content += choice.delta.content or ""
            reasoning += getattr(choice.delta, "reasoning_content", None) or ""
            finish = choice.finish_reason or finish
    assert content == TALK["reply"]
    assert "Crew-one has done" in reasoning and "Plan:" in reasoning
    assert finish == "stop" and usage is not None and usage.prompt_tokens == 7


def test_earlier_messages_become_turns_of_the_run(site: Site, client: OpenAI, crew: str) -> None:
    said: Any = [
        {"role": "user", "content": "Count the ships"},
        {"role": "assistant", "content": "Two."},
        {"role": "user", "content": "And the boats?"},
    ]
    done = client.chat.completions.create(model=crew, messages=said)
    run = site.api.get(f"runs/{done.id.removeprefix('chatcmpl-')}/").json()
    assert run["task"] == "And the boats?"


def test_a_chat_that_needs_a_person_says_so_and_where(client: OpenAI, shy: str) -> None:
    done = client.chat.completions.create(model=shy, messages=[{"role": "user", "content": "Go"}])
    words = done.choices[0].message.content or ""
    assert "Which harbour?" in words and "/runs/" in words


def test_errors_have_openais_shape(site: Site, client: OpenAI, crew: str) -> None:
    with pytest.raises(NotFoundError) as missing:
        client.chat.completions.create(model="Nobody", messages=[{"role": "user", "content": "x"}])
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(APIError) as wrong:
        client.chat.completions.create(model=crew, messages=[])
    assert (wrong.value.code, wrong.value.type) == ("malformed", "invalid_request_error")
    stranger = OpenAI(base_url=f"{site.url}/v1", api_key="wrong", max_retries=0)
    with stranger, pytest.raises(AuthenticationError):
        stranger.models.list()
    broken = httpx.post(f"{site.url}/v1/chat/completions", headers=_bearer(site), content=b"{")
    assert broken.status_code == 400 and broken.json()["error"]["code"] == "malformed"


def test_a_failed_run_is_an_error_that_clients_do_not_repeat(site: Site, client: OpenAI) -> None:
    broken = site.group("Broken", lead={"fail": "out of ink"})
    with pytest.raises(APIError, match="out of ink") as failed:
        client.chat.completions.create(model=broken, messages=[{"role": "user", "content": "x"}])
    assert failed.value.code == "run_failed"
    with pytest.raises(APIError, match="out of ink"):
        list(
            client.chat.completions.create(
                model=broken, messages=[{"role": "user", "content": "x"}], stream=True
            )
        )


def test_a_response_in_the_background_is_streamed_across_cut_connections(
    client: OpenAI, crew: str
) -> None:
    made = client.responses.create(
        model=crew, input="Count the ships", background=True, metadata={"ship": "Nina"}
    )
    assert made.status in ("queued", "in_progress") and made.metadata == {"ship": "Nina"}
    whole: list[Any] = []
    after = 0
    while not whole or whole[-1].type != "response.completed":
        stream = client.responses.retrieve(made.id, stream=True, starting_after=after)
        for _ in range(3):  # then the connection is cut
            event = next(stream, None)
            if event is None:
                break
            whole.append(event)
            after = event.sequence_number
        stream.close()
    again = list(client.responses.retrieve(made.id, stream=True))
    assert [e.sequence_number for e in whole] == [e.sequence_number for e in again]
    assert [e.type for e in whole] == [e.type for e in again]
    said = "".join(e.delta for e in whole if e.type == "response.output_text.delta")
    done = client.responses.retrieve(made.id)
    assert said == done.output_text == TALK["reply"]
    assert done.status == "completed" and done.usage is not None and done.usage.total_tokens == 12
    assert whole[0].type == "response.created" and whole[1].type == "response.in_progress"


def test_a_response_goes_on_with_the_one_before(site: Site, client: OpenAI, crew: str) -> None:
    first = client.responses.create(model=crew, input="Count the ships")
    second = client.responses.create(
        model=crew, input="And the boats?", previous_response_id=first.id
    )
    assert second.previous_response_id == first.id
    assert first.conversation is not None and first.conversation == second.conversation
    assert second.output_text == TALK["reply"]
    with pytest.raises(NotFoundError):
        client.responses.create(model=crew, input="x", previous_response_id="resp_none")


def test_a_response_that_waits_is_incomplete_and_goes_on_after_the_answer(
    site: Site, client: OpenAI, shy: str
) -> None:
    events = list(client.responses.create(model=shy, input="Go", stream=True))
    last: Any = events[-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details.reason == "requires_action"
    assert "Which harbour?" in last.response.output_text
    run = f"runs/{last.response.id.removeprefix('resp_')}"
    for subtask in site.api.get(f"{run}/subtasks/").json()["results"]:
        if subtask["status"] == "waiting":
            site.post(f"{run}/subtasks/{subtask['id']}/answer/", text="Palos")
    rest: list[Any] = list(
        client.responses.retrieve(
            last.response.id, stream=True, starting_after=last.sequence_number
        )
    )
    assert rest[-1].type == "response.completed"
    assert rest[0].sequence_number > last.sequence_number
    assert "Counted in Palos." in str(rest[-1].response.output)


def test_cancelling_a_response_cancels_the_run(site: Site, client: OpenAI) -> None:
    slow = site.group("Slow", lead={"delay": 60})
    made = client.responses.create(model=slow, input="Go", background=True)
    assert client.responses.cancel(made.id).status == "cancelled"
    assert client.responses.retrieve(made.id).status == "cancelled"
    assert client.responses.cancel(made.id).status == "cancelled"


def _bearer(site: Site) -> dict[str, str]:
    return {"Authorization": f"Bearer {site.token}"}
