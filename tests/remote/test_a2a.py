"""A2A agents over real sockets: both versions, streamed and not, questions, cancelling, going on with a task."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import msgspec
import pytest
from a2a.helpers import new_data_part, new_text_part
from a2a.server.tasks import TaskUpdater
from a2a.types.a2a_pb2 import Message

from groups.agents.a2a.runtime import A2ARuntime
from groups.agents.base import AgentError, Answered, Planned, Waiting
from groups.execution.statuses import SubtaskKind, WaitsFor
from tests.remote import a2a_agent
from tests.remote.asking import PLAN, SUBTASK, asked, said

RUNTIME = A2ARuntime()


@pytest.mark.parametrize(
    ("version", "streaming", "binding"),
    [
        ("1.0", True, "JSONRPC"),
        ("1.0", False, "JSONRPC"),
        ("1.0.1", True, "HTTP+JSON"),
        ("0.3.0", True, "JSONRPC"),
        ("0.3.0", False, "HTTP+JSON"),
    ],
)
async def test_artifacts_are_the_answer(version: str, streaming: bool, binding: str) -> None:
    with a2a_agent.agent(version=version, streaming=streaming, binding=binding) as remote:
        done = await said(RUNTIME, asked({"card_url": remote.url}))
    assert done.outcome == Answered("Seven ships.")
    assert done.text == "Seven ships."


@pytest.mark.parametrize(("version", "streaming"), [("1.0", True), ("1.0", False), ("0.3.0", True)])
async def test_of_another_group_the_summary_is_the_answer(version: str, streaming: bool) -> None:
    async def act(updater: TaskUpdater, message: Message, turn: int) -> None:
        await updater.add_artifact([new_data_part({"subtasks": []})], artifact_id="p", name="plan")
        await updater.add_artifact([new_text_part("Three here.")], artifact_id="a", name="North")
        await updater.add_artifact([new_text_part("Four here.")], artifact_id="b", name="result")
        await updater.add_artifact(
            [new_text_part("Seven ships.")],
            artifact_id="s",
            name="result",
            metadata={"kind": "summary"},
        )
        await updater.complete()

    with a2a_agent.agent(version=version, streaming=streaming) as remote:
        remote.act = act
        done = await said(RUNTIME, asked({"card_url": remote.url}))
    assert isinstance(done.outcome, Answered)
    assert done.outcome.text == "Seven ships."
    assert "Three here." in done.text


async def test_the_agent_is_told_the_task_in_words_and_as_data() -> None:
    with a2a_agent.agent() as remote:
        await said(RUNTIME, asked({"card_url": remote.url, "skills": ["tally"]}))
    words, data = remote.messages[0].parts
    assert "Count the ships" in words.text
    assert "Twice, to be sure." in words.text
    assert "How many ships?" in words.text
    assert data.data.struct_value["subtask"] == SUBTASK
    assert list(data.data.struct_value["skills"]) == ["tally"]


@pytest.mark.parametrize(
    ("header", "name", "value"), [("", "authorization", "Bearer t0p"), ("X-Key", "x-key", "t0p")]
)
async def test_the_token_goes_along_with_every_request(header: str, name: str, value: str) -> None:
    with a2a_agent.agent() as remote:
        config = {"card_url": remote.url, "header": header}
        await said(RUNTIME, asked(config, secrets={"token": "t0p"}))
    assert [each[name] for each in remote.headers] == [value, value]


async def test_a_message_in_place_of_a_task_is_the_answer() -> None:
    with a2a_agent.agent() as remote:
        remote.reply = "Twelve."
        done = await said(RUNTIME, asked({"card_url": remote.url}))
    assert done.outcome == Answered("Twelve.")


async def test_a_last_word_without_artifacts_is_the_answer() -> None:
    async def reply(updater: TaskUpdater, message: Message, turn: int) -> None:
        await updater.complete(updater.new_agent_message([new_text_part("Eleven.")]))

    with a2a_agent.agent() as remote:
        remote.act = reply
        done = await said(RUNTIME, asked({"card_url": remote.url}))
    assert done.outcome == Answered("Eleven.")


async def test_data_of_the_agent_reaches_the_mode() -> None:
    async def vote(updater: TaskUpdater, message: Message, turn: int) -> None:
        await updater.add_artifact([new_text_part("The first."), new_data_part({"choice": "a"})])
        await updater.complete()

    with a2a_agent.agent() as remote:
        remote.act = vote
        done = await said(RUNTIME, asked({"card_url": remote.url}, kind=SubtaskKind.VOTE))
    assert isinstance(done.outcome, Answered)
    assert done.outcome.data == {"choice": "a"}


@pytest.mark.parametrize("version", ["1.0", "0.3.0"])
async def test_a_question_waits_for_a_person_and_its_answer_continues_the_same_task(
    version: str,
) -> None:
    with a2a_agent.agent(version=version) as remote:
        remote.act = a2a_agent.ask
        request = asked({"card_url": remote.url})
        first = await said(RUNTIME, request)
        assert isinstance(first.outcome, Waiting)
        assert first.outcome.question == "Which harbour?"
        assert first.outcome.waits_for == WaitsFor.PERSON
        again = msgspec.structs.replace(
            request, answers=("Hamburg",), memo=first.outcome.memo, attempt=1
        )
        second = await said(RUNTIME, again)
        assert second.outcome == Answered("Nine ships in Hamburg.")
        # A repetition of that attempt finds the task done, and says nothing twice.
        third = await said(RUNTIME, msgspec.structs.replace(again, attempt=2))
        assert third.outcome == Answered("Nine ships in Hamburg.")
    assert len(remote.messages) == 2
    assert remote.messages[1].task_id
    assert remote.messages[1].context_id == remote.messages[0].context_id


async def test_cancelling_stops_the_task_there_within_a_second() -> None:
    with a2a_agent.agent() as remote:
        remote.act = a2a_agent.ponder
        heard = asyncio.Event()

        async def work() -> None:
            async for _ in RUNTIME.perform(asked({"card_url": remote.url})):
                heard.set()

        task = asyncio.create_task(work())
        await asyncio.wait_for(heard.wait(), 10)
        began = asyncio.get_running_loop().time()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert asyncio.get_running_loop().time() - began < 1.5
        assert len(remote.cancelled) == 1


async def test_an_attempt_after_a_lost_one_goes_on_with_its_task() -> None:
    go = asyncio.Event()

    async def slowly(updater: TaskUpdater, message: Message, turn: int) -> None:
        await updater.start_work(updater.new_agent_message([new_text_part("Counting …")]))
        while not go.is_set():
            await asyncio.sleep(0.01)
        await a2a_agent.answer(updater, message, turn)

    with a2a_agent.agent() as remote:
        remote.act = slowly
        request = asked({"card_url": remote.url})
        lost = RUNTIME.perform(request)
        await anext(lost)
        again = asyncio.create_task(said(RUNTIME, msgspec.structs.replace(request, attempt=2)))
        await asyncio.sleep(0.2)
        go.set()
        done = await again
        await lost.aclose()
    assert done.outcome == Answered("Seven ships.")
    assert len(remote.messages) == 1


async def test_a_leader_s_plan_is_mended_when_it_names_strangers() -> None:
    async def plan(updater: TaskUpdater, message: Message, turn: int) -> None:
        assignee = "wim" if "cannot be used" in message.parts[0].text else "a stranger"
        items = [{"key": "a", "title": "Count", "assignee": assignee}]
        text = msgspec.json.encode({"subtasks": items}).decode()
        await updater.add_artifact([new_text_part(f"Here it is:\n```json\n{text}\n```")])
        await updater.complete()

    with a2a_agent.agent() as remote:
        remote.act = plan
        done = await said(RUNTIME, asked({"card_url": remote.url}, kind=SubtaskKind.PLAN))
    assert isinstance(done.outcome, Planned)
    assert [item.assignee for item in done.outcome.plan.subtasks] == ["wim"]
    assert "'a stranger' is neither a member" in remote.texts()[1]
    assert "- wim (worker, tags: steady): Counts." in remote.texts()[0]


async def test_a_plan_as_data_is_taken_as_it_is() -> None:
    async def plan(updater: TaskUpdater, message: Message, turn: int) -> None:
        await updater.add_artifact([new_data_part(PLAN)])
        await updater.complete()

    with a2a_agent.agent() as remote:
        remote.act = plan
        done = await said(RUNTIME, asked({"card_url": remote.url}, kind=SubtaskKind.PLAN))
    assert isinstance(done.outcome, Planned)
    assert done.outcome.plan.note == "One is enough."


async def test_a_plan_that_stays_wrong_fails_after_two_repairs() -> None:
    with a2a_agent.agent() as remote:
        remote.act = a2a_agent.saying("I would rather not.")
        with pytest.raises(AgentError, match="nor could the agent mend it") as refused:
            await said(RUNTIME, asked({"card_url": remote.url}, kind=SubtaskKind.PLAN))
    assert not refused.value.transient
    assert len(remote.messages) == 3


async def test_another_turn_of_the_subtask_begins_anew() -> None:
    with a2a_agent.agent() as remote:
        first = asked({"card_url": remote.url}, turn="0-3")
        await said(RUNTIME, first)
        # The same turn again: the agent has done it already.
        await said(RUNTIME, msgspec.structs.replace(first, attempt=2))
        assert len(remote.messages) == 1
        await said(RUNTIME, msgspec.structs.replace(first, attempt=3, turn="0-6"))
    one, other = remote.messages
    assert one.message_id != other.message_id


async def test_what_was_asked_of_a_person_is_told_when_it_begins_anew() -> None:
    with a2a_agent.agent() as remote:
        remote.act = a2a_agent.ask
        request = asked({"card_url": remote.url}, turn="0-3")
        waiting = (await said(RUNTIME, request)).outcome
        assert isinstance(waiting, Waiting)
        remote.act = a2a_agent.answer
        again = msgspec.structs.replace(
            request, answers=("Kiel",), memo=waiting.memo, attempt=2, turn="0-6"
        )
        await said(RUNTIME, again)
    assert "Answers to what was asked before\nKiel" in remote.texts()[1]
    assert remote.messages[0].task_id != remote.messages[1].task_id
