"""What is read of all spaces at once, in as many queries for a thousand of them as for one."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from functools import partial
from typing import Any, Final

from django.db.models import Q

from state.models import Conflict, Entry, State
from state.persistence.database.connected import Connected
from state.persistence.database.rows import CONFLICT, ENTRY, STATE
from state.values import ConflictRecord, ConflictStatus, SharedState
from state.values import Entry as EntryValue

#: States that one query asks for: SQLite refuses a thousand alternatives.
_ALTERNATIVES: Final = 500


class Everywhere(Connected):
    """The newest of everything."""

    def newest(self, limit: int) -> list[tuple[EntryValue, SharedState]]:
        """As the contract says."""
        # Keys are made in the order of time.
        entries = Entry.objects.using(self.alias).order_by("-id").values("state_id", *ENTRY)
        with self._call():
            rows = self._read(lambda: list(entries[:limit]))
            states = self._states_by_id({row["state_id"] for row in rows})
        return [
            (self._rows.entry_of(row), states[row["state_id"]])
            for row in rows
            if row["state_id"] in states
        ]

    def open_conflicts(self, limit: int) -> list[tuple[ConflictRecord, SharedState]]:
        """As the contract says."""
        found = Conflict.objects.using(self.alias).filter(status=ConflictStatus.OPEN)
        with self._call():
            rows = self._read(lambda: list(found.values(*CONFLICT)[:limit]))
            states = self._states_by_key({(row["space_id"], row["key"]) for row in rows})
        return [
            (self._rows.conflict_of(row), states[row["space_id"], row["key"]])
            for row in rows
            if (row["space_id"], row["key"]) in states
        ]

    def _states_by_id(self, ids: Collection[uuid.UUID]) -> dict[Any, SharedState]:
        rows = State.objects.using(self.alias).filter(id__in=ids).values("id", *STATE)
        found = self._read(lambda: list(rows)) if ids else []
        return {row["id"]: self._rows.state_of(row) for row in found}

    def _states_by_key(self, keys: Collection[tuple[str, str]]) -> dict[Any, SharedState]:
        found: dict[Any, SharedState] = {}
        asked = list(keys)
        for start in range(0, len(asked), _ALTERNATIVES):
            wanted = Q()
            for space, key in asked[start : start + _ALTERNATIVES]:
                wanted |= Q(space=space, key=key)
            rows = State.objects.using(self.alias).filter(wanted).values(*STATE)
            read: list[dict[str, Any]] = self._read(partial(list, rows))
            for row in read:
                found[row["space_id"], row["key"]] = self._rows.state_of(row)
        return found
