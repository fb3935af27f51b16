"""The reads of the StateManager."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec

from state import conflicts, jsonvalue
from state.errors import Invalid
from state.manager import settings
from state.manager.answers import (
    Change,
    OperationState,
)
from state.manager.core import Core
from state.manager.reading import blame, changes, entry_at, of_this_life
from state.policy import Caller, Right, rights
from state.refusals import (
    FutureRevision,
    OperationNotFound,
    StateNotFound,
    VersionNotFound,
)
from state.values import (
    Blame,
    ConflictStatus,
    Entry,
    EntryKind,
    EventType,
    Filters,
    Json,
    SharedState,
    SpaceInfo,
    StateEvent,
    StatePage,
    SyncStatus,
)
from state.values.pending import SHOWN, pending_of

#: Seconds that a read waits for a revision that has not come yet.
PATIENCE: Final = 1.0
#: Characters that states are searched for: every word costs.
LONGEST: Final = 200
#: States with those words that are looked at for somebody from whom some are hidden.
LOOKED_THROUGH: Final = 20_000
#: Most of them that are held at once: their settings are as large as their schemas.
AT_ONCE: Final = 2_000


class Reading(Core):
    """Reads come from the store itself, at every level of consistency: fresher than weak and eventual promise."""

    def get_state(
        self,
        caller: Caller,
        state_id: str,
        *,
        version: int | None = None,
        min_revision: int | None = None,
        with_status: bool = False,
    ) -> SharedState:
        """The state as it stands, or its data as of an older version (with its present settings). What bore its id
        in an earlier life is shown to admins of the space only, here and in `history` and `diff`.

        `min_revision`: not older than that revision of the space; waited for up to a second. `with_status` fills in
        `sync_status` and `pending_ops`. Raises VersionNotFound, Compacted, FutureRevision.
        """
        if min_revision is not None:
            self._await_revision(caller.space, min_revision)
        state = self._readable(caller, state_id, tombstone=version is not None)
        if version is not None and version != state.version:
            state = self._as_of(caller, state, version)
        elif state.deleted and version is None:
            raise StateNotFound
        if with_status:
            state = self._with_status(caller, state)
        self.counts.add("read_ops")
        if self.config.enable_audit:
            self._publish(self._read_event(caller, state))
        return state

    def newest(self, callers: Mapping[str, Caller], *, limit: int) -> list[Entry]:
        """Of the newest `limit` entries of all spaces those that whoever is the caller in each space may read."""
        return [
            entry
            for entry, state in self.store.newest(limit)
            if (caller := callers.get(entry.space)) is not None
            and Right.READ in rights(state, caller)
            and entry.uid == state.uid
        ]

    def list_states(
        self,
        caller: Caller,
        filters: Filters | Mapping[str, Any] | None = None,
        *,
        limit: int = 100,
        after: str = "",
        with_data: bool = False,
    ) -> StatePage:
        """States that the caller may read, by id; `next` is "" when there are no more that it may read.

        One read of the store for whoever may read all. Raises Invalid naming an unknown filter, or a `text` too long.
        """
        wanted = filters if isinstance(filters, Filters) else _filters(filters or {})
        if len(wanted.text) > LONGEST:
            raise Invalid(fields={"text": [f"At most {LONGEST} characters."]})
        limit = max(1, min(limit, self.limits.entries_per_page))
        read = partial(
            self._opened(caller.space).list_states, caller.space, wanted, with_data=with_data
        )
        # One more than asked for tells whether another page is worth a call, and names nothing that is hidden.
        page = first = read(limit=limit + 1, after=after)
        seen = self._seen(caller, page)
        while page.next and len(seen) <= limit:
            page = read(limit=max(limit + 1, self.store.config.batch_size), after=page.next)
            seen += self._seen(caller, page)
        following = seen[limit - 1].id if len(seen) > limit else ""
        # The first read's revision: whoever follows the log from there misses nothing of the later ones.
        return StatePage(states=tuple(seen[:limit]), revision=first.revision, next=following)

    def find_states(
        self, callers: Mapping[str, Caller], text: str, *, limit: int, offset: int = 0
    ) -> list[SharedState]:
        """States in which all words of `text` stand (empty: all), in any of the spaces whose callers these are, as far
        as each may read them; written last first. What is hidden neither comes nor counts.

        One read of the store where nothing is hidden; no further than the LOOKED_THROUGH newest with those words.
        None has its data: the store reads no documents for it.
        """
        spaces, wanted = list(callers), offset + limit
        # By name: what is written between two reads moves others down, and they are read again.
        seen: dict[tuple[str, str], SharedState] = {}
        start, size = 0, min(wanted, AT_ONCE, LOOKED_THROUGH)
        while spaces and size:
            found = self.store.find_states(spaces, text, limit=size, offset=start)
            for each in found:
                if Right.READ in rights(each, callers[each.space]):
                    seen.setdefault((each.space, each.id), each)
            start += size
            if len(found) < size or len(seen) >= wanted:
                break
            size = max(2 * size, self.store.config.batch_size)
            size = min(size, AT_ONCE, LOOKED_THROUGH - start)
        return list(seen.values())[offset:wanted]

    def _seen(self, caller: Caller, page: StatePage) -> list[SharedState]:
        """What the caller may read of it, without what others have asked and nobody has applied yet."""
        found = []
        for each in page.states:
            may = rights(each, caller)
            if Right.READ not in may:
                continue
            if Right.ADMIN not in may and each.pending_ops:
                own = tuple(op for op in each.pending_ops if op.agent_id == caller.name)
                each = msgspec.structs.replace(each, pending_ops=own)
            found.append(each)
        return found

    def history(
        self, caller: Caller, state_id: str, *, before: int | None = None, limit: int = 50
    ) -> list[Entry]:
        """The state's entries, newest first; for admins of the space those of earlier lives of its id, too."""
        state = self._readable(caller, state_id, tombstone=True)
        limit = max(1, min(limit, self.limits.entries_per_page))
        found = self.store.latest(caller.space, state_id, before=before, limit=limit)
        return found if caller.admin else [each for each in found if each.uid == state.uid]

    def diff(self, caller: Caller, state_id: str, old: int, new: int) -> tuple[Change, ...]:
        """What differs between two versions. Raises VersionNotFound, Compacted."""
        state = self._readable(caller, state_id, tombstone=True)
        before, after = (self._as_of(caller, state, version) for version in (old, new))
        return changes(before.data, after.data)

    def blame(self, caller: Caller, state_id: str) -> dict[str, Blame]:
        """Who wrote what stands at each leaf of the document, and at which version."""
        return blame(self.store, self._readable(caller, state_id))

    def rehearse(
        self,
        caller: Caller,
        state_id: str,
        changes: Mapping[str, Json],
        *,
        base: dict[str, Json],
        first: dict[str, Json],
        second: dict[str, Json],
    ) -> conflicts.Decision:
        """What would become of two writes that meet if the state had those settings; writes nothing.

        Raises Invalid and Unprocessable (settings, documents).
        """
        state = self._readable(caller, state_id)
        state = msgspec.structs.replace(state, **settings.checked(changes))
        for document in (base, first, second):
            jsonvalue.check(document, max_depth=self.limits.document_depth)
        return conflicts.rehearse(state, base, first, second, self.detector)

    def space(self, caller: Caller) -> SpaceInfo:
        """The caller's space: epoch, revision, floor."""
        return self.store.open_space(caller.space)

    def operation(self, caller: Caller, op_id: str) -> OperationState:
        """What became of an operation of the caller's own. Raises OperationNotFound."""
        found = self._opened(caller.space).find_op(caller.space, caller.name, op_id)
        if found is None:
            raise OperationNotFound
        return OperationState(
            op_id=found.op_id,
            agent=found.agent,
            state_id=found.state_id,
            status=found.status,
            retry=found.retry,
            error=found.error,
            at=found.at,
            done_at=found.done_at,
            outcome=found.outcome,
        )

    def _as_of(self, caller: Caller, state: SharedState, version: int) -> SharedState:
        if version == state.version:
            return state
        if not 0 < version < state.version:
            raise VersionNotFound
        entry = entry_at(self.store, state, version)
        if not caller.admin and not of_this_life(state, version, entry):
            raise VersionNotFound
        data = self.store.data_at(state.space, state.id, version)
        if (
            entry is None or entry.version != version
        ):  # the snapshot at the floor: its entry is gone
            return msgspec.structs.replace(
                state, version=version, data=data, hash=jsonvalue.digest(data), revision=0
            )
        return msgspec.structs.replace(
            state,
            version=version,
            revision=entry.revision,
            uid=entry.uid,
            timestamp=entry.at,
            written_by=entry.agent,
            data=data,
            hash=entry.hash,
            deleted=entry.kind is EntryKind.DELETE,
        )

    def _await_revision(self, space: str, revision: int) -> None:
        until = time.monotonic() + PATIENCE
        while (head := self.store.open_space(space).revision) < revision:
            if time.monotonic() >= until:
                raise FutureRevision(extra={"head": head})
            time.sleep(0.02)

    def _with_status(self, caller: Caller, state: SharedState) -> SharedState:
        key = (state.space, state.id)
        waiting = self.store.queued(state.space, state_id=state.id, limit=SHOWN)
        parked = self.store.conflicts(
            state.space, status=ConflictStatus.OPEN, state_id=state.id, limit=1
        )
        if parked:
            status = SyncStatus.CONFLICT
        elif key in self.journal.errors:
            status = SyncStatus.ERROR
        elif waiting:
            draining = key in self.journal.draining
            status = SyncStatus.SYNCING if draining else SyncStatus.PENDING
        else:
            status = SyncStatus.SYNCED
        all_shown = Right.ADMIN in rights(state, caller)
        shown = [each for each in waiting if all_shown or each.agent == caller.name]
        return msgspec.structs.replace(
            state,
            sync_status=status,
            pending_ops=tuple(op for each in shown for op in pending_of(each)),
            last_sync=None if waiting else state.timestamp,
        )

    def _read_event(self, caller: Caller, state: SharedState) -> StateEvent:
        return StateEvent(
            type=EventType.STATE_READ,
            timestamp=self._clock(),
            space=state.space,
            state_id=state.id,
            uid=state.uid,
            version=state.version,
            agent_id=caller.name,
        )


def _filters(given: Mapping[str, Any]) -> Filters:
    try:
        return msgspec.convert(dict(given), Filters, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid("There is no such filter.", fields={"filters": [str(error)]}) from None
