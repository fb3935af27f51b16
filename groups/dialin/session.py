"""One socket of an agent's process (docs/agent-protocol.md): frames become rows, rows become frames.

Nothing here is the truth: when this process dies, the agent's dials in again, and the rows tell how far they had come.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from groups.agents.connected import protocol
from groups.agents.connected.protocol import ClientFrame, Said, ServerFrame
from groups.models import AgentCredential
from groups.services import calls, dialins
from groups.services.calls import Saying
from groups.services.credentials import topic
from state.errors import StarsError
from state.fanout import hub
from state.fanout.outbox import Outbox
from state.pace import Allowance
from state.threads import in_thread

logger = logging.getLogger(__name__)

#: Seconds in which frames gather that are stored together.
GATHER: Final = 0.01
#: Seconds between two looks at the rows; words may be lost.
LOOK: Final = 1.0
#: Frames that come at once, and per second in the long run.
BURST: Final = 4000.0
RATE: Final = 2000.0
#: Characters of all frames of a call: more than any result of an agent needs, however it is escaped.
MOST: Final = 64 * 1024 * 1024
#: How often a write that failed is tried again, with so many seconds between.
TRIES: Final = 5
AGAIN: Final = 0.3

_open = in_thread(dialins.open)
_seen = in_thread(dialins.seen)
_close = in_thread(dialins.close)
_say = in_thread(calls.say)
_tend = in_thread(calls.tend)


@dataclass
class _Call:
    """A call that this connection has."""

    #: The last frame that came, and the last that is stored.
    last: int = 0
    stored: int = 0
    #: Answers that its process knows.
    told: int = 0
    #: Characters that came on this connection.
    size: int = 0


class Session:
    """What is said on one socket, from hello on."""

    def __init__(
        self, credential: AgentCredential, outbox: Outbox, end: Callable[[int], None]
    ) -> None:
        """`end` closes the socket with that code, after what is in the outbox."""
        self._credential, self._outbox, self._end = credential, outbox, end
        self._agent = credential.agent
        self._id: uuid.UUID | None = None
        self._room = 0
        self._held: dict[str, _Call] = {}
        self._waiting: list[Saying] = []
        self._pace = Allowance(burst=BURST, rate=RATE)
        self._heard_at = time.monotonic()
        self._pinged_at = self._heard_at
        self._greeted = False
        self._is_closed = False
        self._news, self._came = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        self._ears = hub().subscribe(
            topic(self._agent.agent_id),
            lambda _: self._news.set(),
            loop=loop,
            resync=self._news.set,
        )
        self._tasks = [loop.create_task(self._tend()), loop.create_task(self._store())]

    async def receive(self, text: str | None) -> None:
        """Take one frame of the process."""
        if self._is_closed:
            return
        if not self._pace.take():
            self._finish(protocol.FLOOD, "Frames come faster than they can be looked at.")
            return
        self._heard_at = time.monotonic()
        call = None
        try:
            frame = protocol.parse(text)
            call = getattr(frame, "call", None)
            await self._take(frame, len(text or ""))
        except StarsError as refusal:
            self.say(protocol.error(refusal, call))
            if not self._greeted:
                self._finish(protocol.BROKEN, refusal.message)
        except Exception:
            logger.exception("a frame of an agent's process was not answered")
            self._finish(protocol.AWAY, "Stars could not take this; connect again later.")

    def say(self, frame: ServerFrame) -> None:
        """Send it."""
        text = protocol.write(frame)
        self._outbox.put(text, len(text))

    def close(self) -> None:
        """The socket has ended; idempotent. Its calls wait for the process to come back."""
        if self._is_closed and not self._tasks:
            return
        self._is_closed = True
        self._ears.close()
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        if self._id is not None:
            leaving = asyncio.get_running_loop().create_task(self._leave(self._id))
            _LEAVING.add(leaving)
            leaving.add_done_callback(_LEAVING.discard)

    async def _leave(self, dialin_id: uuid.UUID) -> None:
        try:
            await self._flush()
            await _close(dialin_id)
        except Exception:
            # Whoever waits finds out by the time at which it was seen last.
            logger.exception("it could not be noted that an agent's process is gone")

    # --- what comes --------------------------------------------------------------------------------------------------

    async def _take(self, frame: ClientFrame, size: int) -> None:
        if isinstance(frame, protocol.Hello):
            await self._greet(frame)
        elif not self._greeted:
            raise protocol.HelloFirst
        elif not isinstance(frame, protocol.Pong):
            self._hear(frame, size)

    async def _greet(self, hello: protocol.Hello) -> None:
        if self._greeted:
            raise protocol.HelloFirst
        self._greeted = True
        opened = await _open(
            credential=self._credential,
            name=hello.name,
            parallel=hello.parallel,
            holds=hello.holds,
        )
        self._id, self._room = opened.id, hello.parallel
        for call, held in opened.calls.items():
            if not held.is_over:
                self._held[call] = _Call(held.last, held.last, held.told)
        self.say(
            protocol.Welcome(
                agent=self._agent.agent_id,
                connection=str(opened.id),
                heartbeat=protocol.HEARTBEAT,
                calls={call: held.last for call, held in opened.calls.items()},
            )
        )
        for call in opened.dropped:
            self.say(protocol.Cancel(call=call, reason="Nobody waits for this call any more."))
        self._news.set()

    def _hear(self, frame: Said, size: int) -> None:
        held = self._held.get(frame.call)
        if held is None:
            raise protocol.NotYours
        if frame.seq <= held.last:
            if frame.seq <= held.stored:
                self.say(protocol.Ack(call=frame.call, seq=held.stored))
            return
        if frame.seq > held.last + 1:
            raise protocol.Gap(extra={"expected": held.last + 1})
        if held.size + size > MOST and not isinstance(frame, protocol.Fail):
            raise protocol.CallTooLarge
        held.last, held.size = frame.seq, held.size + size
        body = protocol.stored(frame)
        if isinstance(frame, protocol.Ask):
            body["known"] = held.told
        self._waiting.append(Saying(frame.call, frame.seq, body))
        self._came.set()

    # --- what goes ---------------------------------------------------------------------------------------------------

    async def _store(self) -> None:
        """Write what came, as often as something comes."""
        while True:
            await self._came.wait()
            await asyncio.sleep(GATHER)
            self._came.clear()
            for tries in range(1, TRIES + 1):
                try:
                    await asyncio.shield(self._flush())
                    break
                except Exception:
                    logger.warning("frames of an agent's process not stored", exc_info=True)
                    if tries == TRIES:
                        self._finish(protocol.AWAY, "What was said cannot be stored now.")
                        return
                    await asyncio.sleep(AGAIN * tries)

    async def _flush(self) -> None:
        items = self._waiting[:]
        if not items or self._id is None:
            return
        lost = await _say(self._id, items)
        del self._waiting[: len(items)]
        for call, seq in {item.call: item.seq for item in items}.items():
            if call in lost:
                self._drop(call)
            elif held := self._held.get(call):
                held.stored = seq
                self.say(protocol.Ack(call=call, seq=seq))
        for item in items:
            if item.frame["type"] in ("done", "fail"):
                self._held.pop(item.call, None)
                self._news.set()

    def _drop(self, call: str) -> None:
        if self._held.pop(call, None) is not None:
            self.say(protocol.Cancel(call=call, reason="Nobody waits for this call any more."))

    async def _tend(self) -> None:
        """Look after the calls as long as the socket lives: at every word, and once a second."""
        greet_until = time.monotonic() + protocol.HELLO
        while True:
            try:
                async with asyncio.timeout(LOOK):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()
            now = time.monotonic()
            if not self._greeted and now > greet_until:
                return self._finish(protocol.BROKEN, protocol.HelloFirst().message)
            if now - self._heard_at > 3 * protocol.HEARTBEAT:
                return self._finish(protocol.SILENT, "Nothing was heard for too long.")
            if now - self._pinged_at > protocol.HEARTBEAT:
                self._pinged_at = now
                self.say(protocol.Ping())
            try:
                if self._id is not None and not await self._look(self._id):
                    return self._finish(
                        protocol.NOT_AUTHENTICATED, "This credential does not open this agent."
                    )
            except Exception:
                logger.warning("calls of an agent's process not looked at", exc_info=True)

    async def _look(self, dialin_id: uuid.UUID) -> bool:
        if not await _seen(dialin_id):
            return False
        known = {call: held.told for call, held in self._held.items()}
        found = await _tend(dialin_id, self._agent.pk, known, self._room - len(self._held))
        for call in found.dropped:
            self._drop(call)
        for call, number, text in found.answers:
            if held := self._held.get(call):
                held.told = number
                self.say(protocol.Answer(call=call, text=text, number=number))
        for call, request in found.taken:
            self._held[call] = _Call(told=len(request["answers"]))
            self.say(protocol.Work(call=call, request=request))
        return True

    def _finish(self, code: int, reason: str) -> None:
        if not self._is_closed:
            self._is_closed = True
            self.say(protocol.Bye(reason=reason))
            self._end(code)


#: Sessions that are noting that they end; the loop does not keep its tasks.
_LEAVING: set[asyncio.Task[None]] = set()
