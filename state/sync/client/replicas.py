"""What the replicas of all subscriptions of a client know together."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from state.errors import StarsError
from state.sync.client.subscription import Subscription
from state.sync.client.values import State, Written
from state.sync.filters import filter_of

#: Seconds that are waited for a replica.
WAIT_S: Final = 5.0


def held(subscriptions: Iterable[Subscription], state: str) -> State | None:
    """The newest that one has of a state."""
    found = [each[state] for each in subscriptions if state in each]
    return max(found, key=lambda each: each.revision, default=None)


async def fresher(subscriptions: Iterable[Subscription], than: State) -> State | None:
    """A newer version of the state, once one has it (5 s at most); None: it is gone, or nobody has."""
    for each in tuple(subscriptions):
        if than.id in each:
            with suppress(TimeoutError, StarsError):
                return await _next(each, than)
    return None


async def shown(subscriptions: Iterable[Subscription], written: Written) -> None:
    """Wait until those that follow the state show the write (5 s at most)."""
    for each in tuple(subscriptions):
        if each.is_asked and not each.is_stalled and _follows(each, written.state):
            with suppress(TimeoutError, StarsError):
                await _reached(each, written.revision)


async def _next(subscription: Subscription, than: State) -> State | None:
    def is_newer() -> bool:
        found = subscription.get(than.id)
        return found is None or found.revision > than.revision

    await subscription.until(is_newer, WAIT_S)
    return subscription.get(than.id)


async def _reached(subscription: Subscription, revision: int) -> None:
    await subscription.until(lambda: subscription.revision >= revision, WAIT_S)


def _follows(subscription: Subscription, state: str) -> bool:
    return filter_of(subscription.patterns).matches(state)
