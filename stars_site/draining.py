"""When Daphne is told to stop, sync sockets are told where to go on before everything is cancelled."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, Final

from twisted.internet.defer import Deferred

from stars_site.websocket import WebSocket
from state import conf

logger = logging.getLogger(__name__)

#: Seconds in which clients have to answer the close of their sockets.
ANSWER: Final = 1.0


def install() -> None:
    """Have Daphne, which runs this application, stop so; nothing happens under another server."""
    # Importing it would choose the reactor of a process that is perhaps no server.
    daphne = sys.modules.get("daphne.server")
    if daphne is not None:
        # A trigger of the reactor would be called beside this one, which cancels all applications at once.
        daphne.Server.kill_all_applications = _drained(daphne.Server.kill_all_applications)


def _drained(kill: Callable[[Any], Deferred[Any]]) -> Callable[[Any], Deferred[Any]]:
    @wraps(kill)
    def stop(server: Any) -> Deferred[Any]:
        done: Deferred[Any] = Deferred.fromFuture(asyncio.ensure_future(_drain(server)))
        done.addCallback(lambda _: kill(server))
        return done

    return stop


async def _drain(server: Any) -> None:
    try:
        await conf.drain_sync()
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER):
                while any(_is_closing(each) for each in server.connections):
                    await asyncio.sleep(0.01)
    except Exception:
        logger.exception("sockets end without a word")


def _is_closing(protocol: Any) -> bool:
    return isinstance(protocol, WebSocket) and bool(protocol.state == protocol.STATE_CLOSING)
