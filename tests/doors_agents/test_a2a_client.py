"""The a2a-sdk's own client of 1.0 drives runs of a group over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from a2a.client import ClientConfig, create_client
from a2a.client.client import Client, ClientCallContext
from a2a.helpers import get_data_parts, new_data_part
from a2a.types import a2a_pb2 as pb
from a2a.utils.errors import (
    ContentTypeNotSupportedError,
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from channels.db import database_sync_to_async as in_db

from groups.agents.base import Answered, Request, TextDelta, Waiting
from groups.execution.statuses import RunStatus, WaitsFor
from groups.models import Attachment, Run
from tests.doors_agents.conftest import Site
from tests.engine.scripted import Gate, Scripted
from tests.unit.world import item, plan

BINDINGS = ["JSONRPC", "HTTP+JSON"]


def message(text: str = "Count the ships", **fields: Any) -> pb.SendMessageRequest:
    """A message of a user's; `fields` are those of the protocol's Message."""
    settings = fields.pop("configuration", None)
    parts = [pb.Part(text=text), *fields.pop("parts", [])]
    said = pb.Message(
        message_id=fields.pop("message_id", "m-1"), role=pb.ROLE_USER, parts=parts, **fields
    )
    return pb.SendMessageRequest(message=said, configuration=settings)


@asynccontextmanager
async def client_of(
    site: Site, token: str, *, binding: str = "JSONRPC", **config: Any
) -> AsyncIterator[Client]:
    """The SDK's client of the group Crew, made from its card."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers, timeout=20) as http:
        settings = ClientConfig(httpx_client=http, supported_protocol_bindings=[binding], **config)
        client = await create_client(f"{site.url}/a2a/Crew", client_config=settings)
        yield client


async def all_of(events: AsyncIterator[pb.StreamResponse]) -> list[pb.StreamResponse]:
    return [event async for event in events]


def state_of(event: pb.StreamResponse) -> str:
    status = event.task.status if event.HasField("task") else event.status_update.status
    return str(pb.TaskState.Name(status.state))


def texts(events: list[pb.StreamResponse]) -> dict[str, str]:
    """What a client has of each artifact after these events, as the protocol says to put it together."""
    found: dict[str, str] = {}
    for event in events:
        if event.HasField("task"):
            found = {a.artifact_id: _text(a) for a in event.task.artifacts}
        elif event.HasField("artifact_update"):
            update = event.artifact_update
            kept = found.get(update.artifact.artifact_id, "") if update.append else ""
            found[update.artifact.artifact_id] = kept + _text(update.artifact)
    return found


def _text(artifact: pb.Artifact) -> str:
    return "".join(part.text for part in artifact.parts)


def seq_of(event: pb.StreamResponse) -> int:
    [told] = [content for _, content in event.ListFields()]
    return int(told.metadata["seq"])


async def spoken(request: Request) -> AsyncIterator[Any]:
    """An act that streams its answer in three pieces."""
    for piece in ("one ", "two ", "three"):
        yield TextDelta(piece)
        await asyncio.sleep(0.08)
    yield Answered("one two three")


@pytest.mark.parametrize("binding", BINDINGS)
async def test_a_streamed_message_tells_the_whole_run_from_the_task_to_its_result(
    site: Site, token: str, script: Scripted, binding: str
) -> None:
    script.plan = plan(item("a"), item("b"))
    script.acts["A"] = spoken
    async with client_of(site, token, binding=binding) as client:
        events = await all_of(client.send_message(message(context_id="talk")))
        assert events[0].HasField("task") and events[0].task.context_id == "talk"
        assert state_of(events[-1]) == "TASK_STATE_COMPLETED"
        assert "one two three" in events[-1].status_update.status.message.parts[0].text
        got = await client.get_task(pb.GetTaskRequest(id=events[0].task.id))
    names = [artifact.name for artifact in got.artifacts]
    assert names == ["plan", "A", "B", "result"]
    assert get_data_parts(got.artifacts[0].parts)[0]["subtasks"][0]["key"] == "a"
    assert texts(events) == {a.artifact_id: _text(a) for a in got.artifacts}
    assert "one two three" in texts(events).values()
    numbers = [seq_of(event) for event in events]
    assert numbers == sorted(numbers)
    run = await in_db(Run.objects.get)(id=got.id)
    assert numbers[-1] == run.last_seq and run.origin == "a2a" and run.conversation == "talk"


async def test_an_unstreamed_message_answers_when_the_run_has_ended(site: Site, token: str) -> None:
    async with client_of(site, token, streaming=False) as client:
        [event] = await all_of(client.send_message(message()))
    assert state_of(event) == "TASK_STATE_COMPLETED"
    assert event.task.history[0].parts[0].text == "Count the ships"


