"""What would become of two writes that meet, under settings that nobody has saved."""

from __future__ import annotations

import msgspec

from state import jsonvalue
from state.conflicts.deciding import decide
from state.conflicts.decisions import Decision
from state.conflicts.detector import ConflictDetector
from state.values import Entry, EntryKind, Incoming, Json, SharedState

#: Who writes first and who second in a rehearsal.
FIRST, SECOND = "agent:first", "agent:second"


def rehearse(
    state: SharedState,
    base: dict[str, Json],
    first: dict[str, Json],
    second: dict[str, Json],
    detector: ConflictDetector,
) -> Decision:
    """Two writers began with `base`; one has made `first` of it already, now comes the other with `second`.

    Of the state only its settings matter. Raises what `decide` raises.
    """
    head = msgspec.structs.replace(state, data=first, version=2)
    entry = Entry(
        space=state.space,
        state_id=state.id,
        uid=state.uid,
        version=2,
        kind=EntryKind.UPDATE,
        agent=FIRST,
        ops=jsonvalue.diff(base, first),
        at=state.timestamp,
    )
    incoming = Incoming(
        state_id=state.id,
        agent=SECOND,
        op_id="rehearsal",
        ops=jsonvalue.diff(base, second),
        at=state.timestamp,
        base_version=1,
        base_data=base,
        since=(entry,),
    )
    return decide(incoming, head, detector)
