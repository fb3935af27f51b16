"""How much history is given up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from state.persistence.base import PersistenceLayer
from state.values import SpaceInfo

#: History that subscribers still need is kept up to so many times `min_entries` revisions.
PATIENCE: Final = 10


def compact(
    store: PersistenceLayer,
    space: str,
    *,
    floor: int | None = None,
    now: datetime | None = None,
    held: int | None = None,
) -> SpaceInfo:
    """Give up history up to and including the revision `floor`.

    By default what is older than the longest retention that is configured, but never the last `min_entries`
    revisions. The log is the space's, so the longest retention holds for all types of states in it. What follows the
    revision `held` somebody still needs: it stays as well, unless there is ten times `min_entries` of history.
    """
    info = store.open_space(space)
    if floor is None:
        kept = store.config.retention
        if not kept:
            return info
        old = store.oldest_within(space, (now or datetime.now(UTC)) - max(kept.values()))
        floor = min(info.revision - store.config.min_entries, old)
        size = info.revision - info.compact_revision
        if held is not None and size <= PATIENCE * store.config.min_entries:
            floor = min(floor, held)
    floor = min(floor, info.revision)
    return store.compact(space, floor) if floor > info.compact_revision else info
