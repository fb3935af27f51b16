"""Reading on in a space's log and audit trail from a cursor, whatever has become of the history meanwhile."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from state.bus.events_of import event_of, event_of_audit
from state.bus.letters import Cursor
from state.persistence.base import PersistenceLayer
from state.refusals import Compacted, SpaceNotFound
from state.values import Entry, LogPage, SpaceInfo, StateEvent

logger = logging.getLogger(__name__)

#: Entries, and audit records, per read.
PAGE: Final = 500


class Batch(NamedTuple):
    """What was read: each event with the cursor that holds once it is dealt with, and the one after all of them."""

    steps: list[tuple[StateEvent, Cursor]]
    cursor: Cursor
    more: bool


def head_of(info: SpaceInfo, name: str = "") -> Cursor:
    """Where the space ends now."""
    return Cursor(
        name=name, space=info.id, revision=info.revision, audit=info.audit, epoch=info.epoch
    )


def behind(cursor: Cursor | None, info: SpaceInfo) -> bool:
    """Whether the space has moved away from the cursor."""
    return cursor is None or cursor != head_of(info, cursor.name)


def read(store: PersistenceLayer, cursor: Cursor, limit: int = PAGE) -> Batch:
    """The events after the cursor.

    Of another epoch than the cursor's, all that can still be read; past what was compacted, all that is left. Both
    are told by a logged warning. A space that is gone reads as empty.
    """
    try:
        cursor, page = _page(store, cursor, limit)
    except SpaceNotFound:
        return Batch([], cursor, more=False)
    # The audit trail may have grown since the page was read; what is new in it is read then or next time.
    trail = (
        store.read_audit(cursor.space, after=cursor.audit, limit=limit)
        if page.space.audit > cursor.audit
        else []
    )
    told = ((event_of_audit(cursor.space, each), {"audit": each.n}) for each in trail)
    steps = []
    # Each of the two keeps its own order; between them time is the best there is.
    for event, progress in heapq.merge(
        told, _progress(page.entries, cursor.revision), key=lambda each: each[0].timestamp
    ):
        cursor = replace(cursor, **progress)
        steps.append((event, cursor))
    if not page.more:
        cursor = replace(cursor, revision=page.space.revision)
    return Batch(steps, cursor, more=page.more or (cursor.audit < page.space.audit and bool(trail)))


def _page(store: PersistenceLayer, cursor: Cursor, limit: int) -> tuple[Cursor, LogPage]:
    """A page, and the cursor that it really continues."""
    while True:
        try:
            page = store.read_log(cursor.space, after=cursor.revision, limit=limit)
            info = page.space
        except Compacted:
            page, info = None, store.open_space(cursor.space)
        if cursor.epoch not in ("", info.epoch):
            logger.warning(
                "the history of a space was replaced; reading it from its beginning",
                extra={"space": info.id, "handler": cursor.name, "epoch": info.epoch},
            )
        elif page is not None:
            return replace(cursor, epoch=info.epoch), page
        elif cursor.epoch:
            logger.warning(
                "revisions %d to %d of a space were compacted before they were read",
                cursor.revision + 1,
                info.compact_revision,
                extra={"space": info.id, "handler": cursor.name},
            )
        audit = cursor.audit if cursor.epoch == info.epoch else 0
        cursor = replace(cursor, revision=info.compact_revision, audit=audit, epoch=info.epoch)


def _progress(
    entries: tuple[Entry, ...], revision: int
) -> Iterator[tuple[StateEvent, dict[str, Any]]]:
    """Each entry's event, with the last revision that is wholly dealt with after it."""
    for entry, following in zip_longest(entries, entries[1:]):
        if following is None or following.revision != entry.revision:
            revision = entry.revision
        yield event_of(entry), {"revision": revision}
