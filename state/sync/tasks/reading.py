"""What is new for webhooks: pages of the engine (`state.sync.changes`), for workers, who have no event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from state.manager import StateManager
from state.policy import Caller
from state.sync import tokens
from state.sync.changes import LATE, Changes, changes
from state.sync.filters import Filter
from state.sync.loop import Loop
from state.sync.protocol import ResetReason, SnapState, WireEntry
from state.sync.standing import Standing
from state.values import SyncConfig

if TYPE_CHECKING:
    from state.sync.pool import Identity, Pool

#: Seconds in which a page must be there; one that begins anew is read twice.
PATIENCE: Final = 2 * LATE + 5.0
_entry: Final = msgspec.json.Decoder(WireEntry)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Everything up to `token`. As in `Changes`, `states` are taken over before `entries`, and with `snapshot` replace
    what was known; `reset` tells why, unless that was asked for."""

    token: str
    entries: tuple[WireEntry, ...] = ()
    states: tuple[SnapState, ...] = ()
    snapshot: bool = False
    #: Whether there is more than this; and whether it says that there is not.
    more: bool = False
    synced: bool = False
    reset: ResetReason | None = None

    @property
    def revision(self) -> int:
        """The place of its token."""
        return tokens.decode(self.token).revision

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return not (self.snapshot or self.states or self.entries)

    def until(self, revision: int, *, synced: bool) -> Page:
        """The page as it was while there was nothing after that revision, if nothing else has changed."""
        place = tokens.decode(self.token)
        if place.revision < revision:
            return self
        return msgspec.structs.replace(
            self,
            token=tokens.encode(msgspec.structs.replace(place, revision=revision)),
            entries=tuple(each for each in self.entries if each.rev <= revision),
            more=self.more or place.revision > revision,
            synced=synced,
        )


class Reading:
    """Reads for one process. Thread-safe; blocks."""

    def __init__(self, manager: StateManager, config: SyncConfig) -> None:
        self._manager, self._config = manager, config
        self._loop = Loop("state-reading")
        self._pool: Pool | None = None

    def page(self, caller: Caller, wanted: Filter, token: str | None, limit: int) -> Page:
        """What the caller may see of the filter after the token, about `limit` entries; without a token, or where it
        does not lead on, a snapshot. Raises BadToken, Unavailable."""
        return self._loop.run(lambda: self._page(caller, wanted, token, limit), PATIENCE)

    def close(self) -> None:
        """Read nothing more; idempotent."""
        self._loop.close()

    async def _page(self, caller: Caller, wanted: Filter, token: str | None, limit: int) -> Page:
        if self._pool is None:
            from state.sync.pool import Pool  # it carries out writes, which know sync tasks

            self._pool = Pool(self._manager, self._config, _Nobody())
        reader = _Reader(self._pool, caller)
        found = await changes(reader, wanted, token, limit=limit)
        reset = found.reset
        if reset is not None:
            found = await changes(reader, wanted, None, limit=limit)
        return _page_of(found, reset)


def _page_of(found: Changes, reset: ResetReason | None) -> Page:
    return Page(
        token=found.token,
        entries=tuple(map(_entry.decode, found.entries)),
        states=found.states,
        snapshot=found.snapshot,
        more=found.more,
        synced=not found.more,
        reset=reset,
    )


class _Reader(Standing):
    """Somebody who was looked up just now, and reads one page."""

    def __init__(self, pool: Pool, caller: Caller) -> None:
        super().__init__(pool, None, caller.space)
        self.caller = caller

    @property
    def is_due(self) -> bool:
        """Never: before the next page it is looked up again."""
        return False

    async def wait(self, seconds: float) -> None:
        """Until there are news, or for so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.news.wait()
        self.news.clear()


class _Nobody:
    """The directory of a pool to which no sockets come."""

    def caller(self, user: Any, space: str, *, agent: str = "") -> Caller:
        """Nobody asks."""
        raise LookupError(space)

    async def identify(
        self, headers: Iterable[tuple[bytes, bytes]], session_key: str | None
    ) -> Identity | None:
        """Nobody is signed in."""
        return None

    def topics(self, space: str) -> tuple[str, ...]:
        """Nothing is to be heard."""
        return ()

    def concerns_rights(self, payload: bytes) -> bool:
        """Nothing does."""
        return False
