"""From settings to this process's managers of states and of syncing, and to whoever knows the members of spaces."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary

import msgspec
from django.conf import settings
from django.utils.module_loading import import_string

from state import fanout
from state.bus import LogEventBus
from state.bus.database import DatabaseCursorStore
from state.manager import StateManager
from state.models import Connection
from state.persistence import new_persistence_layer
from state.persistence.keyring import Keyring
from state.policy import Caller, system
from state.refusals import ConfigInvalid, NotPermitted
from state.sync import pool, sessions
from state.sync.feed import space_topic as space_topic
from state.sync.manager import StateSyncManager
from state.sync.metrics import counts
from state.sync.tasks import Waking
from state.threads import in_thread
from state.values import (
    Limits,
    PersistenceConfig,
    PersistenceType,
    StateManagerConfig,
    SyncConfig,
    SyncMetrics,
)

T = TypeVar("T")

#: Webhooks that one process sends to at once.
WEBHOOK_THREADS: Final = 8

_lock = threading.Lock()
_manager: StateManager | None = None
_sync_manager: StateSyncManager | None = None
_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, pool.Pool] = WeakKeyDictionary()


class Directory(pool.Directory, Protocol):
    """Knows people, and who belongs to which space; given by the app that owns the spaces
    (settings.STARS_STATE_DIRECTORY)."""

    def caller(self, user: Any, space: str, *, agent: str = "") -> Caller:
        """Who `user` is in `space`; with `agent`, in the name of that member.

        Raises SpaceNotFound when the user may not see the space, NotPermitted when it may not act for that agent.
        """

    def spaces(self, user: Any) -> list[str]:
        """The spaces that the user may see, by id."""

    def administered(self, user: Any) -> list[str]:
        """Those of them in which the user has every right. A constant number of queries."""


def directory() -> Directory:
    """The directory of this installation."""
    return cast(Directory, import_string(settings.STARS_STATE_DIRECTORY)())


def persistence_config() -> PersistenceConfig:
    """Where states are kept. Raises ConfigInvalid naming the setting."""
    return _converted(settings.STARS_STATES, PersistenceConfig, "STARS_STATES")


def manager_config() -> StateManagerConfig:
    """How states are managed. Raises ConfigInvalid naming the setting."""
    kind = persistence_config().type
    given = {**settings.STARS_STATE_MANAGER, "persistence_type": kind}
    return _converted(given, StateManagerConfig, "STARS_STATE_MANAGER")


def sync_config() -> SyncConfig:
    """How syncing is done. Raises ConfigInvalid naming the setting."""
    return _converted(settings.STARS_STATE_SYNC, SyncConfig, "STARS_STATE_SYNC")


def keyring() -> Keyring:
    """The keys of encryption at rest. Raises ConfigInvalid, never naming a key."""
    return Keyring.parse(settings.STARS_STATE_KEYS)


def manager() -> StateManager:
    """This process's StateManager, made at first use."""
    global _manager
    if _manager is None:
        with _lock:
            if _manager is None:
                _manager = make_manager()
                counts.convergence = _manager.counts.convergence
                atexit.register(close_manager)
    return _manager


def make_manager() -> StateManager:
    """A StateManager over the configured store, with a bus over its logs: handlers hear what other processes wrote."""
    config = manager_config()
    kept = persistence_config()
    if not config.enable_persistence:
        kept = msgspec.structs.replace(kept, type=PersistenceType.MEMORY)
    store = new_persistence_layer(kept, keyring())
    bus = LogEventBus(store, DatabaseCursorStore(store.codec))
    waking = Waking()

    def poke(space: str, revision: int, states: tuple[str, ...]) -> None:
        bus.wake(space)
        _poke(space, revision, states)
        waking.changed(space)

    return StateManager(
        config,
        bus,
        store,
        limits=Limits(),
        poke=poke,
        held=sessions.floor,
        announced={"sync": sync_config()},
    )


def sync_manager() -> StateSyncManager:
    """This process's StateSyncManager, made at first use over its manager of states."""
    global _sync_manager
    kept, found = manager(), _sync_manager
    if found is None or found.states is not kept:
        found = _sync_manager = StateSyncManager(
            kept,
            kept.bus,
            sync_config(),
            callers=caller_of,
            allowed=tuple(settings.STARS_WEBHOOK_ALLOWED),
            threads=WEBHOOK_THREADS,
        )
    return found


def caller_of(connection: Connection) -> Caller:
    """Who acts through a connection, by what its user and agent are now. Raises as `Directory.caller`, and
    NotPermitted when that is no longer who connected."""
    if connection.user_id is None and connection.agent == "system":
        return system(connection.space)
    agent = connection.agent if connection.agent.startswith("agent:") else ""
    caller = directory().caller(connection.user, connection.space, agent=agent)
    if caller.name != connection.agent:
        raise NotPermitted("Whoever made this connection may not act for its agent any more.")
    return caller


def sync_metrics() -> SyncMetrics:
    """What this process's sync engine counts, with gauges of sessions and tasks."""
    return sync_manager().get_metrics()


def sync_pool() -> pool.Pool:
    """The sync sockets of the running event loop, over this process's manager."""
    loop, kept = asyncio.get_running_loop(), manager()
    found = _pools.get(loop)
    if found is None or found.manager is not kept:
        if found is not None:
            found.close()
        found = _pools[loop] = pool.Pool(kept, sync_config(), directory())
    return found


async def opened_sync_pool() -> pool.Pool:
    """`sync_pool()`, for whoever may be the first in this process to use the store: opening it blocks."""
    if _manager is None:
        await in_thread(manager)()
    return sync_pool()


async def drain_sync() -> None:
    """The process ends: close the sync sockets of the running loop, so that their clients come back elsewhere."""
    found = _pools.get(asyncio.get_running_loop())
    if found is not None:
        await found.drain()


def close_manager() -> None:
    """Close this process's manager, if any; the next call of `manager()` makes a new one."""
    global _manager, _sync_manager
    with _lock:
        closing, _manager = _manager, None
        syncing, _sync_manager = _sync_manager, None
    if syncing is not None:
        syncing.close()
    if closing is not None:
        atexit.unregister(close_manager)
        closing.close()


def _poke(space: str, revision: int, states: tuple[str, ...]) -> None:
    """Tell whoever looks at the space to look again (the frame of `/ws/v1/live/`)."""
    topic = space_topic(space)
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    frame = {
        "type": "poke",
        "topic": topic,
        "what": "states",
        "at": at,
        "revision": revision,
        "states": list(states),
    }
    fanout.hub().publish([fanout.Outgoing(topic, msgspec.json.encode(frame), revision, revision)])


def _converted(given: Any, kind: type[T], name: str) -> T:
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigInvalid(f"{name}: {error}", fields={name: [str(error)]}) from None


def _after_fork() -> None:
    """A forked child has neither the parent's threads nor its connections: it makes its own manager at first use."""
    global _manager, _sync_manager, _lock
    _manager, _sync_manager, _lock = None, None, threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
