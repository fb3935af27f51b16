"""What is new for a reader who asks, instead of following: entries after a token, or a snapshot where that must be."""

from __future__ import annotations

import msgspec

from state.manager import StateManager
from state.persistence.base import PersistenceLayer
from state.policy import Caller
from state.refusals import Compacted
from state.sync import snapshots, tokens
from state.sync.filters import Filter
from state.sync.policies import Policies
from state.sync.protocol import ResetReason, WireEntry
from state.sync.ring import revisions_of, wire
from state.sync.selecting import Reader, turn
from state.values import LogPage, SharedState


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Whole revisions up to `revision`, to which `token` belongs.

    `snapshot`: `states` are all there are, and replace what was known; else they are taken over beside `entries`,
    after them, for the reader may see them only now. `more`: there is more than this.
    """

    revision: int
    token: str
    entries: tuple[WireEntry, ...] = ()
    states: tuple[SharedState, ...] = ()
    snapshot: bool = False
    more: bool = False
    reset: ResetReason | None = None


def read_changes(
    manager: StateManager,
    caller: Caller,
    wanted: Filter,
    token: str | None,
    limit: int,
    *,
    until: int | None = None,
) -> Changes:
    """What the caller may see of the filter after the token (None: a snapshot), about `limit` entries, none of them
    after the revision `until`. Raises BadToken."""
    store, reader = manager.store, Reader(caller, wanted)
    if token is None:
        return _snapshot(store, reader, None)
    place = tokens.decode(token)
    info = store.open_space(caller.space)
    if place.epoch != info.epoch:
        return _snapshot(store, reader, "epoch")
    if place.filter_hash != tokens.filter_hash(wanted, caller):
        return _snapshot(store, reader, "filter")
    if place.revision > info.revision:
        return _snapshot(store, reader, "future")
    try:
        page = store.read_log(caller.space, after=place.revision, limit=limit)
    except Compacted:
        return _snapshot(store, reader, "compacted")
    if page.space.epoch != place.epoch:
        return _snapshot(store, reader, "epoch")
    return _following(store, reader, place, page, until)


def _following(
    store: PersistenceLayer, reader: Reader, place: tokens.Token, page: LogPage, until: int | None
) -> Changes:
    """What of a page of the log is for the reader."""
    revisions = revisions_of(page.entries)
    if until is not None:
        revisions = [each for each in revisions if each.number <= until]
    ids = {entry.state_id for each in revisions for entry in each.entries}
    found = store.load_states(reader.caller.space, ids)
    policies = Policies()
    policies.put(found.values())
    turned = turn(revisions, reader, policies)
    granted: frozenset[str] = frozenset()
    if turned is not None:
        if turned.lost:
            return _snapshot(store, reader, "filter")
        granted = turned.granted
        revisions = [each for each in revisions if each.number <= turned.revision]
    reached = revisions[-1].number if revisions else place.revision
    entries = [
        wire(entry)
        for each in revisions
        for entry in each.entries
        if entry.state_id not in granted and reader.picks(entry, policies)
    ]
    states = [
        found[each]
        for each in sorted(granted & found.keys())
        if not found[each].deleted and policies.sees(reader.caller, each, found[each].uid)
    ]
    return Changes(
        revision=reached,
        token=tokens.encode(msgspec.structs.replace(place, revision=reached)),
        entries=tuple(entries),
        states=tuple(states),
        more=reached < page.space.revision,
    )


def _snapshot(store: PersistenceLayer, reader: Reader, reset: ResetReason | None) -> Changes:
    found = snapshots.read(store, reader.caller, reader.wanted)
    filtered = tokens.filter_hash(reader.wanted, reader.caller)
    return Changes(
        revision=found.revision,
        token=tokens.encode(tokens.Token(found.epoch, found.revision, filtered)),
        states=found.states,
        snapshot=True,
        more=found.consistent > found.revision,
        reset=reset,
    )
