"""The way from an attempt to the process of its agent, which has dialled in at some web process (see `agents.Line`)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from groups.agents.base import AgentError
from groups.models import CallStatus
from groups.services import calls, dialins
from groups.services.calls import Offered
from groups.services.subtasks import Work
from state.fanout import hub
from state.threads import in_thread

logger = logging.getLogger(__name__)

#: Seconds between two looks at the rows when no word comes; words may be lost.
LOOK: Final = 1.0
#: Seconds that a claim may take to be committed, and between two looks for it.
PATIENCE: Final = 10.0
SOON: Final = 0.01

_offer = in_thread(calls.offer)
_heard = in_thread(calls.heard)
_end = in_thread(calls.end)


class Lost(AgentError):
    """The process that had the call is gone."""

    cause = "lost"

    def __init__(self, message: str) -> None:
        super().__init__(message, transient=True)


class AgentLine:
    """See `agents.surroundings.Line`."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def call(
        self,
        request: Mapping[str, Any],
        *,
        patience: float,
        grace: float,
        heard: tuple[str, int] = ("", 0),
    ) -> AsyncGenerator[tuple[str, Mapping[str, Any]], None]:
        """See `agents.surroundings.Line`."""
        call_id, counted = await self._offered(request, heard)
        after = heard[1] if heard[0] == call_id else 0
        said = bool(after)
        watch = _Watch(self._work.agent_pk, call_id, patience, grace)
        news = asyncio.Event()
        loop = asyncio.get_running_loop()
        ears = hub().subscribe(
            calls.call_topic(call_id), lambda _: news.set(), loop=loop, resync=news.set
        )
        kept = False
        try:
            while True:
                news.clear()
                found = await _heard(call_id, after)
                for seq, frame in found.frames:
                    after, said = seq, True
                    kept = frame["type"] == "ask"
                    if frame["type"] != "usage" or seq > counted:
                        yield call_id, frame
                if not found.frames:
                    await watch.check(found.status, found.taken_by, said=said)
                    await _sleep(news)
        finally:
            ears.close()
            if not kept:
                # Though it is being cancelled: the process has to be told.
                await asyncio.shield(_end(call_id, self._work.token))

    async def _offered(self, request: Mapping[str, Any], asked: tuple[str, int]) -> Offered:
        """The call. Agents begin before their claim is committed; others cannot see it before."""
        until = time.monotonic() + PATIENCE
        while True:
            offered = await _offer(
                agent_pk=self._work.agent_pk,
                subtask_id=self._work.subtask_id,
                token=self._work.token,
                request=request,
                asked=asked,
            )
            if offered is not None:
                return offered
            if time.monotonic() > until:
                raise AgentError("This attempt has lost its lease.", transient=True)
            await asyncio.sleep(SOON)


class _Watch:
    """Whether there is still somebody from whom an answer may come."""

    def __init__(self, agent_pk: int, call_id: str, patience: float, grace: float) -> None:
        self._agent_pk, self._call_id = agent_pk, call_id
        self._patience, self._grace = patience, grace
        self._lonely_since: float | None = None
        self._look = in_thread(self._look_around)

    async def check(self, status: str, taken_by: str, *, said: bool) -> None:
        """Raise AgentError (transient) when nobody will answer; have the call offered again when that may help."""
        if status == CallStatus.ENDED:
            raise Lost("The call was taken back before it was answered.")
        absent, others = await self._look(taken_by)
        if status == CallStatus.OFFERED:
            self._wait(others)
        elif absent is not None and absent >= self._grace:
            if not said:
                await in_thread(calls.offer_again)(self._call_id, taken_by)
            elif await in_thread(calls.give_up)(self._call_id, taken_by):
                raise Lost(f"The agent's process is gone, and has been for {self._grace:g} s.")

    def _wait(self, others: bool) -> None:
        now = time.monotonic()
        if others:
            self._lonely_since = None
        elif self._lonely_since is None:
            self._lonely_since = now
        if self._lonely_since is not None and now - self._lonely_since >= self._patience:
            raise AgentError(
                f"No process of this agent was connected for {self._patience:g} s; start it, "
                "then retry.",
                transient=True,
            )

    def _look_around(self, taken_by: str) -> tuple[float | None, bool]:
        """For how many seconds the holder is gone (None: it is there), and whether any process is connected."""
        absent = None
        if taken_by:
            since = dialins.absent_since(taken_by)
            absent = None if since is None else (datetime.now(UTC) - since).total_seconds()
        return absent, dialins.present(self._agent_pk).exists()


async def _sleep(news: asyncio.Event) -> None:
    """Until there is news, or it is time to look anyway."""
    try:
        async with asyncio.timeout(LOOK):
            await news.wait()
    except TimeoutError:
        return