async def test_a_client_that_was_cut_off_goes_on_where_it_was_with_nothing_lost_or_doubled(
    site: Site, token: str, script: Scripted
) -> None:
    gate = Gate()
    script.plan = plan(item("a"), item("b", "a"), item("c", "b"))
    script.acts["A"], script.acts["B"] = spoken, gate
    async with client_of(site, token) as client:
        whole = asyncio.create_task(all_of(client.send_message(message())))
        cut: list[pb.StreamResponse] = []
        async with client_of(site, token) as other:
            stream = other.send_message(message())
            async for event in stream:
                cut.append(event)
                if "two " in texts(cut).values() or "one two " in texts(cut).values():
                    break
        task_id = cut[0].task.id
        # Without a cursor: the task as it stands now, with what was missed in it.
        joined: list[pb.StreamResponse] = []
        async with client_of(site, token) as other:
            async for event in other.subscribe(pb.SubscribeToTaskRequest(id=task_id)):
                joined.append(event)
                break
        while not gate.inside:
            await asyncio.sleep(0.01)
        back = asyncio.create_task(
            all_of(
                client.subscribe(
                    pb.SubscribeToTaskRequest(id=task_id),
                    context=ClientCallContext(
                        service_parameters={"Last-Event-ID": str(seq_of(cut[-1]))}
                    ),
                )
            )
        )
        await asyncio.sleep(0.05)
        gate.is_open = True
        rest, full = await back, await whole
        assert joined[0].HasField("task") and joined[0].task.status.state == pb.TASK_STATE_WORKING
    assert rest[0].HasField("task") and seq_of(rest[0]) == seq_of(cut[-1])
    seen = [told for told in [*cut, *rest[1:]] if not told.HasField("task")]
    expected = [told for told in full if not told.HasField("task")]
    # Streams that began a moment apart have different beginnings in their tasks.
    since = max(seq_of(cut[0]), seq_of(full[0]))
    assert [s for s in seen if seq_of(s) > since] == [e for e in expected if seq_of(e) > since]
    assert texts(rest) == texts(full) == texts([*cut, *rest[1:]])


async def test_subscribing_to_an_ended_task_is_refused_but_what_was_missed_is_told(
    site: Site, token: str
) -> None:
    async with client_of(site, token) as client:
        events = await all_of(client.send_message(message()))
        asked = pb.SubscribeToTaskRequest(id=events[0].task.id)
        with pytest.raises(UnsupportedOperationError):
            await all_of(client.subscribe(asked))
        seen = ClientCallContext(service_parameters={"Last-Event-ID": str(seq_of(events[3]))})
        assert (await all_of(client.subscribe(asked, context=seen)))[1:] == events[4:]


async def test_cancelling_stops_the_run_and_a_second_time_is_refused(
    site: Site, token: str, script: Scripted
) -> None:
    gate = script.acts["A"] = Gate()
    now = pb.SendMessageConfiguration(return_immediately=True)
    async with client_of(site, token, streaming=False) as client:
        [event] = await all_of(client.send_message(message(configuration=now)))
        assert state_of(event) in ("TASK_STATE_SUBMITTED", "TASK_STATE_WORKING")
        while not gate.inside:
            await asyncio.sleep(0.01)
        cancelled = await client.cancel_task(pb.CancelTaskRequest(id=event.task.id))
        assert cancelled.status.state == pb.TASK_STATE_CANCELED
        with pytest.raises(TaskNotCancelableError):
            await client.cancel_task(pb.CancelTaskRequest(id=event.task.id))
    assert (await in_db(Run.objects.get)(id=event.task.id)).status == RunStatus.CANCELLED


async def asking(request: Request) -> AsyncIterator[Any]:
    """An act that asks before it answers."""
    if request.answers:
        yield Answered(f"painted {request.answers[-1]}")
    else:
        yield Waiting(
            question="Which colour?", waits_for=WaitsFor.APPROVAL, options=("red", "blue")
        )


async def test_a_question_makes_the_task_ask_and_the_same_answer_twice_counts_once(
    site: Site, token: str, script: Scripted
) -> None:
    script.plan = plan(item("a"), item("b", "a"))
    script.acts["A"] = script.acts["B"] = asking
    async with client_of(site, token, streaming=False) as client:
        [event] = await all_of(client.send_message(message()))
        task = event.task
        assert state_of(event) == "TASK_STATE_INPUT_REQUIRED"
        asked = task.status.message
        assert asked.parts[0].text == "Which colour?"
        assert get_data_parts(asked.parts)[0]["options"] == ["red", "blue"]
        said = message("red", task_id=task.id, message_id="m-2")
        [event] = await all_of(client.send_message(said))
        assert event.task.status.message != asked
        [again] = await all_of(client.send_message(said))
        assert again.task.status == event.task.status
        [event] = await all_of(
            client.send_message(message("blue", task_id=task.id, message_id="m-3"))
        )
        assert state_of(event) == "TASK_STATE_COMPLETED"
        with pytest.raises(UnsupportedOperationError, match="has ended"):
            await all_of(client.send_message(message("x", task_id=task.id, message_id="m-4")))
    found = {artifact.name: _text(artifact) for artifact in event.task.artifacts}
    assert (found["A"], found["B"]) == ("painted red", "painted blue")


