"""The writes of one socket: carried out one after the other, in the order in which they came, and answered."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from state.sync import protocol
from state.sync.protocol import Res, Write


class WriteQueue:
    """At most `protocol.MAX_WRITES` wait. Everything belongs to one event loop."""

    def __init__(
        self,
        carry_out: Callable[[Write], Awaitable[Res]],
        outcome: Callable[[str], Awaitable[Res | None]],
        answer: Callable[[Res], None],
        taken: Callable[[], Awaitable[None]],
    ) -> None:
        """`outcome(op_id)`: what a journalled write came to, None while it waits. `taken` waits while the client takes
        no answers: so long nothing is carried out."""
        self._carry_out, self._outcome, self._answer = carry_out, outcome, answer
        self._taken = taken
        self._waiting: deque[Write] = deque()
        #: Journalled writes that are not settled yet.
        self._journalled: set[str] = set()
        self._working = self._asking = False

    def add(self, frame: Write) -> bool:
        """Take the write; whether `work` has to be called. Raises Busy."""
        if len(self._waiting) >= protocol.MAX_WRITES:
            raise protocol.Busy
        self._waiting.append(frame)
        idle, self._working = not self._working, True
        return idle

    async def work(self) -> None:
        """Until nothing waits."""
        try:
            while self._waiting:
                await self._taken()
                res = await self._carry_out(self._waiting[0])
                frame = self._waiting.popleft()
                if res.queued:
                    self._journalled.add(frame.op_id)
                self._answer(res)
        finally:
            self._working = False

    @property
    def has_journalled(self) -> bool:
        """Whether an outcome is still to be told, and nobody asks for it just now."""
        return bool(self._journalled) and not self._asking

    async def tell_outcomes(self) -> None:
        """Answer journalled writes that have come to their end."""
        self._asking = True
        try:
            for op_id in tuple(self._journalled):
                await self._taken()
                res = await self._outcome(op_id)
                if res is not None:
                    self._journalled.discard(op_id)
                    self._answer(res)
        finally:
            self._asking = False
