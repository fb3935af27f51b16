"""Reading states, their histories, the log, the journal, conflicts and the audit trail: one script each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any

import msgspec

from state.persistence.redis.core import Core
from state.persistence.redis.keys import op_name
from state.persistence.redis.parts import info_of, micros
from state.refusals import Compacted, SpaceNotFound, VersionNotFound
from state.values import (
    AuditRecord,
    ConflictRecord,
    ConflictStatus,
    Entry,
    Filters,
    Json,
    LogPage,
    OpRecord,
    SharedState,
    StatePage,
    SyncStatus,
)
from state.values.pending import SHOWN, pending_of


class Reading(Core):
    """What only reads."""

    def load_states(self, space: str, ids: Iterable[str]) -> dict[str, SharedState]:
        with self._call():
            rows = self._read("load", space, *ids)
        states = (self._parts.state(space, row) for row in rows)
        return {state.id: state for state in states}

    def data_at(self, space: str, state_id: str, version: int) -> dict[str, Json]:
        with self._call():
            return self._data_at(space, state_id, version)[0]

    def _data_at(self, space: str, state_id: str, version: int) -> tuple[dict[str, Json], str]:
        """The data and the uid as of the version."""
        answer = self._read("data_at", space, state_id, version)
        match answer[0]:
            case b"none":
                raise VersionNotFound
            case b"compacted":
                raise Compacted(extra={"compacted_version": int(answer[1]), "snapshot": None})
        _, start, uid, packed, entries = answer
        return self._parts.replay(space, (int(start), uid.decode(), packed), entries)

    def list_states(
        self, space: str, filters: Filters, *, limit: int, after: str = "", with_data: bool = False
    ) -> StatePage:
        ask: dict[str, object] = {
            "deleted": filters.deleted,
            "prefix": filters.prefix,
            "after": after,
            "limit": limit,
            "data": with_data,
            "owners": filters.owners,
            "tags": filters.tags,
            "words": filters.words,
        }
        if filters.type is not None:
            ask["type"] = filters.type
        if filters.updated_since is not None:
            ask["since"] = micros(filters.updated_since)
        if filters.sync_status is not None:
            ask["status"] = filters.sync_status
        with self._call():
            revision, rows, following = self._read("list", space, msgspec.msgpack.encode(ask))
        return StatePage(
            states=tuple(self._listed(space, row, with_data) for row in rows),
            revision=int(revision),
            next=following.decode(),
        )

    def _listed(self, space: str, row: Sequence[Any], with_data: bool) -> SharedState:
        fields, status, waiting = row
        ops = (self._parts.op(space, name, record) for name, record in waiting)
        return msgspec.structs.replace(
            self._parts.state(space, fields, with_data=with_data),
            sync_status=SyncStatus(status.decode()),
            pending_ops=tuple(islice(chain.from_iterable(map(pending_of, ops)), SHOWN)),
        )

    def history(
        self, space: str, state_id: str, *, after: int = 0, until: int | None = None, limit: int
    ) -> list[Entry]:
        last = "" if until is None else until
        return self._entries(space, state_id, after + 1, last, limit, "up")

    def latest(
        self, space: str, state_id: str, *, before: int | None = None, limit: int
    ) -> list[Entry]:
        last = "" if before is None else before - 1
        return self._entries(space, state_id, 1, last, limit, "down")

    def _entries(
        self, space: str, state_id: str, first: int, last: int | str, limit: int, way: str
    ) -> list[Entry]:
        with self._call():
            found = self._read("history", space, state_id, first, last, limit, way)
        return [self._parts.entry(space, version, kept) for _, version, kept in found]

    def read_log(self, space: str, *, after: int, limit: int) -> LogPage:
        with self._call():
            answer = self._read("read_log", space, after, limit)
        if not answer:
            raise SpaceNotFound
        info, (found, last) = info_of(answer[0]), answer[1:]
        if after < info.compact_revision:
            raise Compacted(extra={"compact_revision": info.compact_revision, "snapshot": None})
        return LogPage(
            space=info,
            entries=tuple(self._parts.entry(space, version, kept) for _, version, kept in found),
            more=int(last) < info.revision,
        )

    # -- journal, conflicts, audit --------------------------------------------------------------------------------

    def find_op(self, space: str, agent: str, op_id: str) -> OpRecord | None:
        return next(iter(self._ops(space, op_name(agent, op_id), "", 1)), None)

    def queued(
        self, space: str, *, state_id: str | None = None, limit: int = 100
    ) -> list[OpRecord]:
        return self._ops(space, "", _choice(state_id), limit)

    def _ops(self, space: str, name: str, state_id: str, limit: int) -> list[OpRecord]:
        with self._call():
            found = self._read("ops", space, name, state_id, limit)
        return [self._parts.op(space, name, record) for name, record in found]

    def find_conflict(self, space: str, conflict_id: str) -> ConflictRecord | None:
        return next(iter(self._conflicts(space, _choice(conflict_id), "", "", 1)), None)

    def conflicts(
        self,
        space: str,
        *,
        status: ConflictStatus | None = None,
        state_id: str | None = None,
        limit: int = 100,
    ) -> list[ConflictRecord]:
        return self._conflicts(space, "", _choice(status), _choice(state_id), limit)

    def _conflicts(
        self, space: str, conflict_id: str, status: str, state_id: str, limit: int
    ) -> list[ConflictRecord]:
        with self._call():
            found = self._read("conflicts", space, conflict_id, status, state_id, limit)
        return [self._parts.conflict(space, *each) for each in found]

    def read_audit(self, space: str, *, after: int, limit: int) -> list[AuditRecord]:
        with self._call():
            found = self._read("audit", space, after, limit)
        return [self._parts.audit(space, number, packed) for number, packed in found]

    # -- gauges ---------------------------------------------------------------------------------------------------

    def oldest_within(self, space: str, at: datetime) -> int:
        with self._call():
            return int(self._read("oldest", space, micros(at)))

    def counts(self, space: str | None = None) -> dict[str, int]:
        names = [space] if space is not None else [each.id for each in self.spaces()]
        with self._call():
            found = [self._read("counts", name) for name in names]
        living, gone, queued, parked = (
            sum(each) for each in zip((0, 0, 0, 0), *found, strict=True)
        )
        return {
            "total_states": living + gone,
            "active_states": living,
            "pending_operations": queued,
            "open_conflicts": parked,
        }


def _choice(value: str | None) -> str:
    """As scripts read what may be left open."""
    return "" if value is None else f"={value}"
