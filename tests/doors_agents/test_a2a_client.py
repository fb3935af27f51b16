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
from a2a.types import a2a_pb2 as pb
from a2a.utils.errors import (
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from channels.db import database_sync_to_async as in_db
from google.protobuf.json_format import MessageToDict

from groups.agents.base import Answered, Request, TextDelta, Waiting
from groups.execution.statuses import RunStatus, WaitsFor
from groups.models import Attachment, Run, RunEvent
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
    return pb.TaskState.Name(status.state)


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
    assert MessageToDict(got.artifacts[0].parts[0].data)["subtasks"][0]["key"] == "a"
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
