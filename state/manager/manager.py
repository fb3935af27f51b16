"""StateManager: the one door to states. Every read and write of pages, REST, agents and commands goes through it."""

from __future__ import annotations

from contextlib import suppress

from state.errors import Unavailable
from state.manager.compacting import compact
from state.manager.parking import Parking
from state.manager.querying import Reading
from state.manager.writing import Writing
from state.policy import Caller
from state.refusals import NotPermitted
from state.values import (
    EventType,
    StateEvent,
    StateMetrics,
)


class StateManager(Writing, Reading, Parking):
    """Reads and writes the states of all spaces of one store. Thread-safe; one per process and store.

    All methods may raise StateNotFound for what the caller may not see, NotPermitted for what it may see and not do,
    and Unavailable when the store is away. It must not be called inside a database transaction of the caller's.
    """

    def tick(self) -> None:
        """Apply what the journals still hold (StateManagerConfig.sync_interval)."""
        for info in self.store.spaces():
            with suppress(Unavailable):
                self.journal.drain(info.id)

    def sweep(self) -> dict[str, int]:
        """The rarer chores in all spaces: expiry, overdue conflicts, old outcomes, compaction; how many of each."""
        done = {"expired": 0, "conflicts": 0, "outcomes": 0}
        for info in self.store.spaces():
            done["expired"] += self.keeper.expire(info.id)
            done["conflicts"] += self.keeper.settle_conflicts(info.id)
            done["outcomes"] += self.keeper.forget(info.id)
            compact(self.store, info.id, now=self._clock())
        return done

    def drop_space(self, caller: Caller) -> None:
        """Remove the space with everything in it. Raises NotPermitted unless the caller is its admin."""
        if not caller.admin:
            raise NotPermitted(extra={"required": "admin"})
        self._spaces.discard(caller.space)
        self.store.drop_space(caller.space)

    def get_metrics(self) -> StateMetrics:
        """Counters of this process and gauges of the store."""
        return self._counts.read(self.store.counts())

    def close(self) -> None:
        """Stop the journal, the bus and the store; idempotent."""
        self._publish(StateEvent(type=EventType.SYSTEM_SHUTDOWN, timestamp=self._clock()))
        self.journal.close()
        self.bus.close()
        self.store.close()
