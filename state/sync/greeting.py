"""From hello to welcome: who somebody is, in which session."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from state.errors import StarsError, Unavailable
from state.sync import protocol
from state.sync.protocol import Hello
from state.threads import in_thread

if TYPE_CHECKING:
    from state.sync.live import Live

logger = logging.getLogger(__name__)


async def greet(live: Live, frame: Hello) -> None:
    """Let it in, or say why not and close."""
    try:
        await _let_in(live, frame)
    except StarsError as refusal:
        away = refusal.status >= 500
        live.say(protocol.error(refusal))
        live.bye(protocol.AWAY if away else protocol.DENIED, refusal.reason)
    except Exception:
        logger.exception("a subscriber cannot be let in")
        live.say(protocol.error(Unavailable()))
        live.bye(protocol.AWAY, Unavailable.reason)


async def _let_in(live: Live, frame: Hello) -> None:
    pool = live.pool
    live.outlet.compressing = bool(frame.compress) and pool.config.compression
    if live.who is None and frame.token_auth:
        live.who = await pool.identify(frame.token_auth)
    if live.closing:
        return
    if live.who is None:
        live.bye(protocol.NOT_AUTHENTICATED, "not_authenticated")
        return
    # It hears of changes of its rights before they are read, or one between the two would be missed.
    await pool.attend(live)
    if live.closing:
        return
    await live.rights.read()
    feed = await pool.feeds.enter(live.space)
    if live.closing:  # the socket went meanwhile
        feed.leave()
        return
    live.feed = feed
    assert live.caller is not None
    opened = await in_thread(pool.sessions.open)(
        live.caller,
        user_id=live.who.user.pk,
        name=frame.name,
        mode=frame.mode,
        session=frame.session,
        exclusive=frame.exclusive,
        process=pool.process,
    )
    if live.closing:
        await in_thread(pool.sessions.leave)(opened.id, opened.generation)
        return
    live.begin(opened)
