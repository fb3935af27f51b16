"""Which of the states that somebody names are not there for it now, and so are named back before anything is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from state.errors import Unavailable
from state.persistence.base import PersistenceLayer
from state.policy import Caller
from state.refusals import SpaceNotFound
from state.sync import protocol
from state.sync.feed import Feed
from state.sync.gating import held
from state.sync.policies import sees
from state.sync.protocol import ServerFrame
from state.sync.selecting import Reader
from state.sync.subscription import Subscription


def absent(store: PersistenceLayer, caller: Caller, ids: Collection[str]) -> tuple[str, ...]:
    """Those of the ids that the caller cannot read, or that are not there; which of both is not told. Sorted; one
    read. Raises SpaceNotFound, Unavailable."""
    if not ids:
        return ()
    found = store.load_states(caller.space, ids)
    return tuple(
        each
        for each in sorted(ids)
        if each not in found or found[each].deleted or not sees(found[each], caller)
    )


async def missing(feed: Feed, reader: Reader, gate: asyncio.Semaphore) -> tuple[str, ...]:
    """The ids that the reader asks for and that are not there for it now, by the store's own word: the feed may not
    know yet what was made a moment ago. What the feed shows is not asked for."""
    ids = [each for each in reader.wanted.ids if not feed.policies.shows(reader.caller, each)]
    try:
        return await held(gate, absent, feed.store, reader.caller, ids) if ids else ()
    except (SpaceNotFound, Unavailable):
        return tuple(sorted(ids))  # what the feed knows has to do


async def begin(subscription: Subscription, say: Callable[[ServerFrame], None]) -> None:
    """Name what is missing; then let the subscription follow."""
    found = await missing(subscription.feed, subscription.reader, subscription.gate)
    if found:
        refused = protocol.StatesNotFound(extra={"states": list(found)})
        say(protocol.error(refused, sub=subscription.number))
    subscription.follow()
