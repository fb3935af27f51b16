"""An A2A agent as the engine sees it. The protocol's library is loaded with the first request."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from groups.agents import settings
from groups.agents.a2a.config import Config
from groups.agents.base import AgentError, AgentEvent, Outcome, Request


class A2ARuntime:
    """Carries out requests of `a2a` agents."""

    async def perform(self, request: Request) -> AsyncGenerator[AgentEvent | Outcome, None]:
        """Yield events and one outcome; see AgentRuntime. Raises AgentError."""
        config = settings.read_at_work(request.config, Config)
        try:
            from groups.agents.a2a.carrying import carried_out
        except ImportError:
            told = "This server cannot speak A2A: whoever runs it can install Stars with its extra a2a."
            raise AgentError(told) from None
        if request.purse is not None:
            await request.purse.ask()
        async with aclosing(carried_out(config, request)) as said:
            async for item in said:
                if isinstance(item, Outcome):
                    break
                yield item
            else:
                raise AgentError("The A2A agent ended without an answer.")
        # Only now, when all connections are closed: nobody asks for more after it.
        yield item
