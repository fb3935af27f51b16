"""Compaction, and encrypting anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias

from state.persistence.redis.keys import op_of
from state.persistence.redis.parts import data_place, entry_place, split_entry, state_place
from state.persistence.redis.reading import Reading
from state.refusals import Compacted
from state.values import SpaceInfo

#: Name of a hash, field, packed part, what stands before it, and where the part belongs.
Part: TypeAlias = tuple[str, str, bytes, bytes, tuple[str | int, ...]]

#: Bytes of a batch of changed things, beyond which it is cut.
BATCH_BYTES = 8 * 1024 * 1024


class Keeping(Reading):
    """What keeps the store small and its keys fresh."""

    def compact(self, space: str, floor: int) -> SpaceInfo:
        with self._call():
            while floor > (info := self._info(space)).compact_revision:
                floor = min(floor, info.revision)
                try:
                    oldest = self._anchor(space, floor)
                except Compacted:
                    continue  # another compactor went further meanwhile
                if self._change("floor", space, info.compact_revision, floor):
                    self._give_up(space, oldest)
            return info

    def _anchor(self, space: str, floor: int) -> dict[str, int]:
        """Keep a snapshot of every state of which history is to be given up; its version as of the floor."""
        # From the log's beginning, which may lie before the old floor when a compactor has died.
        oldest: dict[str, int] = {}
        start = b"-"
        while start:
            start, found = self._read("touched", space, start, floor, self._chunk)
            for state_id, version in zip(found[::2], found[1::2], strict=True):
                oldest[state_id.decode()] = int(version)
        for batch in self._batches(list(oldest.items())):
            asked = [part for key, version in batch for part in (key, version, "", "")]
            missing = self._change("anchor", space, *asked)
            for state_id, version in zip(missing[::2], missing[1::2], strict=True):
                data, uid = self._data_at(space, state_id.decode(), int(version))
                packed = self._parts.pack_data(space, uid, int(version), data)
                self._change("anchor", space, state_id, version, uid, packed)
        return oldest

    def _give_up(self, space: str, oldest: dict[str, int]) -> None:
        """The floor stands: whoever misses from here on what is removed sees the floor, too."""
        for batch in self._batches(list(oldest.items())):
            self._change("raise", space, *(part for pair in batch for part in pair))
        while self._change("trim", space, self._chunk) == self._chunk:
            pass

    def _batches(self, found: Sequence[tuple[str, int]]) -> Iterator[Sequence[tuple[str, int]]]:
        for start in range(0, len(found), self._chunk):
            yield found[start : start + self._chunk]

    # -- encrypting anew ------------------------------------------------------------------------------------------

    def rekey(self) -> int:
        """Follows the changes, so that what is written meanwhile comes again."""
        spaces = [info.id for info in self.spaces()]
        with self._call():
            renewed = sum(self._rekey(space) for space in spaces)
            with self._link.translated():
                self._link.client.set(self._link.keys.proof, self.codec.proof())
        return renewed

    def _rekey(self, space: str) -> int:
        # Twice: the second time for whoever wrote with an old key meanwhile.
        renewed, after = self._follow(space, b"0")
        late, _ = self._follow(space, after)
        audit: Iterator[Part] = (
            ("audit", number, packed, b"", (space, "audit"))
            for number, packed in self._scan(space, "audit")
        )
        return renewed + late + self._renew(space, audit) + self._reword(space)

    def _reword(self, space: str) -> int:
        """Have names stand in what lists are filtered by while nothing is encrypted, and then only."""
        changed, kept = 0, self._scan(space, "facts")
        while batch := dict(islice(kept, self._chunk)):
            for row in self._read("load", space, *batch):
                state = self._parts.state(space, row, with_data=False)
                old, new = batch[state.id], self._parts.facts(state)
                if new != old:
                    changed += self._change("replace", space, "facts", state.id, old, new)
        return changed

    def _follow(self, space: str, after: bytes) -> tuple[int, bytes]:
        """Renew what changed after that tick, up to the present one; how many parts, and where it ended."""
        renewed, present, more = 0, -1, 1
        while more and (present < 0 or int(after) < present):
            answer = self._read("changes", space, after, self._chunk, BATCH_BYTES)
            if not answer:
                break
            _, after, more, found, tick = answer
            present = int(tick) if present < 0 else present
            for member, fields, _ in found:
                renewed += self._renew(space, self._parts_of(space, member.decode(), fields))
        return renewed, after

    def _renew(self, space: str, parts: Iterator[Part]) -> int:
        renewed = 0
        for name, field, packed, before, place in parts:
            if self.codec.needs_rekey(packed):
                new = before + self.codec.repack(packed, *place)
                renewed += self._change("replace", space, name, field, before + packed, new)
        return renewed

    def _parts_of(self, space: str, member: str, fields: Sequence[bytes]) -> Iterator[Part]:
        """The packed parts of what changed."""
        kind, _, name = member.partition(":")
        values = dict(zip(map(bytes.decode, fields[::2]), fields[1::2], strict=True))
        match kind:
            case "s":
                yield from self._parts_of_state(space, name, values)
            case "o":
                for field, column in (("b", "op"), ("x", "error")):
                    if field in values:
                        yield f"op:{name}", field, values[field], b"", (space, *op_of(name), column)
            case "c" if values:
                yield f"c:{name}", "b", values["b"], b"", (space, name, "conflict")

    def _parts_of_state(self, space: str, name: str, values: dict[str, bytes]) -> Iterator[Part]:
        uid, version = values["u"].decode(), int(values["v"])
        yield f"s:{name}", "m", values["m"], b"", state_place(space, uid, version)
        yield f"s:{name}", "b", values["b"], b"", data_place(space, uid, version)
        for field, packed in self._scan(space, f"snap:{name}"):
            at, _, whose = field.partition(" ")
            yield f"snap:{name}", field, packed, b"", data_place(space, whose, int(at))
        for field, kept in self._scan(space, f"e:{name}"):
            _, whose, packed = split_entry(kept)
            before = kept[: len(kept) - len(packed)]
            yield f"e:{name}", field, packed, before, entry_place(space, whose, int(field))

    def _scan(self, space: str, name: str) -> Iterator[tuple[str, bytes]]:
        """All fields of a hash of the space; some perhaps twice."""
        cursor: Any = b"0"
        while True:
            cursor, found = self._read("fields", space, name, cursor, self._chunk)
            for field, value in zip(found[::2], found[1::2], strict=True):
                yield field.decode(), value
            if cursor == b"0":
                return
