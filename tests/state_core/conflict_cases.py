"""Writes and the states they meet, made in a few words: a head, what others did since the base, and what comes in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from state import jsonvalue
from state.conflicts import Apply, ConflictDetector, Decision, Park, Refuse, decide
from state.values import (
    ConflictInfo,
    ConflictResolution,
    Entry,
    EntryKind,
    Incoming,
    Json,
    Operation,
    OperationType,
    SharedState,
)

UID = "6f1c1f0c4b6e4a56b3c5f2a90d3a7e11"
OTHER_UID = "0b9f0a64f5d04a3d8b62f3a2a9a1c0de"
AT = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
LATER = datetime(2031, 5, 4, 9, 0, 0, tzinfo=UTC)
#: The version that writers in these tests have seen.
BASE = 7
REJECT, MERGE = ConflictResolution.REJECT, ConflictResolution.MERGE
LAST_WRITE, CUSTOM = ConflictResolution.LAST_WRITE, ConflictResolution.CUSTOM


def put(path: str, value: Json) -> Operation:
    return Operation(OperationType.SET, path, value)


def drop(path: str) -> Operation:
    return Operation(OperationType.DELETE, path)


def patch(path: str, value: Json) -> Operation:
    return Operation(OperationType.MERGE, path, value)


def cas(path: str, value: Json, **condition: Any) -> Operation:
    return Operation(OperationType.CAS, path, value, **condition)


def write(*ops: Operation, by: str = "agent:w2", op_id: str = "", **more: Any) -> Entry:
    """An entry that somebody else committed; `Case` numbers them."""
    return Entry(
        space="crew",
        state_id="plan",
        uid=more.pop("uid", UID),
        version=0,
        kind=more.pop("kind", EntryKind.UPDATE),
        agent=by,
        op_id=op_id,
        ops=ops,
        at=AT,
        **more,
    )


class Case:
    """A state at version 7 with `base`, what others committed after it, and a write that had seen version 7."""

    def __init__(self, base: dict[str, Json], *entries: Entry, **settings: Any) -> None:
        data = base
        since = []
        for number, entry in enumerate(entries, start=BASE + 1):
            since.append(msgspec.structs.replace(entry, version=number))
            data = jsonvalue.apply(data, entry.ops)
        self.base = base
        self.since = tuple(since)
        given: dict[str, Any] = {
            "resolution": REJECT,
            "version": BASE + len(entries),
            "uid": UID,
        }
        given |= settings
        self.head = SharedState(
            id="plan", space="crew", data=data, timestamp=AT, created_at=AT, **given
        )

    def incoming(self, *ops: Operation, **more: Any) -> Incoming:
        stale = bool(self.since)
        defaults: dict[str, Any] = {
            "state_id": "plan",
            "agent": "agent:w1",
            "op_id": "op-1",
            "at": LATER,
            "base_version": BASE,
            "base_data": self.base if stale else None,
            "since": self.since,
        }
        return Incoming(ops=ops, **(defaults | more))

    def decide(
        self, *ops: Operation, detector: ConflictDetector | None = None, **more: Any
    ) -> Decision:
        return decide(self.incoming(*ops, **more), self.head, detector or ConflictDetector())

    def find(self, *ops: Operation, **more: Any) -> ConflictInfo | None:
        return ConflictDetector().detect_conflict(self.incoming(*ops, **more), self.head)

    def detect(self, *ops: Operation, **more: Any) -> ConflictInfo:
        """The conflict; there is one."""
        return present(self.find(*ops, **more))


def present(conflict: ConflictInfo | None) -> ConflictInfo:
    """The conflict; there is one."""
    assert conflict is not None
    return conflict


def applied(decision: Decision) -> Apply:
    """The decision is to commit; its operations replay to its data."""
    assert isinstance(decision, Apply), decision
    return decision


def refused(decision: Decision) -> Refuse:
    assert isinstance(decision, Refuse), decision
    return decision


def parked(decision: Decision) -> Park:
    assert isinstance(decision, Park), decision
    return decision


def told(conflict: ConflictInfo | None) -> list[tuple[str, str, str]]:
    """(type, kind, path) of all causes, in order."""
    return [(str(each.type), each.kind, each.path) for each in present(conflict).causes]


def replays(case: Case, decision: Apply) -> bool:
    """Whether the operations for the log lead from the head to the new document."""
    return jsonvalue.json_equal(jsonvalue.apply(case.head.data, decision.ops), decision.data)
