"""What waits in a journal as people and agents see it: one request shows as one item for each of its operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from state.values.records import OpRecord
from state.values.states import Operation, PendingOperation

#: Pending operations shown with a state, at most.
SHOWN: Final = 100


def pending_of(record: OpRecord) -> list[PendingOperation]:
    """The operations of a request that waits, in its order; none once it is settled."""
    request: Mapping[str, object] = record.request or {}
    ops = msgspec.convert(request.get("ops", ()), tuple[Operation, ...])
    return [
        PendingOperation(
            id=record.op_id,
            type=op.op,
            key=op.path,
            value=None if op.value is msgspec.UNSET else op.value,
            timestamp=record.at,
            agent_id=record.agent,
            retry=record.retry,
            status=record.status,
        )
        for op in ops
    ]
