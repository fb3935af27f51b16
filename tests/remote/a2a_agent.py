"""An A2A agent made with a2a-sdk, on a real socket, that does as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from a2a.helpers import new_task_from_user_message, new_text_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types.a2a_pb2 import AgentCapabilities, AgentCard, AgentInterface, AgentSkill, Message
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tests.remote.serving import listening, served

Act: TypeAlias = Callable[[TaskUpdater, Message, int], Awaitable[None]]


async def answer(updater: TaskUpdater, message: Message, turn: int) -> None:
    """An artifact in two pieces."""
    await updater.add_artifact([new_text_part("Seven ")], artifact_id="a", name="result")
    await updater.add_artifact(
        [new_text_part("ships.")], artifact_id="a", append=True, last_chunk=True
    )
    await updater.complete()


@dataclass
class Remote(AgentExecutor):
    """What the agent does (`act`), and what it was sent."""

    act: Act = answer
    #: What it says in place of making a task.
    reply: str = ""
    url: str = ""
    messages: list[Message] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    #: HTTP requests that come next are answered so instead.
    instead: list[Response] = field(default_factory=list)
    _turns: dict[str, int] = field(default_factory=dict)

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """See a2a-sdk."""
        message = context.message
        assert message is not None
        self.messages.append(message)
        if self.reply:
            await event_queue.enqueue_event(new_text_message(self.reply))
            return
        task = context.current_task
        if task is None:
            task = new_task_from_user_message(message)
            await event_queue.enqueue_event(task)
        turn = self._turns[task.id] = self._turns.get(task.id, 0) + 1
        await self.act(TaskUpdater(event_queue, task.id, task.context_id), message, turn)

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """See a2a-sdk."""
        assert context.task_id and context.context_id
        self.cancelled.append(context.task_id)
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()

    def texts(self) -> list[str]:
        """The words of what it was sent."""
        return [message.parts[0].text for message in self.messages]


@contextmanager
def agent(
    *, streaming: bool = True, version: str = "1.0", binding: str = "JSONRPC"
) -> Iterator[Remote]:
    """Such an agent; `version` and `binding` are what its card names."""
    with listening() as (server, url):
        remote = Remote(url=url)
        interface = AgentInterface(
            url=url if binding == "HTTP+JSON" else f"{url}/rpc",
            protocol_binding=binding,
            protocol_version=version,
        )
        card = AgentCard(
            name="Quinn",
            description="Counts ships.",
            version="7",
            supported_interfaces=[interface],
            capabilities=AgentCapabilities(streaming=streaming),
            skills=[AgentSkill(id="tally", name="Tally", description="Counts.", tags=["ships"])],
            default_input_modes=["text/plain"],
            default_output_modes=["text/plain"],
        )
        handler = DefaultRequestHandler(
            agent_executor=remote, task_store=InMemoryTaskStore(), agent_card=card
        )
        app = Starlette(
            routes=[
                *create_agent_card_routes(card),
                *create_jsonrpc_routes(handler, "/rpc", enable_v0_3_compat=True),
                *create_rest_routes(handler, enable_v0_3_compat=True),
            ]
        )
        with served(_spied(app, remote), server):
            yield remote


def _spied(app: Starlette, remote: Remote) -> Any:
    async def spy(scope: Any, receive: Any, send: Any) -> None:
        remote.headers.append(dict(Request(scope).headers))
        is_call = scope["path"] == "/rpc" or scope["path"].startswith("/message")
        if remote.instead and is_call:
            await remote.instead.pop(0)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return spy


async def ponder(updater: TaskUpdater, message: Message, turn: int) -> None:
    """Begin, say so, and never come to an end."""
    await updater.start_work(updater.new_agent_message([new_text_part("Counting …")]))
    await asyncio.Event().wait()


async def ask(updater: TaskUpdater, message: Message, turn: int) -> None:
    """Ask which harbour, then answer with what was said."""
    if turn == 1:
        await updater.requires_input(updater.new_agent_message([new_text_part("Which harbour?")]))
        return
    said = message.parts[0].text
    await updater.add_artifact([new_text_part(f"Nine ships in {said}.")])
    await updater.complete()


def saying(text: str) -> Act:
    """Answer with that text."""

    async def act(updater: TaskUpdater, message: Message, turn: int) -> None:
        await updater.add_artifact([new_text_part(text)])
        await updater.complete()

    return act


def plain(status: int, text: str = "", **headers: str) -> Response:
    """An HTTP answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return PlainTextResponse(text, status, headers=named)
