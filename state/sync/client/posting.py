"""Who waits for the answer to which own write, and when writes may go out; kept in a store where there is one."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Final

from state.errors import StarsError
from state.sync.client.backoff import Backoff
from state.sync.client.outbox import Answer, Outbox
from state.sync.client.store import Store
from state.sync.client.values import Written
from state.sync.protocol import ErrorFrame, Res, Write

logger = logging.getLogger(__name__)

#: Seconds that a connection has to stand before a write is sent that may be what broke others.
CALM_S: Final = 1.0


class Posting:
    """The outbox of a client, with those who wait."""

    def __init__(self, store: Store | None) -> None:
        self.outbox = Outbox(store.writes if store else ())
        #: What became of writes that nobody waited for, as those of an earlier process.
        self.unclaimed: deque[Answer] = deque(maxlen=1000)
        self._store = store
        self._backoff = Backoff()
        self._paused_until = 0.0
        #: By op_id; and whether the last answer is wanted.
        self._answers: dict[str, tuple[asyncio.Future[Written], bool]] = {}

    def write(self, write: Write, *, settled: bool) -> asyncio.Future[Written]:
        """Queue a write; its answer, or with `settled` the last one. Raises as `Outbox.check`, and OSError: then it is
        neither kept nor sent."""
        self.outbox.check(write)
        if self._store is not None:
            self._store.add(write)
        self.outbox.add(write)
        future: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._answers[write.op_id] = (future, settled)
        return future

    def wait(self, now: float) -> float:
        """Seconds from the monotonic time `now` until something may be sent; 0: at once."""
        return max(0.0, self._paused_until - now)

    def answered(self, res: Res) -> None:
        """Hand an answer to whoever waits for it."""
        self._settle(self.outbox.answered(res))

    def refused(self, frame: ErrorFrame) -> None:
        """Hand the refusal of a frame to whoever waits for its answer."""
        self._settle(self.outbox.refused(frame))

    def connected(self, now: float) -> None:
        """At the monotonic time `now`: writes go out, at once unless one of them broke the connection before. Were it
        something else, it will do so again before they do."""
        self._paused_until = now + CALM_S if self.outbox.has_suspects else 0.0

    def disconnected(self, broke_at: float | None = None) -> None:
        """What is not answered is sent again on the next connection; `broke_at`: see `Outbox.disconnected`."""
        for answer in self.outbox.disconnected(broke_at):
            self._settle(answer)

    def cut(self) -> None:
        """The connection ended because a frame was too large, after `disconnected`."""
        self._settle(self.outbox.cut())

    def end(self, why: StarsError) -> None:
        """No answer comes any more."""
        answers, self._answers = self._answers, {}
        for future, _ in answers.values():
            if not future.done():
                future.set_exception(why)
                future.exception()  # whoever cancelled its wait does not look

    def _settle(self, answer: Answer | None) -> None:
        if answer is None:
            return
        if answer.pause and answer.refusal is not None:
            asked = answer.refusal.extra.get("retry_after", 0)
            pause = self._backoff.pause(float(asked) if isinstance(asked, int | float) else 0.0)
            self._paused_until = asyncio.get_running_loop().time() + pause
        else:
            self._backoff.succeeded()
        future, settled = self._answers.get(answer.op_id, (None, True))
        if future is None:
            if answer.ended:
                self.unclaimed.append(answer)
        elif not future.done():
            if answer.ended and answer.refusal is not None:
                future.set_exception(answer.refusal)
            elif answer.written is not None and (answer.ended or not settled):
                future.set_result(answer.written)
        if answer.ended:
            self._answers.pop(answer.op_id, None)
            self._forget(answer.op_id)

    def _forget(self, op_id: str) -> None:
        if self._store is None:
            return
        try:
            self._store.end(op_id, self._open)
        except OSError as error:
            # Another process would send it again, and be answered as this one was.
            logger.warning("stars: the end of a write could not be kept: %s", error)

    def _open(self) -> tuple[Write, ...]:
        return tuple(own.write for own in self.outbox.writes())
