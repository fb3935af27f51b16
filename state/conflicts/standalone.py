"""A conflict's own states as a write, for whoever settles a conflict without having the request."""

from __future__ import annotations

from state import jsonvalue
from state.refusals import Unresolved
from state.values import ConflictInfo, Entry, EntryKind, Incoming, SharedState


def incoming_of(conflict: ConflictInfo, current: SharedState) -> Incoming:
    """A write that leads from the conflict's base to its incoming state, while another one led to `current`.

    Without a base both sides count as having made all of theirs. Raises Unresolved when nothing came in.
    """
    wanted = conflict.states.get("incoming")
    if wanted is None:
        raise Unresolved("The conflict does not say what was to be written.")
    base = conflict.states.get("base")
    before = base.data if base is not None else {}
    mine = [op for op in conflict.operations if op.agent_id]
    theirs = next((cause.by for cause in conflict.causes if cause.by), "")
    return Incoming(
        state_id=current.id,
        agent=mine[0].agent_id if mine else "",
        op_id=mine[0].id if mine else "",
        ops=jsonvalue.diff(before, wanted.data),
        at=wanted.timestamp,
        base_version=current.version - 1,
        base_data=before,
        since=(
            Entry(
                space=current.space,
                state_id=current.id,
                uid=current.uid,
                version=current.version,
                kind=EntryKind.UPDATE,
                agent=theirs,
                ops=jsonvalue.diff(before, current.data),
                at=current.timestamp,
            ),
        ),
    )
