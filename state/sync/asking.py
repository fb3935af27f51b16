"""From the frame `sub` to the subscription that is asked for."""

from __future__ import annotations

import asyncio

from state.sync import tokens
from state.sync.feed import Feed
from state.sync.metrics import counts
from state.sync.protocol import Sub
from state.sync.selecting import Reader
from state.sync.sink import Sink
from state.sync.subscription import Subscription
from state.values import SyncConfig


def asked(
    frame: Sub,
    feed: Feed,
    sink: Sink,
    reader: Reader,
    config: SyncConfig,
    gate: asyncio.Semaphore,
) -> Subscription:
    """The subscription that a client asks for, at its place. Raises BadToken."""
    token = tokens.decode(frame.from_) if frame.from_ and not frame.why else None
    found = Subscription(frame.sub, feed, sink, reader, mode=frame.mode, config=config, gate=gate)
    if frame.why:
        counts.integrity_error()
        found.renew("integrity")
    elif token is None:
        found.begin()
    else:
        found.resume(token)
    return found
