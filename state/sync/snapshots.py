"""States of a space as they stand, for those who begin or have to begin anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from state.persistence.base import PersistenceLayer
from state.policy import Caller
from state.refusals import SpaceNotFound
from state.sync.filters import Filter
from state.sync.policies import sees
from state.sync.protocol import Snap, SnapState
from state.sync.protocol.limits import PART
from state.values import Filters, SharedState, SpaceInfo

#: States read at once.
PAGE: Final = 1000


class Snapshot(msgspec.Struct, frozen=True):
    """The states are those of `revision` or later; with all changes up to `consistent` they are those of that one."""

    epoch: str
    revision: int
    consistent: int
    states: tuple[SharedState, ...]


def standing(store: PersistenceLayer, space: str) -> SpaceInfo:
    """Where the space stands; unlike `open_space` this makes none. Raises SpaceNotFound."""
    for each in store.spaces():
        if each.id == space:
            return each
    raise SpaceNotFound


def read(store: PersistenceLayer, caller: Caller, wanted: Filter) -> Snapshot:
    """What of the filter the caller may read; deleted states are not in it. One read for ids, one per page of 1,000
    states for each prefix."""
    info = standing(store, caller.space)
    found: dict[str, SharedState] = {}
    reached = info.revision
    if wanted.ids:
        found |= store.load_states(caller.space, wanted.ids)
    for prefix in wanted.prefixes:
        after = ""
        while True:
            filters = Filters(prefix=prefix)
            page = store.list_states(caller.space, filters, limit=PAGE, after=after, with_data=True)
            reached = max(reached, page.revision)
            found |= {each.id: each for each in page.states}
            after = page.next
            if not after:
                break
    seen = [each for each in found.values() if not each.deleted and sees(each, caller)]
    # A state that changed after the first look is newer than `revision`.
    reached = max([reached, *(each.revision for each in found.values())])
    one_read = len(wanted.prefixes) + bool(wanted.ids) == 1 and len(found) <= PAGE
    return Snapshot(
        info.epoch, reached if one_read else info.revision, reached, tuple(sorted(seen, key=_id))
    )


def _id(state: SharedState) -> str:
    return state.id


def snap_state(state: SharedState) -> SnapState:
    """The state as subscribers get it."""
    return SnapState(
        state.id, state.uid, state.version, state.revision, state.data, state.hash, state.frozen
    )


def parts(sub: int, revision: int, states: Iterable[SharedState]) -> Iterator[Snap]:
    """The frames of a snapshot: at least one, the last one marked."""
    part, size, number = list[SnapState](), 0, 1
    for state in states:
        shown = snap_state(state)
        length = len(msgspec.json.encode(shown))
        if part and size + length > PART:
            yield Snap(sub=sub, part=number, last=False, rev=revision, states=tuple(part))
            part, size, number = [], 0, number + 1
        part.append(shown)
        size += length
    yield Snap(sub=sub, part=number, last=True, rev=revision, states=tuple(part))
