"""Committing batches, holding states, and the journal."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from state.errors import Unavailable
from state.persistence.base import SNAPSHOT_EVERY
from state.persistence.redis.core import Core
from state.persistence.redis.keys import op_name
from state.persistence.redis.parts import micros
from state.refusals import Closed, SpaceNotFound, StoreDown
from state.values import (
    AuditRecord,
    Committed,
    Entry,
    Mismatch,
    OpRecord,
    Replayed,
    Result,
    SharedState,
    Transaction,
)

#: How long outcomes are kept under their op_id.
KEEP_OPS: Final = timedelta(hours=24)
#: Bytes of entries that are replayed gladly, however small the document is.
REPLAYED: Final = 32 * 1024
#: A lock whose holder is gone is free after this.
LOCK: Final = timedelta(seconds=5)
#: Seconds between two looks at a lock.
_LOOK: Final = (0.002, 0.01)


class _Held(threading.local):
    """The states that this thread holds, each with the token of its lock."""

    def __init__(self) -> None:
        self.tokens: dict[tuple[str, str], str] = {}


class Writing(Core):
    """What commits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._held = _Held()
        super().__init__(*args, **kwargs)

    def commit(self, space: str, batch: Sequence[Transaction]) -> list[Result]:
        """One script for the whole batch. While somebody else holds one of its states, it waits its turn."""
        ids = {write.state.id for each in batch for write in each.writes}
        held = self._held.tokens
        locks = {key: held[space, key] for key in ids if (space, key) in held}
        packed = self._parts.batch(space, batch, locks)
        keep = int(KEEP_OPS.total_seconds())
        for _ in self._looks():
            with self._call():
                answer = self._change("commit", space, packed, SNAPSHOT_EVERY, REPLAYED, keep)
            if answer[0] == b"absent":
                raise SpaceNotFound
            if answer[0] == b"judged":
                return [self._result(space, *each) for each in zip(batch, answer[1], strict=True)]
        raise StoreDown("Somebody else holds these states; nothing was written.")

    def _result(self, space: str, transaction: Transaction, answer: Sequence[Any]) -> Result:
        if answer[0] == b"mismatch":
            found = iter(answer[1])
            return Mismatch(versions={key.decode(): int(next(found)) for key in found})
        if answer[0] == b"replayed":
            assert transaction.op is not None
            name = op_name(transaction.op.agent, transaction.op.op_id).encode()
            return Replayed(op=self._parts.op(space, name, answer[1]))
        _, position, number, compacted = answer
        revision, first = int(position), int(number) - len(transaction.audit) + 1
        states: list[SharedState] = []
        entries: list[Entry] = []
        for seq, (write, oldest) in enumerate(zip(transaction.writes, compacted, strict=True)):
            states.append(
                msgspec.structs.replace(
                    write.state, revision=revision, compacted_version=int(oldest)
                )
            )
            entries.append(msgspec.structs.replace(write.entry, revision=revision, seq=seq))
        audit: list[AuditRecord] = [
            msgspec.structs.replace(record, n=n)
            for n, record in enumerate(transaction.audit, start=first)
        ]
        return Committed(
            revision=revision, states=tuple(states), entries=tuple(entries), audit=tuple(audit)
        )

    @contextmanager
    def hold(self, space: str, ids: Iterable[str]) -> Iterator[None]:
        """As the contract says. A lock outlives its holder by at most LOCK; whoever holds longer than that may be
        overtaken, and then each of its transactions that writes such a state is a Mismatch."""
        if self._closed:
            raise Closed
        wanted = sorted({key for key in ids if (space, key) not in self._held.tokens})
        if not wanted:
            yield
            return
        token = uuid.uuid4().hex
        self._lock(space, wanted, token)
        self._held.tokens |= {(space, key): token for key in wanted}
        try:
            yield
        finally:
            for key in wanted:
                del self._held.tokens[space, key]
            # What cannot be released now expires.
            with suppress(Unavailable), self._call():
                self._change("release", space, token, *wanted)

    def _lock(self, space: str, ids: Sequence[str], token: str) -> None:
        lasts = LOCK // timedelta(milliseconds=1)
        for _ in self._looks():
            with self._call():
                got = self._change("hold", space, token, lasts, *ids)
            if got == 1:
                return
            if got == -1:
                raise SpaceNotFound
        raise StoreDown("Somebody else holds these states; nothing was written.")

    def _looks(self) -> Iterator[None]:
        """One look after another, until the timeout."""
        until = time.monotonic() + self.config.timeout.total_seconds()
        yield
        while time.monotonic() < until:
            time.sleep(random.uniform(*_LOOK))
            yield

    # -- journal --------------------------------------------------------------------------------------------------

    def enqueue(self, op: OpRecord) -> OpRecord:
        name, packed = op_name(op.agent, op.op_id), self._parts.pack_op(op)
        with self._call():
            answer = self._change("enqueue", op.space, name, str(op.status), op.state_id, packed)
        match answer[0]:
            case b"absent":
                raise SpaceNotFound
            case b"known":
                return self._parts.op(op.space, name.encode(), answer[1])
        return msgspec.structs.replace(op, n=int(answer[1]))

    def note_retry(self, op: OpRecord, error: str) -> None:
        packed = self._parts.pack_error(op, error)
        with self._call():
            self._change("retry", op.space, op_name(op.agent, op.op_id), packed)

    def forget_ops(self, space: str, *, before: datetime) -> int:
        forgotten, looked = 0, self._chunk
        while looked == self._chunk:
            with self._call():
                looked, removed = self._change("forget_ops", space, micros(before), self._chunk)
            forgotten += removed
        return forgotten
