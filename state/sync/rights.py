"""Who reads on a socket, and what it may do: looked up again by the clock, and whenever that may have changed."""

from __future__ import annotations

import logging
import random
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from state.errors import StarsError, Unavailable
from state.sync import protocol
from state.sync.reviewing import Review
from state.threads import in_thread

if TYPE_CHECKING:
    from state.sync.live import Live

logger = logging.getLogger(__name__)

#: Seconds after which it is looked up again who reads, at the latest; and when that failed.
RENEW: Final = 60.0
RENEW_AGAIN: Final = 5.0
#: Seconds for which a proof that has ended is still waited to be renewed.
OVERTIME: Final = 10.0


class Rights:
    """Those of `live.who`, as `live.caller`."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._review = Review(self._look, live.pool.reviewing)
        self._renewing = False
        self._renew_at = time.monotonic() + _renewal()

    @property
    def is_awaited(self) -> bool:
        """Whether they will be read in a moment."""
        return self._review.is_awaited

    async def read(self) -> None:
        """Read what it may do in the space; two at once share a look. Raises as `Directory.caller`."""
        await self._review.run()

    async def review(self) -> None:
        """The same; whoever is not let in any more is told and ended."""
        try:
            await self.read()
        except StarsError as refusal:
            if refusal.status < 500:
                self._live.bye(protocol.DENIED, refusal.reason)
                return
            logger.warning("a subscriber's rights cannot be read, trying again: %s", refusal)
            self._soon()
        except Exception:
            logger.exception("a subscriber's rights cannot be read, trying again")
            self._soon()

    def tick(self, now: float) -> None:
        """Called about once a second, `now` monotonic."""
        live = self._live
        expires = live.who.expires_at if live.who is not None else None
        over = 0.0 if expires is None else (datetime.now(UTC) - expires).total_seconds()
        if over > OVERTIME:
            # Whether it was prolonged cannot be read; where it can, it is let in again or told.
            live.bye(protocol.AWAY, Unavailable.reason)
        elif not self._renewing and (now >= self._renew_at or over > 0):
            self._renewing, self._renew_at = True, now + _renewal()
            live.spawn(self._renew())

    async def _renew(self) -> None:
        live = self._live
        try:
            assert live.who is not None
            who = await live.who.renewed()
            if who is None:
                live.bye(protocol.NOT_AUTHENTICATED, "not_authenticated")
                return
            live.who = who
            await self.review()
        except Exception:
            logger.exception("a subscriber cannot be looked up, trying again")
            self._soon()
        finally:
            self._renewing = False

    async def _look(self) -> None:
        live = self._live
        assert live.who is not None and live.hello is not None
        caller = await in_thread(live.pool.directory.caller)(
            live.who.user, live.space, agent=live.hello.agent
        )
        if caller != live.caller and not live.closing:
            live.caller = caller
            for each in live.subs.values():
                each.reread(caller)

    def _soon(self) -> None:
        self._renew_at = min(self._renew_at, time.monotonic() + RENEW_AGAIN)


def _renewal() -> float:
    # Those who came at once, after a restart, are not looked up at once, too.
    return RENEW * random.uniform(0.5, 1.0)
