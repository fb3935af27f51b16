"""Work with tools, and the brakes before each call: models that are functions, tools that are dictionaries."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import msgspec
import pytest
from pydantic_ai.messages import ModelMessage, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from groups.agents.base import (
    AgentError,
    AgentEvent,
    Answered,
    BudgetExhausted,
    HandedOver,
    Outcome,
    Request,
    ToolFinished,
    ToolStarted,
    Waiting,
)
from groups.agents.llm.config import parse_config
from groups.agents.llm.performing import carry_out
from groups.agents.llm.provider import line_to
from groups.agents.surroundings import Allowance, NeedsPerson, ToolResult, ToolSpec
from groups.execution.statuses import SubtaskKind, WaitsFor
from tests.llm.asking import KEY, request, text_of, usages

#: What the model says at each of its turns: text, or calls as (tool, arguments).
Turn = list[str | tuple[str, str]]


class Model:
    """A model that says `turns` one after the other, and remembers what it was asked."""

    def __init__(self, *turns: Turn) -> None:
        self.turns = list(turns)
        self.asked: list[list[ModelMessage]] = []
        self.infos: list[AgentInfo] = []

    async def __call__(
        self, messages: list[ModelMessage], info: AgentInfo
    ) -> AsyncIterator[str | DeltaToolCalls]:
        self.asked.append(list(messages))
        self.infos.append(info)
        for index, said in enumerate(self.turns.pop(0)):
            if isinstance(said, str):
                yield said
            else:
                call = DeltaToolCall(
                    name=said[0], json_args=said[1], tool_call_id=f"t{len(self.asked)}{index}"
                )
                yield {index: call}

    def returned(self) -> list[str]:
        """The results of tools that the last call was given."""
        return [
            str(part.content)
            for message in self.asked[-1]
            for part in message.parts
            if isinstance(part, ToolReturnPart)
        ]


class Tools:
    """A toolbox that answers from a dictionary; an exception in it is raised."""

    def __init__(self, **results: Any) -> None:
        self.results = results
        self.called: list[tuple[str, dict[str, Any], str, str | None]] = []

    async def specs(self) -> tuple[ToolSpec, ...]:
        parameters = {"type": "object", "properties": {"q": {"type": "string"}}}
        return tuple(
            ToolSpec(name=name, description=f"Does {name}.", parameters=parameters)
            for name in self.results
        )

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, call_id: str, answer: str | None = None
    ) -> ToolResult:
        self.called.append((name, dict(arguments), call_id, answer))
        result = self.results.get(name, ToolResult(text=f"There is no tool {name}.", ok=False))
        if isinstance(result, Exception):
            if answer is None or not isinstance(result, NeedsPerson):
                raise result
            return ToolResult(text=f"They said {answer}.")
        return result if isinstance(result, ToolResult) else ToolResult(text=str(result))


class Purse:
    """Grants these allowances, then nothing."""

    def __init__(self, *allowances: Allowance) -> None:
        self.allowances = list(allowances)

    async def ask(self) -> Allowance:
        if not self.allowances:
            raise BudgetExhausted("The run's tokens are used up.", scope="run", limit="tokens")
        return self.allowances.pop(0)


async def carried(model: Model, asked: Request, **config: Any) -> list[AgentEvent | Outcome]:
    """What comes of the request with that model."""
    settings = parse_config({"model": "openai:fn", **config})
    line = line_to(FunctionModel(stream_function=model), settings, {"api_key": KEY})
    async with aclosing(carry_out(line, asked)) as events:
        return [event async for event in events]


def work(tools: Tools | None = None, **fields: Any) -> Request:
    """A work request with these tools."""
    return request(SubtaskKind.WORK, {}, title="Count", tools=tools, **fields)


async def test_tools_are_used_until_the_model_has_its_answer() -> None:
    model = Model(
        ["Let me look. ", ("look", '{"q": "ships"}'), ("look", '{"q": "boats"}')], ["12."]
    )
    tools = Tools(look=ToolResult(text="12 ships", summary="found 12"))
    events = await carried(model, work(tools))
    starts = [event for event in events if isinstance(event, ToolStarted)]
    ends = [event for event in events if isinstance(event, ToolFinished)]
    assert [(s.tool, s.arguments) for s in starts] == [
        ("look", {"q": "ships"}),
        ("look", {"q": "boats"}),
    ]
    assert [(e.summary, e.ok) for e in ends] == [("found 12", True)] * 2
    assert [s.call_id for s in starts] == [e.call_id for e in ends] == [c[2] for c in tools.called]
    assert model.returned() == ["12 ships", "12 ships"]
    assert [tool.name for tool in model.infos[0].function_tools] == ["look"]
    assert (
        events[-1] == Answered("Let me look. \n\n12.") and text_of(events) == "Let me look. \n\n12."
    )
    assert len(usages(events)) == 2


async def test_ids_of_calls_are_the_same_in_a_further_attempt_and_differ_within_one() -> None:
    async def ids() -> list[str]:
        tools = Tools(look=1)
        same, other = ("look", '{"q": "a"}'), ("look", '{"q": "b"}')
        await carried(Model([same, other], [same], ["done"]), work(tools))
        return [call_id for _, _, call_id, _ in tools.called]

    first = await ids()
    assert first == await ids()
    assert len(set(first)) == 3


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("look", '{"q": '), "not a JSON object"),
        (("look", "[1]"), "not a JSON object"),
        (("burn", "{}"), "There is no tool burn."),
        (("crash", "{}"), "The tool failed: ValueError: key ••• is odd"),
    ],
)
async def test_what_goes_wrong_in_a_tool_is_told_to_the_model(
    call: tuple[str, str], told: str
) -> None:
    model = Model([call], ["I did without."])
    tools = Tools(look=1, crash=ValueError(f"key {KEY} is odd"))
    events = await carried(model, work(tools))
    assert told in model.returned()[0]
    [end] = [event for event in events if isinstance(event, ToolFinished)]
    assert not end.ok and KEY not in repr(events)
    assert events[-1] == Answered("I did without.")


async def test_a_server_of_tools_that_is_away_ends_the_attempt() -> None:
    tools = Tools(look=AgentError("The server of tools is away.", transient=True))
    with pytest.raises(AgentError, match="away") as failed:
        await carried(Model([("look", "{}")]), work(tools))
    assert failed.value.transient


async def test_a_person_is_waited_for_and_the_work_goes_on_with_the_answer() -> None:
    turns: Turn = ["May I? ", ("look", "{}"), ("pay", '{"q": "9"}'), ("late", "{}")]
    tools = Tools(
        look="12", pay=NeedsPerson("Pay 9?", options=("yes", "no"), patience=60.0), late="l"
    )
    first = work(tools)
    events = await carried(Model(list(turns)), first)
    waiting = events[-1]
    assert isinstance(waiting, Waiting)
    assert (waiting.question, waiting.waits_for, waiting.options, waiting.patience) == (
        "Pay 9?",
        WaitsFor.APPROVAL,
        ("yes", "no"),
        60.0,
    )
    assert [name for name, *_ in tools.called] == ["look", "pay"]
    # As the database gives it back.
    memo = json.loads(json.dumps(waiting.memo))
    model = Model(["Paid."])
    again = msgspec.structs.replace(first, attempt=2, memo=memo, answers=("yes",))
    more = await carried(model, again)
    assert [(name, answer) for name, _, _, answer in tools.called[2:]] == [
        ("pay", "yes"),
        ("late", None),
    ]
    assert tools.called[2][2] == tools.called[1][2], "the same call, by its id"
    assert model.returned() == ["12", "They said yes.", "l"]
    assert more[-1] == Answered("May I? \n\nPaid.")
    assert text_of(more) == "May I? \n\nPaid.", "what was said before counts in this attempt, too"


async def test_a_second_question_finds_its_own_answer() -> None:
    tools = Tools(ask=NeedsPerson("Which?"))
    first = work(tools)
    one = (await carried(Model([("ask", '{"q": "a"}')]), first))[-1]
    assert isinstance(one, Waiting) and one.waits_for == WaitsFor.PERSON
    second = msgspec.structs.replace(first, memo=one.memo, answers=("red",))
    two = (await carried(Model([("ask", '{"q": "b"}')]), second))[-1]
    assert isinstance(two, Waiting)
    third = msgspec.structs.replace(first, memo=two.memo, answers=("red", "blue"))
    model = Model(["ok"])
    await carried(model, third)
    assert model.returned() == ["They said red.", "They said blue."]


async def test_the_purse_is_asked_before_each_call() -> None:
    model = Model([("look", "{}")], ["never said"])
    with pytest.raises(BudgetExhausted):
        await carried(model, work(Tools(look=1), purse=Purse(Allowance())))
    assert len(model.asked) == 1


async def test_the_last_call_is_to_wrap_up_without_tools() -> None:
    model = Model([("look", "{}")], ["That is all."])
    purse = Purse(Allowance(), Allowance(tokens=500, last=True))
    events = await carried(model, work(Tools(look=1), purse=purse))
    assert events[-1] == Answered("That is all.")
    settings = model.infos[1].model_settings
    assert settings is not None and settings.get("tool_choice") == "none"
    assert 64 <= settings.get("max_tokens", 0) < 500
    assert "This is your last turn" in str(model.asked[1][-1])


async def test_a_model_that_never_ends_is_told_to_and_then_ended() -> None:
    turns: list[Turn] = [[f"{n} ", ("look", "{}")] for n in range(9)]
    model = Model(*turns)
    tools = Tools(look=1)
    events = await carried(model, work(tools), max_calls=3)
    assert len(model.asked) == 3 and len(tools.called) == 2
    assert isinstance(events[-1], Answered)


async def test_a_run_at_its_edge_is_wrapped_up_without_tools() -> None:
    model = Model(["Enough."])
    await carried(model, work(Tools(look=1), wrap_up="The money is spent."))
    assert model.infos[0].function_tools == []
    assert "The money is spent." in str(model.asked[0])


async def test_old_results_of_tools_go_first_when_the_window_is_full() -> None:
    big = "figure " * 1_500
    model = Model([("look", '{"q": "1"}')], [("look", '{"q": "2"}')], ["done"])
    await carried(model, work(Tools(look=big)), context_window=4_096, settings={"max_tokens": 500})
    old, new = model.returned()
    assert len(old) < 300 < len(new) < len(big)
    assert "characters left out" in old and "characters left out" in new


async def test_a_summary_cites_and_says_what_failed_even_if_the_model_does_not() -> None:
    from tests.llm.asking import finding

    found = (finding("a", "12 ships"), finding("b", error="no boat"))
    asked = request(SubtaskKind.SUMMARY, {}, findings=found)
    events = await carried(Model(["There are 12 ships."]), asked)
    want = "There are 12 ships.\n\nSources: [a] Title a (wes).\n\nNot done: [b] Title b (no boat)."
    assert events[-1] == Answered(want) and text_of(events) == want
    cited = await carried(Model(["12 ships [a]; [b] failed."]), asked)
    assert cited[-1] == Answered("12 ships [a]; [b] failed.")


async def test_work_is_handed_over_to_members_only_and_items_are_put_up() -> None:
    put_up = ("put_up", '{"title": "Paint it", "instructions": "In red."}')
    stranger = ("hand_over", '{"to": "mallory", "text": "x"}')
    model = Model([put_up], [stranger, ("hand_over", '{"to": "@wes", "text": "You write."}')])
    events = await carried(model, work(), teamwork=True)
    assert events[-1] == HandedOver(to="wes", text="You write.")
    ends = [event for event in events if isinstance(event, ToolFinished)]
    assert [end.ok for end in ends] == [True, False, True]
    events = await carried(Model([put_up], ["Done."]), work(), teamwork=True)
    board = [{"title": "Paint it", "instructions": "In red."}]
    assert events[-1] == Answered("Done.", {"board": board})
    model = Model(["Alone."])
    await carried(model, work())
    assert model.infos[0].function_tools == [], "only where it is allowed"
