"""Scripting hooks: what tests, demonstrations and the benchmark make an agent do."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from groups.agents.base import AgentError, Answered, Planned, TextDelta, Usage, Waiting
from groups.agents.builtin import SKILLS, BuiltinRuntime, validate_config
from groups.execution.plan import Plan, validate
from groups.execution.statuses import SubtaskKind
from state.errors import Invalid
from tests.agents.kit import LEAD, PIPELINE, perform, request


def scripted(**script: object) -> dict[str, object]:
    return {"skill": "collector", "script": script}


async def test_reply_is_the_answer() -> None:
    events, outcome = await perform(request(config=scripted(reply="done at once")))
    assert outcome == Answered("done at once")
    assert events == [TextDelta("done at once")]


async def test_reply_streams_in_pieces() -> None:
    events, outcome = await perform(request(config=scripted(reply="abcdefgh", chunks=3)))
    assert outcome == Answered("abcdefgh")
    assert events == [TextDelta("abc"), TextDelta("def"), TextDelta("gh")]


async def test_an_empty_reply_is_an_answer() -> None:
    assert await perform(request(config=scripted(reply="", chunks=4))) == ([], Answered(""))


async def test_delay_passes_before_the_answer() -> None:
    began = time.monotonic()
    await perform(request(config=scripted(reply="x", delay=0.05)))
    assert time.monotonic() - began >= 0.05


async def test_first_attempts_fail_transiently() -> None:
    config = scripted(fail_times=2, reply="third time lucky")
    for attempt in (1, 2):
        with pytest.raises(AgentError) as caught:
            await perform(request(config=config, attempt=attempt))
        assert caught.value.transient
    _, outcome = await perform(request(config=config, attempt=3))
    assert outcome == Answered("third time lucky")


async def test_fail_is_for_good() -> None:
    with pytest.raises(AgentError, match="out of order") as caught:
        await perform(request(config=scripted(fail="out of order"), attempt=9))
    assert not caught.value.transient


async def test_hang_ends_only_by_cancellation() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(perform(request(config=scripted(hang=True))), 0.05)


async def test_ask_waits_for_the_answer_and_uses_it() -> None:
    config = scripted(ask="Which year?", reply="Taking {answer}.")
    _, outcome = await perform(request(config=config))
    assert outcome == Waiting(question="Which year?")
    _, outcome = await perform(request(config=config, answers=("2031",)))
    assert outcome == Answered("Taking 2031.")


async def test_ask_without_reply_puts_the_answer_into_the_work() -> None:
    config = scripted(ask="Which year?")
    _, outcome = await perform(request(config=config, answers=("the year 2031",)))
    assert isinstance(outcome, Answered)
    assert "the year 2031" in outcome.text


async def test_usage_is_recorded() -> None:
    usage = {"input_tokens": 12, "output_tokens": 34, "model": "none"}
    events, _ = await perform(request(config=scripted(reply="x", usage=usage)))
    assert Usage(input_tokens=12, output_tokens=34, model="none") in events


async def test_plan_of_n_subtasks_is_spread_over_the_workers() -> None:
    _, outcome = await perform(
        request(SubtaskKind.PLAN, config=scripted(plan=6, reply="x"), members=PIPELINE)
    )
    assert isinstance(outcome, Planned)
    validate(outcome.plan, PIPELINE)
    assert [item.title for item in outcome.plan.subtasks][:2] == ["Subtask 1", "Subtask 2"]
    assert [item.assignee for item in outcome.plan.subtasks] == [
        "collector",
        "processor",
        "analyzer",
        "checker",
        "collector",
        "processor",
    ]


async def test_plan_as_json_is_taken_as_it_is() -> None:
    items = [
        {"key": "a", "title": "First", "assignee": "collector"},
        {"key": "b", "title": "Second", "assignee": "processor", "depends_on": ["a"]},
    ]
    _, outcome = await perform(
        request(SubtaskKind.PLAN, config=scripted(plan=items), members=PIPELINE)
    )
    assert isinstance(outcome, Planned)
    assert isinstance(outcome.plan, Plan)
    assert outcome.plan.subtasks[1].depends_on == ("a",)


async def test_plan_without_members_is_refused() -> None:
    with pytest.raises(AgentError):
        await perform(request(SubtaskKind.PLAN, config=scripted(plan=1)))


async def test_leader_works_when_it_is_alone() -> None:
    _, outcome = await perform(request(SubtaskKind.PLAN, config=scripted(plan=1), members=(LEAD,)))
    assert isinstance(outcome, Planned)
    assert outcome.plan.subtasks[0].assignee == "lead"


async def test_script_can_be_for_some_kinds_only() -> None:
    config = scripted(kinds=["summary"], fail="no report")
    _, outcome = await perform(request(config=config))
    assert isinstance(outcome, Answered)
    with pytest.raises(AgentError):
        await perform(request(SubtaskKind.SUMMARY, config=config))


async def test_pace_streams_line_by_line() -> None:
    config = {"skill": "digest", "pace": 0.001}
    events, outcome = await perform(request(config=config, task="One thing. Another thing."))
    assert isinstance(outcome, Answered)
    deltas = [event.text for event in events if isinstance(event, TextDelta)]
    assert "".join(deltas) == outcome.text
    assert max(delta.count("\n") for delta in deltas) == 1


async def test_scripted_agents_load_no_library_for_tables() -> None:
    program = (
        "import sys; import groups.agents.builtin; "
        "sys.exit(any(name in sys.modules for name in ('duckdb', 'charset_normalizer', 'django')))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await process.wait() == 0


@pytest.mark.parametrize("skill", SKILLS)
def test_every_skill_is_valid(skill: str) -> None:
    validate_config({"skill": skill})


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"skill": "poet"}, "config.skill"),
        ({"skil": "leader"}, "config"),
        ({"script": {"delay": "long"}}, "config.script.delay"),
        ({"script": {"delay": -1}}, "config.script.delay"),
        ({"script": {"plan": 501}}, "config.script.plan"),
        ({"script": {"plan": [{"key": "a"}]}}, "config.script.plan[0]"),
        ({"script": {"fail_times": -1}}, "config.script.fail_times"),
        ({"script": {"unknown": 1}}, "config.script"),
        ({"pace": "x"}, "config.pace"),
    ],
)
def test_wrong_settings_name_the_field(config: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        validate_config(config)
    assert list(caught.value.fields) == [field]


async def test_runtime_refuses_wrong_settings() -> None:
    with pytest.raises(Invalid):
        async for _ in BuiltinRuntime().perform(request(config={"skill": 3})):
            pass
