"""What is read of states and their log."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import FilteredRelation, Q, QuerySet, Subquery

from state import jsonvalue
from state.models import Entry, Snapshot, Space, State
from state.persistence.database.connected import Connected
from state.persistence.database.rows import ENTRY, SPACE, STATE, space_of
from state.persistence.database.statements import among, quoted, send
from state.refusals import Compacted, Damaged, SpaceNotFound, VersionNotFound
from state.values import Entry as EntryValue
from state.values import EntryKind, Json, LogPage, SharedState

_WHOLE: Final = (*STATE, "data")
_STATES: Final = (
    f"SELECT {', '.join(map(quoted, _WHOLE))} FROM state_state WHERE space_id = %s AND "
)


class Reading(Connected):
    """States, their data at a version, their history, the log of the space."""

    def load_states(self, space: str, ids: Iterable[str]) -> dict[str, SharedState]:
        """As the contract says."""
        keys = sorted(set(ids))
        with self._call():
            rows = self._read(lambda: self._states(space, keys)) if keys else []
        return {row["key"]: self._rows.state_of(row) for row in rows}

    def _states(self, space: str, keys: list[str]) -> list[dict[str, Any]]:
        connection = self._connection
        condition, wanted = among(connection, "key", keys)
        [found] = send(connection, [(_STATES + condition, [space, *wanted])])
        rows = [dict(zip(_WHOLE, row, strict=True)) for row in found]
        if self._is_sqlite:
            aware = connection.ops.convert_datetimefield_value
            for row in rows:
                for name in ("created_at", "updated_at"):
                    row[name] = aware(row[name], None, connection)
        return rows

    def data_at(self, space: str, state_id: str, version: int) -> dict[str, Json]:
        """As the contract says."""
        with self._call():
            return self._run(lambda: self._data_at(space, state_id, version))

    def _data_at(self, space: str, state_id: str, version: int) -> dict[str, Json]:
        with self._moment():
            states = State.objects.using(self.alias).filter(space=space, key=state_id)
            state = states.values("id", "uid", "version", "compacted_version").first()
            if state is None or not 1 <= version <= state["version"]:
                raise VersionNotFound
            oldest = state["compacted_version"]
            if version < oldest:
                raise Compacted(extra={"compacted_version": oldest, "snapshot": None})
            if version == state["version"]:
                packed = bytes(states.values_list("data", flat=True).get())
                return self._rows.data_of(packed, space, state["uid"], version)
            return self._replayed(space, state["id"], version)

    def _replayed(self, space: str, row_id: uuid.UUID, version: int) -> dict[str, Json]:
        """The nearest snapshot and the entries that follow it. Raises Damaged when one is missing."""
        near = (
            Snapshot.objects.using(self.alias)
            .filter(state=row_id, version__lte=version)
            .order_by("-version")
            .values("uid", "version", "data")
            .first()
        )
        data: dict[str, Json] = {}
        reached = 0
        if near is not None:
            reached = near["version"]
            data = self._rows.data_of(bytes(near["data"]), space, near["uid"], reached)
        entries = (
            Entry.objects.using(self.alias)
            .filter(state=row_id, version__gt=reached, version__lte=version)
            .order_by("version")
            .values(*ENTRY)
        )
        for entry in map(self._rows.entry_of, entries):
            if entry.version != reached + 1:
                break
            reached = entry.version
            fresh = entry.kind in (EntryKind.CREATE, EntryKind.DELETE)
            ops = () if entry.kind is EntryKind.DELETE else entry.ops
            data = jsonvalue.apply({} if fresh else data, ops)
        if reached != version:
            raise Damaged(f"Version {reached + 1} of a state in space {space!r} is missing.")
        return data

    # -- log --------------------------------------------------------------------------------------------------------

    def history(
        self, space: str, state_id: str, *, after: int = 0, until: int | None = None, limit: int
    ) -> list[EntryValue]:
        """As the contract says."""
        query = self._entries(space, state_id).filter(version__gt=after).order_by("version")
        if until is not None:
            query = query.filter(version__lte=until)
        return self._entries_of(query, limit)

    def latest(
        self, space: str, state_id: str, *, before: int | None = None, limit: int
    ) -> list[EntryValue]:
        """As the contract says."""
        query = self._entries(space, state_id).order_by("-version")
        if before is not None:
            query = query.filter(version__lt=before)
        return self._entries_of(query, limit)

    def _entries(self, space: str, state_id: str) -> QuerySet[Entry]:
        # The state's row first, so that its versions are found by the index that makes them unique.
        row_id = State.objects.using(self.alias).filter(space=space, key=state_id).values("id")
        return Entry.objects.using(self.alias).filter(state=Subquery(row_id))

    def _entries_of(self, query: QuerySet[Entry], limit: int) -> list[EntryValue]:
        with self._call():
            rows = self._read(lambda: list(query.values(*ENTRY)[:limit]))
        return [self._rows.entry_of(row) for row in rows]

    def read_log(self, space: str, *, after: int, limit: int) -> LogPage:
        """As the contract says."""
        with self._call():
            rows = self._read(lambda: list(self._log(space, _later(after))[: limit + 1]))
            cut = rows[-1]["later__revision"] if len(rows) > limit else None
            whole = [row for row in rows if row["later__revision"] != cut] if cut else rows
            if cut and not whole:  # one revision alone is longer than the limit
                only = Q(entries__revision__lte=cut)
                whole = self._read(lambda: list(self._log(space, _later(after) & only)))
        if not whole:
            raise SpaceNotFound
        info = space_of(whole[0])
        if after < info.compact_revision:
            raise Compacted(extra={"compact_revision": info.compact_revision, "snapshot": None})
        found = (
            {name: row[f"later__{name}"] for name in ENTRY}
            for row in whole
            if row["later__revision"] is not None
        )
        entries = tuple(self._rows.entry_of(row) for row in found)
        reached = entries[-1].revision if entries else info.revision
        return LogPage(space=info, entries=entries, more=reached < info.revision)

    def _log(self, space: str, wanted: Q) -> QuerySet[Space, dict[str, Any]]:
        """The space and such entries of its log in one statement: read one after the other, the floor could rise
        between them, and a hole look like the end."""
        spaces: Any = Space.objects.using(self.alias).filter(id=space)  # mypy knows no `later`
        found: QuerySet[Space, dict[str, Any]] = (
            spaces.annotate(later=FilteredRelation("entries", condition=wanted))
            .order_by("later__revision", "later__seq")
            .values(*SPACE, *(f"later__{name}" for name in ENTRY))
        )
        return found

    def oldest_within(self, space: str, at: datetime) -> int:
        """As the contract says."""
        query = Entry.objects.using(self.alias).filter(space=space, at__lt=at)
        with self._call():
            newest = query.order_by("-revision").values_list("revision", flat=True)
            return self._read(newest.first) or 0


def _later(revision: int) -> Q:
    return Q(entries__revision__gt=revision)
