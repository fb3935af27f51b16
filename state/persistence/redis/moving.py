"""Whole spaces out and in: dump and fill, and removing what nobody reads any more."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from state.persistence.redis.keeping import BATCH_BYTES, Keeping
from state.persistence.redis.parts import info_of
from state.persistence.redis.staging import Staged
from state.refusals import SpaceNotFound, StateExists, StoreDown
from state.values import Row, Snapshot, SpaceInfo

#: Seconds after which what was staged, and never put in place, may be removed.
ABANDONED: Final = 3600.0
#: Attempts to read a space between two compactions.
_ATTEMPTS: Final = 5


class _Frozen(msgspec.Struct):
    """A space at one revision, packed as it was read."""

    info: SpaceInfo
    #: Fields and snapshots of states, fields of operations and of conflicts: by name.
    states: dict[str, tuple[dict[str, bytes], dict[str, bytes]]] = {}
    ops: dict[str, dict[str, bytes]] = {}
    conflicts: dict[str, dict[str, bytes]] = {}
    entries: list[tuple[bytes, bytes]] = []
    audit: list[tuple[bytes, bytes]] = []


class Moving(Keeping):
    """What moves spaces."""

    # -- out --------------------------------------------------------------------------------------------------------

    def dump(self, space: str) -> Iterator[Row]:
        """Read in short scripts while others write: first what changed, in the order of changes, until nothing is
        left; what changes on the way comes again at the end, so that the last batch makes all of one moment. Entries
        and audit records never change, and are read up to that moment's numbers. Held packed until it is yielded.
        """
        with self._call():
            for _ in range(_ATTEMPTS):
                frozen = self._changes(space)
                if self._read_entries(space, frozen):
                    return self._rows(frozen)
        raise StoreDown("The space is compacted all the time; try again.")

    def _changes(self, space: str) -> _Frozen:
        after, more, limit, first = b"0", 1, self._chunk, -1
        found: dict[bytes, tuple[Sequence[bytes], Sequence[bytes]]] = {}
        answer: Sequence[Any] = ()
        while more:
            answer = self._read("changes", space, after, limit, BATCH_BYTES * limit // self._chunk)
            if not answer:
                raise SpaceNotFound
            _, after, more, changed, tick = answer
            first = int(tick) if first < 0 else first
            if int(after) >= first:
                limit *= 2  # what is left are changes on the way: do not run after them for ever
            for member, fields, snapshots in changed:
                found[member] = (fields, snapshots)
        frozen = _Frozen(info_of(answer[0]))
        for member, (fields, snapshots) in sorted(found.items()):
            kind, _, name = member.decode().partition(":")
            values = _pairs(fields)
            if not values:
                continue  # an outcome whose time is over
            if kind == "s":
                frozen.states[name] = (values, _pairs(snapshots))
            else:
                (frozen.ops if kind == "o" else frozen.conflicts)[name] = values
        return frozen

    def _read_entries(self, space: str, frozen: _Frozen) -> bool:
        """Read up to the space's revision; False when a compaction has taken some of it."""
        info, after, last = frozen.info, frozen.info.compact_revision, -1
        while after < info.revision and after != last:
            answer = self._read("read_log", space, after, self._chunk)
            if not answer:
                raise SpaceNotFound
            last, after = after, int(answer[2])
            for _, version, kept in answer[1]:
                if int(kept.partition(b"-")[0] or 0) <= info.revision:
                    frozen.entries.append((version, kept))
        number = 0
        while number < info.audit:
            limit = min(self._chunk, info.audit - number)
            frozen.audit += map(tuple, self._read("audit", space, number, limit))
            number += limit
        now = self._info(space)
        return (now.compact_revision, now.epoch) == (info.compact_revision, info.epoch)

    def _rows(self, frozen: _Frozen) -> Iterator[Row]:
        space, parts = frozen.info.id, self._parts
        yield _row("space", frozen.info)
        for values, _ in frozen.states.values():
            yield _row("state", parts.state(space, [values[name] for name in "vurcmb"]))
        for name, (_, snapshots) in frozen.states.items():
            for member, packed in snapshots.items():
                version, _, uid = member.partition(" ")
                data = parts.unpack_data(space, uid, int(version), packed)
                yield _row(
                    "snapshot",
                    Snapshot(space=space, state_id=name, version=int(version), data=data),
                )
        for at, kept in frozen.entries:
            yield _row("entry", parts.entry(space, at, kept))
        for name, values in frozen.ops.items():
            fields = [values.get(field) for field in "tnbrx"]
            yield _row("op", parts.op(space, name.encode(), fields))
        for name, values in frozen.conflicts.items():
            yield _row("conflict", parts.conflict(space, name.encode(), values["b"]))
        for number, packed in frozen.audit:
            yield _row("audit", parts.audit(space, number, packed))

    # -- in ---------------------------------------------------------------------------------------------------------

    def fill(self, spaces: dict[str, Iterable[Row]], *, replace: bool) -> None:
        """Each space is built under a new generation that nobody reads, and one script puts them all in place."""
        with self._call():
            self._sweep()
            for space in () if replace else spaces:
                if sum(self._read("counts", space)[:2]):
                    raise StateExists(f"The space {space!r} has states already.")
            staged = [self._stage(space, rows) for space, rows in spaces.items()]
            places = [name for each in staged for name in (each.live, each.hash)]
            keys = (self._link.keys.spaces, self._link.keys.garbage, *places)
            args = (int(replace), int(time.time()))
            taken = self._link.run("swap", keys, args, writes=True) if staged else ()
            self._sweep()
            if taken:
                raise StateExists("Some of these spaces have states already.")

    def _stage(self, space: str, rows: Iterable[Row]) -> Staged:
        link = self._link
        staged = Staged(link.keys.space(space), space, uuid.uuid4().hex, self._parts)
        with link.translated():
            link.client.zadd(link.keys.garbage, {staged.base: time.time() + ABANDONED})
            for batch in _batches(rows, self._chunk):
                with link.client.pipeline(transaction=False) as pipe:
                    for row in batch:
                        staged.add(pipe, row)
                    pipe.execute()
            staged.finish(link.client)
        return staged

    def drop_space(self, space: str) -> None:
        keys = (self._link.keys.space(space), self._link.keys.spaces, self._link.keys.garbage)
        with self._call():
            if self._link.run("drop", keys, [int(time.time())], writes=True):
                self._sweep()

    def _sweep(self) -> None:
        """Remove generations that are nobody's, in small parts."""
        garbage = self._link.keys.garbage
        with self._link.translated():
            found: Any = self._link.client.zrangebyscore(garbage, "-inf", time.time())
        for base in found:
            while self._link.run("sweep", [garbage], (base, self._chunk), writes=True):
                pass


def _row(kind: str, value: msgspec.Struct) -> Row:
    return Row(kind=kind, value=msgspec.to_builtins(value))


def _pairs(flat: Sequence[bytes]) -> dict[str, bytes]:
    return dict(zip(map(bytes.decode, flat[::2]), flat[1::2], strict=True))


def _batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    yield batch
