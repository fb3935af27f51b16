"""What an agent's tools reach beyond its run: messages to its own group, and the tool servers that are registered."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from django.conf import settings

from groups.agents.base import Request
from groups.agents.tools.base import Fault, Server
from groups.agents.tools.box import Toolbox
from groups.engine.states import AgentStates
from groups.events import MessageSent
from groups.services import tool_letters, tool_servers
from state.errors import StarsError
from state.threads import in_thread


def toolbox(request: Request, states: AgentStates, note: Callable[[MessageSent], None]) -> Toolbox:
    """The tools granted to the agent of this attempt; `note` is told on the event loop of every message it sends."""
    return Toolbox(request, _Outside(request, states, note))


class _Outside:
    """See `agents.tools.base.World`."""

    def __init__(
        self, request: Request, states: AgentStates, note: Callable[[MessageSent], None]
    ) -> None:
        self._request = request
        self._states = states
        self._note = note
        self.allowed: Sequence[str] = tuple(settings.STARS_WEBHOOK_ALLOWED)

    async def settle(self) -> None:
        await in_thread(self._states.await_claim)()

    async def send(self, to: str, text: str) -> bool:
        try:
            fresh = await in_thread(self._send)(to, text)
        except StarsError as error:
            told = " ".join(sentence for each in error.fields.values() for sentence in each)
            raise Fault(told or error.message) from None
        if fresh:
            self._note(MessageSent(sender=self._request.agent_id, to=to, text=text))
        return fresh

    async def server(self, name: str) -> Server:
        try:
            return await in_thread(tool_servers.opened)(name)
        except StarsError as error:
            raise Fault(f"The tool server '{name}' cannot be used: {error.message}") from None

    def _send(self, to: str, text: str) -> bool:
        return tool_letters.send_once(
            subtask_id=uuid.UUID(self._request.subtask_id),
            sender=self._request.agent_id,
            to=to,
            text=text,
        )
