"""Names what a subscription asks for and cannot get now, before anything of it is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from state.errors import Unavailable
from state.sync import protocol
from state.sync.gating import held
from state.sync.policies import sees
from state.sync.protocol import ServerFrame
from state.sync.subscription import Subscription


async def begin(
    subscription: Subscription, missing: Sequence[str], say: Callable[[ServerFrame], None]
) -> None:
    """Name those of the ids that are not there for the reader by the store's own word, for the feed may not know yet
    what was made a moment ago; then let the subscription follow."""
    feed, caller = subscription.feed, subscription.reader.caller
    try:
        found = await held(subscription.gate, feed.store.load_states, feed.space, missing)
    except Unavailable:
        pass  # what the feed knows has to do
    else:
        missing = [
            each
            for each in missing
            if each not in found or found[each].deleted or not sees(found[each], caller)
        ]
    if missing:
        refused = protocol.StatesNotFound(extra={"states": list(missing)})
        say(protocol.error(refused, sub=subscription.number))
    subscription.follow()
