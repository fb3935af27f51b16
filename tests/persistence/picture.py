"""A space with something of everything in it, and all that its layer can tell of it, to be compared."""

from __future__ import annotations

from typing import Any

import msgspec

from state.persistence.base import SNAPSHOT_EVERY, PersistenceLayer
from state.values import ConflictStatus, EntryKind, Filters
from tests.persistence.build import (
    SPACE,
    a_conflict,
    a_tx,
    a_write,
    an_audit,
    an_op,
    commit,
    grow,
    put,
    whole_log,
)


def rich(layer: PersistenceLayer, space: str = SPACE) -> None:
    """Fill the space: states old and young, a tombstone, a second life, snapshots, a floor, a journal, conflicts."""
    layer.open_space(space)
    grow(layer, until=SNAPSHOT_EVERY + 6, space=space)
    put(layer, a_write("港/🚢", {"群": ["星", None, {}, []]}, space=space), space=space)
    put(layer, a_write("gone", space=space), a_write("phoenix", space=space), space=space)
    layer.delete_state(space, "gone", expect=1)
    layer.delete_state(space, "phoenix")
    reborn = a_write("phoenix", expect=2, kind=EntryKind.CREATE, uid="second", space=space)
    put(layer, reborn, space=space)
    layer.compact(space, SNAPSHOT_EVERY - 4)
    grow(layer, "young", until=3, space=space)
    layer.note_retry(layer.enqueue(an_op("waits", space=space)), "away")
    layer.enqueue(an_op("waits too", space=space, state_id="young", agent="human:ada"))
    settled = a_conflict(
        "c-2", space=space, status=ConflictStatus.RESOLVED, resolved_by="human:ada"
    )
    commit(
        layer,
        a_tx(
            a_write("young", {"long": "hay " * 500}, expect=3, space=space),
            op=an_op("done", settled=True, space=space),
            conflicts=(a_conflict(space=space, state_id="young"), settled),
            audit=(an_audit(1, space=space), an_audit(2, space=space)),
        ),
        space=space,
    )


def picture(layer: PersistenceLayer, space: str = SPACE) -> dict[str, Any]:
    """Everything that can be read of the space but its epoch."""
    info = layer.open_space(space)
    pages = [
        layer.list_states(space, Filters(deleted=deleted), limit=1000, with_data=True)
        for deleted in (False, True)
    ]
    ids = [state.id for page in pages for state in page.states]
    states = layer.load_states(space, ids)
    return {
        "info": msgspec.structs.replace(info, epoch=""),
        "pages": pages,
        "states": states,
        "history": {key: layer.history(space, key, limit=1000) for key in ids},
        "data": {
            (key, version): layer.data_at(space, key, version)
            for key, state in states.items()
            for version in range(state.compacted_version, state.version + 1)
        },
        "log": whole_log(layer, after=info.compact_revision, space=space),
        "queued": layer.queued(space),
        "done": layer.find_op(space, "agent:wim", "done"),
        "conflicts": layer.conflicts(space),
        "audit": layer.read_audit(space, after=0, limit=1000),
        "counts": layer.counts(space),
    }


def called_anew(seen: Any, known: dict[str, str] | None = None) -> Any:
    """A picture as plain values, its uids numbered in the order of what they belong to: a restore gives others."""
    known = {} if known is None else known
    if isinstance(seen, msgspec.Struct):
        seen = msgspec.structs.asdict(seen)
    if isinstance(seen, list | tuple):
        return [called_anew(each, known) for each in seen]
    if not isinstance(seen, dict):
        return seen
    return {
        key: known.setdefault(each, f"life {len(known) + 1}")
        if key == "uid" and each
        else called_anew(each, known)
        for key, each in sorted(seen.items())
    }
