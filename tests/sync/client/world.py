"""A space as a server has it, without one: states, their log, and the frames that tell of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from state import jsonvalue
from state.sync.client.replica import Replica
from state.sync.protocol import Delta, Mark, Reset, Snap, SnapState, WireEntry
from state.values import EntryKind, Json, Operation, OperationType

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
Data = dict[str, Json]


def shown(replica: Replica) -> dict[str, Data]:
    """The data that a replica shows."""
    return {name: state.data for name, state in replica.states.items()}


class World:
    """One space and the whole of its history; every revision is one entry, unless `commit` is given several."""

    def __init__(self) -> None:
        self.epoch = "e1"
        self.floor = 0
        self.log: list[tuple[WireEntry, ...]] = []
        self.states: dict[str, SnapState] = {}
        #: The data of all states at each revision.
        self.history: list[dict[str, Data]] = [{}]
        self._versions: dict[str, int] = {}
        self._lives = 0

    @property
    def head(self) -> int:
        return len(self.log)

    def put(self, state: str, data: Data) -> WireEntry:
        """Create the state or give it other data, as one revision."""
        return self.commit([(state, data)])[0]

    def delete(self, state: str) -> WireEntry:
        return self.commit([(state, None)])[0]

    def commit(
        self, changes: Iterable[tuple[str, Data | None]], op_id: str = ""
    ) -> list[WireEntry]:
        """Several states in one revision; None deletes."""
        entries = [self._entry(state, data, op_id) for state, data in changes]
        self.log.append(tuple(entries))
        self.history.append({each.id: each.data for each in self.states.values()})
        return entries

    def _entry(self, state: str, data: Data | None, op_id: str) -> WireEntry:
        before = self.states.get(state)
        pv = self._versions.get(state, 0)
        v = self._versions[state] = pv + 1
        rev = self.head + 1
        if before is None:
            self._lives += 1
            uid, kind = f"u{self._lives}", EntryKind.CREATE
            ops: tuple[Operation, ...] = (Operation(OperationType.SET, "", data),)
        elif data is None:
            uid, kind, ops = before.uid, EntryKind.DELETE, ()
        else:
            uid, kind, ops = before.uid, EntryKind.UPDATE, jsonvalue.diff(before.data, data)
        h = "" if data is None else jsonvalue.digest(data)
        if data is None:
            del self.states[state]
        else:
            self.states[state] = SnapState(state, uid, v, rev, data, h)
        return WireEntry(
            id=state,
            uid=uid,
            rev=rev,
            pv=pv,
            v=v,
            kind=kind,
            by="agent:ada",
            at=NOON,
            op_id=op_id,
            ops=ops,
            h=h,
        )

    # -- frames ------------------------------------------------------------------------------

    def token(self, revision: int) -> str:
        return f"{self.epoch}.{revision}"

    def place(self, token: str) -> int | None:
        """The revision that a token stands for; None: it leads nowhere."""
        epoch, _, revision = token.rpartition(".")
        return int(revision) if epoch == self.epoch and int(revision) >= self.floor else None

    def snaps(self, sub: int = 1, size: int = 2) -> list[Snap]:
        """A snapshot in parts of `size` states."""
        states = sorted(self.states.values(), key=lambda each: each.id)
        parts = [states[at : at + size] for at in range(0, len(states), size)] or [[]]
        return [
            Snap(
                sub=sub,
                part=number,
                last=number == len(parts),
                rev=self.head,
                states=tuple(part),
            )
            for number, part in enumerate(parts, 1)
        ]

    def mark(self, prev: int, sub: int = 1, *, synced: bool = True) -> Mark:
        return Mark(sub=sub, prev=prev, rev=self.head, token=self.token(self.head), synced=synced)

    def delta(
        self, prev: int, rev: int, sub: int = 1, *, token: bool = True, synced: bool = True
    ) -> Delta:
        """All entries after `prev` up to `rev`."""
        return Delta(
            sub=sub,
            prev=prev,
            rev=rev,
            token=self.token(rev) if token else "",
            synced=synced,
            entries=tuple(each for entries in self.log[prev:rev] for each in entries),
        )

    def reset(self, sub: int = 1) -> Reset:
        return Reset(sub=sub, reason="compacted", head=self.head)

    def beginning(self, sub: int = 1) -> list[Snap | Mark]:
        """What a new subscription gets."""
        return [*self.snaps(sub), self.mark(self.head, sub)]
