"""The world around this installation as agents elsewhere need it (see `agents.Outside`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from django.conf import settings
from django.urls import reverse

from groups.agents.base import AgentError
from groups.services import callbacks
from groups.services.subtasks import Work
from state.threads import in_thread

#: Seconds that a claim may take to be committed, and between two looks for it.
PATIENCE: Final = 10.0
SOON: Final = 0.01

_make = in_thread(callbacks.make)


class AgentOutside:
    """See `agents.surroundings.Outside`."""

    def __init__(self, work: Work) -> None:
        self._work = work

    @property
    def allowed(self) -> Sequence[str]:
        """See `agents.surroundings.Outside`."""
        allowed: list[str] = settings.STARS_WEBHOOK_ALLOWED
        return allowed

    async def callback(self, patience: float) -> str:
        """See `agents.surroundings.Outside`. Raises AgentError (transient) when the attempt's claim is gone."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while loop.time() < until:
            # An attempt begins before its claim is committed.
            token = await _make(
                subtask_id=self._work.subtask_id,
                lease=self._work.token,
                attempt=self._work.request.attempt,
                patience=patience,
            )
            if token is not None:
                return f"{settings.STARS_PUBLIC_URL}{reverse('api:callback', args=[token])}"
            await asyncio.sleep(SOON)
        raise AgentError("The attempt's claim was not stored.", transient=True)
