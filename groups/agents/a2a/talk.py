"""One subtask's exchange with an A2A agent: what is sent, and following the task until it stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from a2a.client import Client
from a2a.helpers import new_data_part, new_text_part
from a2a.types.a2a_pb2 import (
    AgentCard,
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    StreamResponse,
    SubscribeToTaskRequest,
    Task,
    TaskState,
)

from groups.agents import wire
from groups.agents.a2a.connection import ParametersRefused, told
from groups.agents.a2a.gathering import Gathered, TooLong, data_of, said_by, text_of
from groups.agents.base import AgentError, Request, TextDelta

#: Seconds between two looks at a task that is under way: at first, and at most.
LOOK: Final = (0.1, 2.0)
#: Looks in a row that may fail.
PATIENCE: Final = 5
#: Seconds that an agent is given to hear that it shall stop.
CALL_OFF: Final = 1.0

#: States in which a task goes on by itself.
UNDER_WAY: Final = frozenset(
    {
        TaskState.TASK_STATE_UNSPECIFIED,
        TaskState.TASK_STATE_SUBMITTED,
        TaskState.TASK_STATE_WORKING,
    }
)
#: States that a new message cannot change.
DEAD: Final = frozenset(
    {TaskState.TASK_STATE_CANCELED, TaskState.TASK_STATE_FAILED, TaskState.TASK_STATE_REJECTED}
)


class Talk:
    """What was said so far: of the task, or of a single message in its place."""

    def __init__(self, client: Client, card: AgentCard, request: Request) -> None:
        self._client = client
        self._streams = card.capabilities.streaming
        self._request = request
        self.gathered = Gathered()
        self.task_id = ""
        self.context_id = request.subtask_id
        self.state: TaskState = TaskState.TASK_STATE_UNSPECIFIED
        #: The agent's last words: with its status, or in place of a task.
        self.said = ""
        self._replied = False

    @property
    def stands(self) -> bool:
        """Whether nothing more comes by itself."""
        return self._replied or self.state not in UNDER_WAY

    @property
    def result(self) -> str:
        """The answer in words: the artifacts, else the last words."""
        return self.gathered.text or self.said

    def message(self, name: str, *parts: Part) -> Message:
        """A message to the agent; `name` tells it from others of the subtask, and is the same at every attempt."""
        key = wire.key_of(self._request)
        return Message(
            message_id=str(uuid5(NAMESPACE_URL, f"stars:{key}/{name}")),
            context_id=self.context_id,
            role=Role.ROLE_USER,
            parts=parts,
        )

    def anew(self) -> None:
        """Forget the task, but not the context."""
        self.gathered = Gathered()
        self.task_id, self.said, self._replied = "", "", False
        self.state = TaskState.TASK_STATE_UNSPECIFIED

    async def send(self, message: Message) -> AsyncGenerator[TextDelta, None]:
        """Send it and follow what comes of it until that stands. Raises AgentError."""
        try:
            async with aclosing(self._sent(message)) as said:
                async for delta in said:
                    yield delta
        except ParametersRefused:
            if self.task_id or not message.context_id or message.task_id:
                raise
            # Agents may insist on context ids of their own making.
            message.context_id = self.context_id = ""
            async with aclosing(self.send(message)) as said:
                async for delta in said:
                    yield delta

    async def follow(self, task: Task) -> AsyncGenerator[TextDelta, None]:
        """Go on with a task that was begun before. Raises AgentError."""
        if delta := self._take_task(task):
            yield TextDelta(delta)
        if self._streams and not self.stands:
            request = SubscribeToTaskRequest(id=self.task_id)
            try:
                async with aclosing(self._heard(self._client.subscribe(request))) as said:
                    async for delta in said:
                        yield TextDelta(delta)
            except TooLong:
                raise
            except AgentError:
                pass  # asking does as well
        async with aclosing(self._watched()) as said:
            async for delta in said:
                yield TextDelta(delta)

    async def find(self, message_id: str) -> Task | None:
        """The task that began with that message, if the agent can be asked for it and still has it."""
        wanted = ListTasksRequest(context_id=self._request.subtask_id, page_size=1)
        try:
            found = (await self._client.list_tasks(wanted)).tasks
            task = await self._client.get_task(GetTaskRequest(id=found[0].id)) if found else None
        except Exception:  # 0.3 has no such list, others do not keep one: the message's id says that it comes again
            return None
        # It may be of an earlier turn of the same subtask.
        return task if task and message_id in {each.message_id for each in task.history} else None

    async def get(self, task_id: str) -> Task:
        """The task as it is now. Raises AgentError."""
        with told(self._request.secrets):
            return await self._client.get_task(GetTaskRequest(id=task_id))

    async def call_off(self) -> None:
        """Tell the agent that nobody wants the result any more; whether it hears is not waited for long."""
        if self.task_id and not self.stands:
            with suppress(Exception):
                async with asyncio.timeout(CALL_OFF):
                    await self._client.cancel_task(CancelTaskRequest(id=self.task_id))

    async def _sent(self, message: Message) -> AsyncGenerator[TextDelta, None]:
        request = SendMessageRequest(message=message)
        request.configuration.return_immediately = not self._streams
        request.configuration.accepted_output_modes.extend(["text/plain", "application/json"])
        try:
            async with aclosing(self._heard(self._client.send_message(request))) as said:
                async for delta in said:
                    yield TextDelta(delta)
        except AgentError as error:
            if not (self.task_id and self._streams) or isinstance(error, TooLong):
                raise
            # The stream broke, the task need not have.
        if not self.task_id and not self._replied:
            raise AgentError("The A2A agent hung up before it said anything.", transient=True)
        async with aclosing(self._watched()) as said:
            async for delta in said:
                yield TextDelta(delta)

    async def _heard(self, events: AsyncIterator[StreamResponse]) -> AsyncGenerator[str, None]:
        """What is new of the text in a stream. Raises AgentError."""
        with told(self._request.secrets):
            async with aclosing(events) as stream:  # type: ignore[type-var]
                async for event in stream:
                    if delta := self._take(event):
                        yield delta
                    if self.stands:
                        return

    async def _watched(self) -> AsyncGenerator[str, None]:
        """Look at the task until it stands. Raises AgentError."""
        pause, failures = LOOK[0], 0
        while not self.stands:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LOOK[1])
            try:
                task = await self.get(self.task_id)
            except AgentError as error:
                failures += 1
                if not error.transient or failures >= PATIENCE:
                    raise
                pause = max(pause, min(error.retry_after or 0.0, 60.0))
                continue
            failures = 0
            if delta := self._take_task(task):
                yield delta

    def _take(self, event: StreamResponse) -> str:
        match event.WhichOneof("payload"):
            case "task":
                return self._take_task(event.task)
            case "message":
                self._replied = True
                self.said = said_by(event.message)
                self.gathered.data = data_of(event.message.parts)
                self.context_id = event.message.context_id or self.context_id
                return self.said
            case "status_update":
                update = event.status_update
                self._know(update.task_id, update.context_id)
                return self._take_status(update.status.state, update.status.message)
            case "artifact_update":
                self._know(event.artifact_update.task_id, event.artifact_update.context_id)
                return self.gathered.piece(event.artifact_update)
        return ""

    def _take_task(self, task: Task) -> str:
        self._know(task.id, task.context_id)
        new = self.gathered.take(task)
        words = self._take_status(task.status.state, task.status.message)
        if self.stands and not self.result:
            # Some agents answer with a message in the history only.
            by_agent = [each for each in task.history if each.role == Role.ROLE_AGENT]
            self.said = text_of(by_agent[-1].parts) if by_agent else ""
        return new + words

    def _take_status(self, state: TaskState, message: Message) -> str:
        """The words that come with a status belong to the output while the task is under way."""
        self.state = state
        words = said_by(message)
        if words == self.said:
            return ""
        self.said = words or self.said
        self.gathered.data = self.gathered.data or data_of(message.parts)
        return f"{words}\n\n" if words and state in UNDER_WAY else ""

    def _know(self, task_id: str, context_id: str) -> None:
        self.task_id = task_id or self.task_id
        self.context_id = context_id or self.context_id


def parts_of(words: str, data: dict[str, Any]) -> list[Part]:
    """A message's content: words for people and models, data for programs."""
    return [new_text_part(words), new_data_part(data)]
