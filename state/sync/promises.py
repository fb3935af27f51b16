"""What sync tasks wait for on one socket: that its client acknowledges a state as of a revision."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from state.sync.subscription import Subscription


class _Promise(msgspec.Struct):
    """`revision` None: the state is to be sent whole, and has not been yet."""

    task: str
    agent: str
    state: str
    revision: int | None


class Promises:
    """`kept(task, agent, revision)` is called once for each."""

    def __init__(self, kept: Callable[[str, str, int], None]) -> None:
        self._kept = kept
        self._open: list[_Promise] = []

    def add(
        self, subscription: Subscription, task: str, agent: str, state: str, revision: int | None
    ) -> None:
        """The task waits for that revision of the state; None: it goes whole now, and that is waited for."""
        self._open = [
            each
            for each in self._open
            if (each.task, each.agent, each.state) != (task, agent, state)
        ]
        self._open.append(_Promise(task, agent, state, revision))
        if revision is None:
            subscription.give(state)
        self.settle(subscription)

    def sent(self, subscription: Subscription, states: frozenset[str]) -> None:
        """These states went whole, with the frame before the next."""
        for each in self._open:
            if each.revision is None and each.state in states:
                each.revision = subscription.prev

    def settle(self, subscription: Subscription) -> None:
        """The client has acknowledged up to `subscription.acked`."""
        wanted, acked = subscription.reader.wanted, subscription.acked
        kept = [
            each
            for each in self._open
            if each.revision is not None and each.revision <= acked and wanted.matches(each.state)
        ]
        if kept:
            self._open = [each for each in self._open if each not in kept]
            for each in kept:
                self._kept(each.task, each.agent, acked)
