"""Lists of states and gauges: a constant number of reads, whatever there is to list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import msgspec
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Value, When, Window
from django.db.models.functions import Left, RowNumber, StrIndex

from state.models import Conflict, Op, Space, State
from state.models.journal import WAITING
from state.persistence.database.connected import Connected
from state.persistence.database.rows import OP, STATE, searchable
from state.values import (
    ConflictStatus,
    Filters,
    OperationStatus,
    PendingOperation,
    SharedState,
    StatePage,
    SyncStatus,
)
from state.values.pending import SHOWN, pending_of


class Listing(Connected):
    """Pages of states, and how many there are."""

    def list_states(
        self, space: str, filters: Filters, *, limit: int, after: str = "", with_data: bool = False
    ) -> StatePage:
        """As the contract says."""
        with self._call():
            return self._run(lambda: self._page(space, filters, limit, after, with_data=with_data))

    def find_states(
        self, spaces: Collection[str], text: str, *, limit: int, offset: int = 0
    ) -> list[SharedState]:
        """As the contract says."""
        states = State.objects.using(self.alias).filter(space__in=list(spaces), deleted=False)
        found_in = _worded(states, Filters(text=text))
        rows = found_in.order_by("-updated_at", "-key").values(*STATE)
        with self._call():
            found = self._run(lambda: list(rows[offset : offset + limit]))
        return [self._rows.state_of(row) for row in found]

    def _page(
        self, space: str, filters: Filters, limit: int, after: str, *, with_data: bool
    ) -> StatePage:
        columns = (*STATE, "data") if with_data else STATE
        query = _filtered(State.objects.using(self.alias).filter(space=space), filters)
        with self._moment():
            revision = Space.objects.using(self.alias).filter(id=space).values_list("revision")
            head = revision.first()
            rows = list(
                query.filter(key__gt=after).order_by("key").values(*columns, "sync")[: limit + 1]
            )
            shown = rows[:limit]
            pending = self._pending(
                space, [row["key"] for row in shown if row["sync"] != SyncStatus.SYNCED]
            )
        states = tuple(
            msgspec.structs.replace(
                self._rows.state_of(row),
                sync_status=SyncStatus(row["sync"]),
                pending_ops=tuple(pending[row["key"]]),
            )
            for row in shown
        )
        more = len(rows) > limit
        return StatePage(
            states=states,
            revision=head[0] if head else 0,
            next=(states[-1].id if states else after) if more else "",
        )

    def _pending(self, space: str, keys: list[str]) -> defaultdict[str, list[PendingOperation]]:
        """What waits in the journal for each of these states, at most SHOWN of each."""
        found: defaultdict[str, list[PendingOperation]] = defaultdict(list)
        if keys:
            turn = Window(RowNumber(), partition_by=F("key"), order_by=F("n").asc())
            ops = (
                Op.objects.using(self.alias)
                .filter(space=space, status__in=WAITING, key__in=keys)
                .annotate(turn=turn)
                .filter(turn__lte=SHOWN)
                .order_by("n")
            )
            for row in ops.values(*OP):
                shown = found[row["key"]]
                shown += pending_of(self._rows.op_of(row))[: SHOWN - len(shown)]
        return found

    def counts(self, space: str | None = None) -> dict[str, int]:
        """As the contract says."""
        states = State.objects.using(self.alias)
        ops = Op.objects.using(self.alias).filter(status__in=WAITING)
        conflicts = Conflict.objects.using(self.alias).filter(status=ConflictStatus.OPEN)
        if space is not None:
            states, ops = states.filter(space=space), ops.filter(space=space)
            conflicts = conflicts.filter(space=space)
        with self._call():
            found = self._read(
                lambda: states.aggregate(
                    total_states=Count("id"), active_states=Count("id", filter=Q(deleted=False))
                )
            )
            return {
                **found,
                "pending_operations": self._read(ops.count),
                "open_conflicts": self._read(conflicts.count),
            }


def _filtered(states: QuerySet[State], filters: Filters) -> QuerySet[State]:
    """The states that pass, with their `sync` status."""
    states = states.annotate(sync=_sync()).filter(deleted=filters.deleted)
    if filters.type is not None:
        states = states.filter(type=filters.type)
    if filters.sync_status is not None:
        states = states.filter(sync=filters.sync_status)
    if filters.updated_since is not None:
        states = states.filter(updated_at__gte=filters.updated_since)
    if filters.prefix:
        # LIKE does not tell upper from lower case on SQLite.
        states = states.annotate(start=Left("key", len(filters.prefix)))
        states = states.filter(key__gte=filters.prefix, start=filters.prefix)
    states = _worded(states, filters)
    for column, words in (("owners", filters.owners), ("tags", filters.tags)):
        if words:
            any_of = Q()
            for place, word in enumerate(words):
                name = f"{column}_{place}"
                found = StrIndex(F(column), Value(searchable(word)))
                states = states.annotate(**{name: found})
                any_of |= Q(**{f"{name}__gt": 0})
            states = states.filter(any_of)
    return states


def _worded(states: QuerySet[State], filters: Filters) -> QuerySet[State]:
    """The states in which all words stand."""
    for place, word in enumerate(filters.words):
        states = states.annotate(**{f"word_{place}": StrIndex(F("text"), Value(word))})
        states = states.filter(**{f"word_{place}__gt": 0})
    return states


def _sync() -> Case:
    """The most pressing first."""
    ops = Op.objects.filter(space=OuterRef("space"), key=OuterRef("key"), status__in=WAITING)
    parked = Conflict.objects.filter(
        space=OuterRef("space"), key=OuterRef("key"), status=ConflictStatus.OPEN
    )
    return Case(
        When(Exists(parked), then=Value(SyncStatus.CONFLICT)),
        When(Exists(ops.exclude(error="")), then=Value(SyncStatus.ERROR)),
        When(Exists(ops.filter(status=OperationStatus.APPLYING)), then=Value(SyncStatus.SYNCING)),
        When(Exists(ops), then=Value(SyncStatus.PENDING)),
        default=Value(SyncStatus.SYNCED),
    )
