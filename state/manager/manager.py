"""StateManager: the one door to states. Every read and write of pages, REST, agents and commands goes through it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from state.errors import Invalid, Unavailable
from state.manager.announcing import Announce
from state.manager.compacting import compact
from state.manager.jobs import plain
from state.manager.parking import Parking
from state.manager.querying import Reading
from state.manager.recording import Record
from state.manager.settings import GLOBAL_SPACE
from state.manager.writing import Writing
from state.policy import Caller, system
from state.refusals import NotPermitted
from state.values import (
    DURABLE,
    EventType,
    StateEvent,
    StateMetrics,
)

logger = logging.getLogger(__name__)


@contextmanager
def _one_space(space: str) -> Iterator[None]:
    """What goes wrong in one space is no reason to leave the others undone."""
    try:
        yield
    except Unavailable as error:
        logger.warning("the chores of %s wait: %s", space, error)
    except Exception:
        logger.exception("the chores of %s failed", space)


class StateManager(Writing, Reading, Parking):
    """Reads and writes the states of all spaces of one store. Thread-safe; one per process and store.

    All methods may raise StateNotFound for what the caller may not see, NotPermitted for what it may see and not do,
    and Unavailable when the store is away. It must not be called inside a database transaction of the caller's.
    """

    def tick(self) -> None:
        """Apply what the journals still hold (StateManagerConfig.sync_interval)."""
        for info in self.store.spaces():
            with _one_space(info.id):
                self.journal.drain(info.id)

    def sweep(self) -> dict[str, int]:
        """The rarer chores in all spaces: expiry, overdue conflicts, old outcomes, compaction; how many of each."""
        done = {"expired": 0, "conflicts": 0, "outcomes": 0}
        for info in self.store.spaces():
            with _one_space(info.id):
                done["expired"] += self.keeper.expire(info.id)
                done["conflicts"] += self.keeper.settle_conflicts(info.id)
                done["outcomes"] += self.keeper.forget(info.id)
                self._compact(info.id)
        return done

    def _compact(self, space: str) -> None:
        held = None if self._held is None else self._held(space)
        compact(self.store, space, now=self._clock(), held=held)

    def announce_config(self) -> None:
        """Compare the effective configuration with the one kept in the installation's space; when it differs, keep it
        and fire `config_changed`. Call it once per start of the installation."""
        kept = self.store.config
        # Where the store is may hold a password; the keys of encryption are not in the configuration at all.
        store = msgspec.structs.replace(kept, connection_string="")
        effective = plain(
            {"manager": self.config, "store": store, "limits": self.limits, **self._announced}
        )
        job = Announce(system(GLOBAL_SPACE), effective, config=self.config, limits=self.limits)
        self._carry_out([job])
        job.result_or_raise()

    def record(self, event: StateEvent) -> None:
        """Keep an event that is durable and no change of a state (`sync_failed`) in the audit trail of its space, and
        tell of it. Raises Invalid for one of another kind."""
        if event.type not in DURABLE or not event.space:
            raise Invalid(f"Events of the type {event.type} are not kept.")
        job = Record(event)
        self._carry_out([job])
        job.result_or_raise()

    def drop_space(self, caller: Caller) -> None:
        """Remove the space with everything in it. Raises NotPermitted unless the caller is its admin."""
        if not caller.admin:
            raise NotPermitted(extra={"required": "admin"})
        self._spaces.discard(caller.space)
        self.store.drop_space(caller.space)
        if self._poke is not None:  # those who follow it find out when they look
            self._poke(caller.space, 0, ())

    def get_metrics(self) -> StateMetrics:
        """Counters of this process and gauges of the store."""
        return self.counts.read(self.store.counts())

    def close(self) -> None:
        """Stop the journal, the bus and the store; idempotent."""
        self._publish(StateEvent(type=EventType.SYSTEM_SHUTDOWN, timestamp=self._clock()))
        self.journal.close()
        self.bus.close()
        self.store.close()
