"""Language models as the engine sees them. The providers' libraries are loaded with the first request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib import import_module
from typing import Any

from groups.agents.base import AgentError, AgentEvent, Outcome, Request
from groups.agents.llm.config import parse_config
from groups.agents.scrubbing import scrub
from state.errors import Invalid


class LlmRuntime:
    """Carries out requests of `llm` agents."""

    async def perform(self, request: Request) -> AsyncGenerator[AgentEvent | Outcome, None]:
        """Yield events and one outcome; see AgentRuntime. Raises AgentError, for everything that goes wrong."""
        try:
            config = parse_config(request.config)
        except Invalid as error:
            raise AgentError(error.message) from None
        work = await loaded("performing")
        try:
            async with aclosing(work.perform(request, config)) as events:
                async for event in events:
                    yield event
        except AgentError:
            raise
        except Exception as error:
            # Not as it is: a traceback may show what was sent, keys included.
            told = scrub(f"{type(error).__name__}: {error}", request.secrets)
            raise AgentError(f"The model '{config.model}' failed unexpectedly. {told}") from None


async def loaded(name: str) -> Any:
    """The module of this package that needs the providers' libraries. Raises AgentError when they are missing."""
    try:
        # A second of importing, once, in a thread: the others on this event loop go on.
        return await asyncio.to_thread(import_module, f"groups.agents.llm.{name}")
    except ImportError as error:
        raise AgentError(
            f"This server cannot talk to language models ({error.name} is missing): install Stars with its extra llm."
        ) from None