@pytest.mark.parametrize(
    ("answer", "data", "state"),
    [
        ("approve", None, "TASK_STATE_COMPLETED"),
        ("no", None, "TASK_STATE_CANCELED"),
        ("", {"plan": {"subtasks": []}}, "TASK_STATE_COMPLETED"),
    ],
)
async def test_a_plan_is_approved_rejected_or_replaced_by_a_message(
    site: Site, token: str, answer: str, data: Any, state: str
) -> None:
    settings = {"stars": {"approve_plan": True}}
    async with client_of(site, token, streaming=False) as client:
        [event] = await all_of(client.send_message(message(metadata=settings)))
        assert state_of(event) == "TASK_STATE_INPUT_REQUIRED"
        assert [artifact.name for artifact in event.task.artifacts] == ["plan"]
        parts = []
        if data is not None:
            [own] = get_data_parts(event.task.artifacts[0].parts)
            own["subtasks"][0]["title"] = "Another title"
            parts = [new_data_part({"plan": own})]
        given = message(answer, task_id=event.task.id, message_id="m-2", parts=parts)
        [event] = await all_of(client.send_message(given))
    assert state_of(event) == state
    if data is not None:
        assert "Another title" in [artifact.name for artifact in event.task.artifacts]


async def test_the_same_message_twice_at_once_makes_one_task_with_its_files(
    site: Site, token: str
) -> None:
    files = [pb.Part(raw=b"ship,crew\nada,3\n", filename="ships.csv")]
    async with client_of(site, token, streaming=False) as client:
        answers = await asyncio.gather(
            *(all_of(client.send_message(message(parts=files))) for _ in range(4))
        )
        assert len({event.task.id for [event] in answers}) == 1
        await all_of(client.send_message(message(message_id="another")))
    assert await in_db(Run.objects.count)() == 2
    kept = await in_db(Attachment.objects.get)()
    assert (kept.name, kept.size) == ("ships.csv", 16)


async def test_tasks_are_listed_by_context_and_state_page_by_page(site: Site, token: str) -> None:
    async with client_of(site, token, streaming=False) as client:
        for number, context in enumerate(("x", "x", "y")):
            sent = message(message_id=f"m-{number}", context_id=context)
            await all_of(client.send_message(sent))
        first = await client.list_tasks(pb.ListTasksRequest(page_size=2))
        assert (len(first.tasks), first.total_size) == (2, 3) and first.next_page_token
        assert not first.tasks[0].artifacts
        rest = await client.list_tasks(
            pb.ListTasksRequest(page_size=2, page_token=first.next_page_token)
        )
        assert len({task.id for task in [*first.tasks, *rest.tasks]}) == 3
        ended = pb.ListTasksRequest(
            context_id="x", status=pb.TASK_STATE_COMPLETED, include_artifacts=True
        )
        found = await client.list_tasks(ended)
        assert len(found.tasks) == 2 and found.tasks[0].artifacts
        working = pb.ListTasksRequest(status=pb.TASK_STATE_INPUT_REQUIRED)
        assert not (await client.list_tasks(working)).tasks


@pytest.mark.parametrize("binding", BINDINGS)
async def test_refusals_are_the_protocols_errors(site: Site, token: str, binding: str) -> None:
    async with client_of(site, token, binding=binding, streaming=False) as client:
        for unknown in ("5f2b2ff0-2d0c-4a0b-8b54-111111111111", "nothing"):
            with pytest.raises(TaskNotFoundError):
                await client.get_task(pb.GetTaskRequest(id=unknown))
        with pytest.raises(InvalidParamsError, match="empty"):
            await all_of(client.send_message(message("  ")))
        with pytest.raises(ContentTypeNotSupportedError, match="bytes"):
            linked = [pb.Part(url="http://127.0.0.1/ships.csv")]
            await all_of(client.send_message(message(parts=linked)))
        with pytest.raises(ContentTypeNotSupportedError, match="these types"):
            await all_of(
                client.send_message(message(parts=[pb.Part(raw=b"x", filename="ships.exe")]))
            )
        with pytest.raises(PushNotificationNotSupportedError):
            await client.create_task_push_notification_config(
                pb.TaskPushNotificationConfig(task_id="t", url="http://127.0.0.1/")
            )
