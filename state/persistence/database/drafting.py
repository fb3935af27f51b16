"""The rows of a batch, made before the space is taken: of the numbers that its row gives they say how far from the
last they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from state.models.fields import new_id
from state.persistence.base import SNAPSHOT_EVERY
from state.persistence.database.judging import Head
from state.persistence.database.rows import Rows
from state.values import Committed, Transaction, Write

#: Entries since the last snapshot may outgrow twice the document, but none so small (bytes) that every few changes
#: of a counter would make one.
SMALL: Final = 4096

_replace = msgspec.structs.replace


class Draft:
    """What the transactions that stand will write. Revisions of rows count from the batch's last: that one is 0."""

    def __init__(
        self, rows: Rows, space: str, stand: Sequence[Transaction], heads: dict[str, Head]
    ) -> None:
        self._rows = rows
        self._space = space
        self._stand = stand
        self._heads = heads
        self._start = (0, 0)
        #: Of each state only the last of its versions.
        self.states: list[dict[str, Any]] = []
        self.entries: list[dict[str, Any]] = []
        self.snapshots: list[dict[str, Any]] = []
        self.audit: list[dict[str, Any]] = []
        self.revisions = 0
        self.audits = sum(len(each.audit) for each in stand)
        last = {write.state.id: write for each in stand for write in each.writes}
        for each in stand:
            self.revisions += bool(each.writes)
            for seq, write in enumerate(each.writes):
                self._write(write, seq, is_last=last[write.state.id] is write)
        for row in (*self.states, *self.entries):
            row["revision"] -= self.revisions
        #: Of each conflict only the last.
        self.conflicts = {
            record.conflict_id: rows.conflict(record) for each in stand for record in each.conflicts
        }.values()

    def _write(self, write: Write, seq: int, *, is_last: bool) -> None:
        state, head = write.state, self._heads[write.state.id]
        head.id = head.id or new_id()
        body = self._rows.entry_body(write.entry)
        entry = self._rows.entry(write.entry, body)
        self.entries.append(entry | {"state_id": head.id, "revision": self.revisions, "seq": seq})
        head.delta_bytes += len(body)
        due = state.version % SNAPSHOT_EVERY == 0
        due |= head.delta_bytes > 2 * max(head.bytes, SMALL)
        if not (due or is_last):
            return
        data = self._rows.data(state)
        head.bytes = len(data)
        if due:
            head.delta_bytes = 0
            self.snapshots.append(
                {
                    "space_id": self._space,
                    "state_id": head.id,
                    "version": state.version,
                    "uid": state.uid,
                    "data": data,
                }
            )
        if is_last:
            row = self._rows.state(state, data)
            row |= {"id": head.id, "revision": self.revisions, "delta_bytes": head.delta_bytes}
            self.states.append(row)

    def number(self, revision: int, audit: int) -> None:
        """These are the last numbers that the space gave. Makes the rows of the audit, which are packed with theirs."""
        self._start = (revision - self.revisions, audit - self.audits)
        records = (record for each in self._stand for record in each.audit)
        self.audit = [
            self._rows.audit(self._space, _replace(record, n=n))
            for n, record in enumerate(records, start=self._start[1] + 1)
        ]

    def results(self) -> list[Committed]:
        """What the transactions have come to."""
        revision, audit = self._start
        done: list[Committed] = []
        for each in self._stand:
            revision += bool(each.writes)
            records = tuple(
                _replace(record, n=n) for n, record in enumerate(each.audit, start=audit + 1)
            )
            audit += len(records)
            states = tuple(
                _replace(
                    write.state,
                    revision=revision,
                    compacted_version=self._heads[write.state.id].compacted_version,
                )
                for write in each.writes
            )
            entries = tuple(
                _replace(write.entry, revision=revision, seq=seq)
                for seq, write in enumerate(each.writes)
            )
            done.append(
                Committed(
                    revision=revision if states else 0,
                    states=states,
                    entries=entries,
                    audit=records,
                )
            )
        return done
