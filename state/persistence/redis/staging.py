"""A space as it is built from the rows of a backup, where nobody reads it yet."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, TypeAlias

import msgspec
import redis

from state.persistence.redis.parts import Parts, micros
from state.persistence.redis.writing import KEEP_OPS
from state.refusals import Damaged
from state.values import (
    TERMINAL,
    AuditRecord,
    ConflictRecord,
    ConflictStatus,
    Entry,
    OpRecord,
    Row,
    SharedState,
    Snapshot,
    SpaceInfo,
)

Pipe: TypeAlias = "redis.client.Pipeline"

_TYPES: Final[dict[str, type[msgspec.Struct]]] = {
    "space": SpaceInfo,
    "state": SharedState,
    "snapshot": Snapshot,
    "entry": Entry,
    "op": OpRecord,
    "conflict": ConflictRecord,
    "audit": AuditRecord,
}


class Staged:
    """One space under its new generation. Commands are only queued; whoever owns the pipe sends them."""

    def __init__(self, live: str, space: str, generation: str, parts: Parts) -> None:
        self.live = live
        self._space = space
        self._generation = generation
        self._parts = parts
        self._info = SpaceInfo(id=space, epoch="")
        self._tick = 0
        self._journal = 0
        self._counts: dict[str, Counter[str]] = {"conflicted": Counter(), "failing": Counter()}
        self._uids: dict[tuple[str, int], str] = {}

    @property
    def base(self) -> str:
        """What its keys begin with."""
        return f"{self.live}:{self._generation}:"

    @property
    def hash(self) -> str:
        """Its hash, until that is put in the place of the live one."""
        return f"{self.base}space"

    def add(self, pipe: Pipe, row: Row) -> None:
        """Keep one row. Raises Damaged for what is none."""
        try:
            kind = _TYPES[row.kind]
            value = msgspec.convert(row.value, kind)
        except (KeyError, msgspec.ValidationError) as error:
            what = f"The backup of space {self._space!r} holds a row that is none: {error}"
            raise Damaged(what) from error
        match value:
            case SpaceInfo():
                self._info = value
            case SharedState():
                self._add_state(pipe, value)
            case Snapshot():
                self._add_snapshot(pipe, value)
            case Entry():
                self._add_entry(pipe, value)
            case OpRecord():
                self._add_op(pipe, value)
            case ConflictRecord():
                self._add_conflict(pipe, value)
            case AuditRecord():
                packed = self._parts.pack_audit(self._space, value)
                pipe.hset(self.base + "audit", str(value.n), packed)

    def finish(self, client: redis.Redis) -> None:
        """Keep the space's own hash, under a new epoch."""
        for name, counted in self._counts.items():
            for state_id, number in counted.items():
                client.hset(self.base + name, state_id, str(number))
        client.hset(
            self.hash,
            mapping={
                "id": self._space,
                "gen": self._generation,
                "epoch": self._generation,
                "revision": self._info.revision,
                "compact_revision": self._info.compact_revision,
                "audit": self._info.audit,
                "journal": self._journal,
                "tick": self._tick,
            },
        )

    def _changed(self, pipe: Pipe, member: str) -> None:
        self._tick += 1
        pipe.zadd(self.base + "changed", {member: self._tick})

    def _add_state(self, pipe: Pipe, state: SharedState) -> None:
        state = msgspec.structs.replace(state, space=self._space)
        data = self._parts.pack_data(self._space, state.uid, state.version, state.data)
        fields: dict[Any, Any] = {
            "v": state.version,
            "u": state.uid,
            "r": state.revision,
            "d": int(state.deleted),
            "c": state.compacted_version,
            "m": self._parts.pack_state(state),
            "b": data,
        }
        pipe.hset(f"{self.base}s:{state.id}", mapping=fields)
        pipe.hset(self.base + "facts", state.id, self._parts.facts(state))
        pipe.zadd(self.base + ("gone" if state.deleted else "live"), {state.id: 0})
        self._changed(pipe, f"s:{state.id}")

    def _add_snapshot(self, pipe: Pipe, snapshot: Snapshot) -> None:
        # Which life of the id it was of is not told; nothing but its place depends on it.
        member = f"{snapshot.version} "
        packed = self._parts.pack_data(self._space, "", snapshot.version, snapshot.data)
        pipe.zadd(f"{self.base}snaps:{snapshot.state_id}", {member: snapshot.version})
        pipe.hset(f"{self.base}snap:{snapshot.state_id}", member, packed)

    def _add_entry(self, pipe: Pipe, entry: Entry) -> None:
        entry = msgspec.structs.replace(entry, space=self._space)
        position = f"{entry.revision}-{entry.seq}"
        fields: dict[Any, Any] = {"i": entry.state_id, "v": entry.version, "t": micros(entry.at)}
        pipe.xadd(self.base + "log", fields, id=position)
        kept = f"{position} {entry.uid}\0".encode() + self._parts.pack_entry(entry)
        pipe.hset(f"{self.base}e:{entry.state_id}", str(entry.version), kept)

    def _add_op(self, pipe: Pipe, op: OpRecord) -> None:
        op = msgspec.structs.replace(op, space=self._space)
        row = self._parts.op_row(op)
        name, key = str(row["key"]), f"{self.base}op:{row['key']}"
        self._journal = max(self._journal, op.n)
        fields: dict[Any, Any] = {"t": row["status"], "s": op.state_id, "b": row["blob"]}
        pipe.hset(key, mapping=fields | ({"n": op.n} if op.n else {}))
        if op.status in TERMINAL:
            pipe.expire(key, KEEP_OPS)
            pipe.zadd(self.base + "settled", {name: float(str(row["done"]))})
        else:
            pipe.zadd(self.base + "queue", {name: op.n})
            pipe.zadd(f"{self.base}queue:{op.state_id}", {name: op.n})
            if op.error:
                pipe.hset(key, "x", self._parts.pack_error(op, op.error))
                self._counts["failing"][op.state_id] += 1
        self._changed(pipe, f"o:{name}")

    def _add_conflict(self, pipe: Pipe, conflict: ConflictRecord) -> None:
        conflict = msgspec.structs.replace(conflict, space=self._space)
        row = self._parts.conflict_row(conflict)
        key, at = conflict.conflict_id, float(str(row["at"]))
        fields: dict[Any, Any] = {"t": row["status"], "s": conflict.state_id, "b": row["blob"]}
        pipe.hset(f"{self.base}c:{key}", mapping=fields)
        pipe.zadd(self.base + "conflicts", {key: at})
        if conflict.status is ConflictStatus.OPEN:
            pipe.zadd(self.base + "open", {key: at})
            self._counts["conflicted"][conflict.state_id] += 1
        self._changed(pipe, f"c:{key}")
