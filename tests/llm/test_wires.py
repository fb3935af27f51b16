"""What goes to providers and comes from them: the key in its place, text as it comes, tokens and money."""

from __future__ import annotations

from typing import Any

import pytest

from groups.agents.base import Answered, TextDelta
from groups.agents.llm.config import parse_config
from groups.agents.llm.prices import usage_of
from groups.execution.statuses import SubtaskKind
from tests.llm.asking import KEY, MEMBERS, config, heard, request, text_of, usages
from tests.llm.stub import Reply, Stub, text
from tests.llm.test_plans import GOOD, says
from tests.llm.test_tools import Tools

#: model -> where the key stands.
PROVIDERS = {
    "local-9": ("authorization", f"Bearer {KEY}"),
    "anthropic:claude-nine": ("authorization", f"Bearer {KEY}"),
    "google:gemini-nine": ("x-goog-api-key", KEY),
}


def settings(stub: Stub, model: str, **more: Any) -> dict[str, Any]:
    """Of an agent with that model; only OpenAI's base URL holds the version."""
    url = stub.url if model == "local-9" else stub.url.removesuffix("/v1")
    return config(url, **{"model": model, **more})


@pytest.mark.parametrize("model", PROVIDERS)
async def test_text_comes_as_it_is_written_and_what_it_took(stub: Stub, model: str) -> None:
    stub.replies = [text("twelve ships lie in harbour")]
    given = settings(stub, model, settings={"temperature": 0.5, "max_tokens": 99})
    events = await heard(request(SubtaskKind.WORK, given))
    assert [e.text for e in events if isinstance(e, TextDelta)] == [
        "twelve ",
        "ships ",
        "lie ",
        "in ",
        "harbour",
    ]
    assert events[-1] == Answered("twelve ships lie in harbour")
    [usage] = usages(events)
    assert (usage.input_tokens, usage.output_tokens, usage.requests) == (11, 7, 1)
    assert usage.cost_usd is None, "nobody knows the price of a model at an address of one's own"
    name, value = PROVIDERS[model]
    assert stub.headers[0][name] == value
    assert "0.5" in str(stub.bodies[0]) and "99" in str(stub.bodies[0])


@pytest.mark.parametrize("model", PROVIDERS)
async def test_tools_and_plans_by_each_protocol(stub: Stub, model: str) -> None:
    stub.replies = [
        Reply(said=[("look", '{"q": "ships"}')], finish="tool_calls"),
        text("twelve"),
        says(GOOD),
    ]
    tools = Tools(look="12 ships")
    given = settings(stub, model)
    events = await heard(request(SubtaskKind.WORK, given, tools=tools))
    assert [(name, arguments) for name, arguments, *_ in tools.called] == [("look", {"q": "ships"})]
    assert events[-1] == Answered("twelve") and "12 ships" in str(stub.bodies[1])
    asked = request(SubtaskKind.PLAN, given, members=MEMBERS, ability={"structured": "native"})
    assert "Do a → wim" in text_of(await heard(asked))


async def test_tokens_are_estimated_where_the_server_does_not_say(stub: Stub) -> None:
    stub.replies = [text("word " * 300, usage=None)]
    [usage] = usages(await heard(request(SubtaskKind.WORK, config(stub.url))))
    assert 400 < usage.output_tokens < 700 and usage.input_tokens > 100


@pytest.mark.parametrize(
    ("given", "provider", "model", "cost"),
    [
        ({"model": "openai:gpt-4o-mini"}, "openai", "gpt-4o-mini", 0.15 + 0.6),
        ({"model": "openai:gpt-99-vast"}, "openai", "gpt-99-vast", None),
        ({"model": "gpt-4o-mini", "base_url": "http://x/v1"}, "openai", "gpt-4o-mini", None),
        (
            {"model": "m", "base_url": "http://x/v1", "price": {"input": 2, "output": 3}},
            "openai",
            "m",
            5.0,
        ),
    ],
)
def test_a_price_is_listed_or_given_or_unknown(
    given: dict[str, Any], provider: str, model: str, cost: float | None
) -> None:
    from pydantic_ai.messages import ModelResponse
    from pydantic_ai.usage import RequestUsage

    used = RequestUsage(input_tokens=1_000_000, output_tokens=1_000_000)
    response = ModelResponse(parts=[], usage=used, model_name=model, provider_name=provider)
    found = usage_of(response, [], parse_config(given)).cost_usd
    assert found == (cost if cost is None else pytest.approx(cost))
