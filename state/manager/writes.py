"""Writes on one state: create, update, delete, configure, restore. Each judges the state as its turn finds it."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from state import conflicts, jsonvalue
from state.manager import settings
from state.manager.answers import WriteResult, WriteStatus
from state.manager.drafting import (
    drafted,
    entry_of,
    recorded_revision,
)
from state.manager.jobs import Draft, Job, View, plain
from state.manager.reading import entry_at, of_this_life
from state.persistence.base import PersistenceLayer
from state.policy import Caller, Right, require, rights
from state.refusals import (
    BaseRequired,
    Conflicting,
    DocumentTooLarge,
    Frozen,
    NotPermitted,
    Stale,
    StateExists,
    StateNotFound,
    TooMany,
    VersionNotFound,
)
from state.values import (
    Committed,
    ConsistencyLevel,
    EntryKind,
    Json,
    Limits,
    Operation,
    OperationType,
    SharedState,
    StateManagerConfig,
    StateType,
)


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """What a writer says it had seen."""

    version: int | None = None
    uid: str | None = None
    #: Any other version is refused.
    exact: bool = False
    #: The precondition stood in a header (412 instead of 409).
    header: bool = False
    #: The writer needs no base even where the state asks for one: what it writes depends on nothing there.
    blind: bool = False

    def check(self, state: SharedState) -> None:
        """For writes that are not merged: raises Stale or Conflicting when a given base is not the present version."""
        other = self.version is not None and self.version != state.version
        if other or (self.uid is not None and self.uid != state.uid):
            extra = {"state": state.id, "base_version": self.version, "head_version": state.version}
            extra |= {"etag": conflicts.etag(state), "conflict_type": "version", "retryable": True}
            raise (Stale if self.header else Conflicting)(extra=extra)


class StateJob(Job):
    """A write on one state; `result` is there once it is settled without error."""

    result: WriteResult

    def __init__(self, caller: Caller, state_id: str, **identity: Any) -> None:
        """`identity`: op_id, digest, journalled (see Job)."""
        super().__init__(caller, **identity)
        self.state_id = state_id

    @property
    def ids(self) -> tuple[str, ...]:
        """The one state."""
        return (self.state_id,)

    def answer(self, committed: Committed) -> None:
        """Complete what was drafted with the revision it got."""
        if committed.states:
            state = committed.states[0]
            self.result = msgspec.structs.replace(self.result, revision=state.revision, state=state)

    def replay(self, outcome: dict[str, Json], store: PersistenceLayer) -> None:
        """As it was answered then."""
        found = msgspec.convert({**outcome, "replayed": True}, WriteResult)
        revision = recorded_revision(store, self.caller.space, found.state_id, found.version)
        self.result = msgspec.structs.replace(found, revision=revision)

    def outcome(self, draft: Draft) -> dict[str, Json]:
        """The answer, to be given again."""
        return self.result.outcome()

    def _result(self, state: SharedState, status: WriteStatus, **more: Any) -> None:
        self.result = WriteResult(
            status=status,
            state_id=state.id,
            uid=state.uid,
            version=state.version,
            revision=state.revision,
            op_id=self.op_id,
            state=state,
            **more,
        )

    def _unchanged(self, state: SharedState) -> Draft:
        self._result(state, WriteStatus.UNCHANGED)
        return Draft()

    def _living(self, view: View) -> SharedState:
        state = view.get(self.state_id)
        if state is None or state.deleted:
            raise StateNotFound
        return state


def within(limits: Limits, data: dict[str, Json]) -> None:
    size = jsonvalue.size(data)
    if size > limits.document_bytes:
        raise DocumentTooLarge(
            f"The document would have {size:,} bytes; at most {limits.document_bytes:,} are allowed."
        )
    jsonvalue.check(data, max_depth=limits.document_depth)


class Create(StateJob):
    """A new state, or the next life of a deleted one."""

    def __init__(
        self,
        caller: Caller,
        state_id: str,
        kind: StateType,
        data: dict[str, Json],
        given: dict[str, Any],
        *,
        config: StateManagerConfig,
        limits: Limits,
        note: dict[str, Json],
        ahead: int = 0,
        **identity: Any,
    ) -> None:
        """`ahead`: how many new states the same transaction makes before this one."""
        super().__init__(caller, state_id, **identity)
        self.kind, self.data, self.given, self.note = kind, data, given, note
        self.config, self.limits, self.ahead = config, limits, ahead

    def judge(self, view: View) -> Draft:
        """Raises StateExists, NotPermitted, TooMany, Unprocessable."""
        caller = self.caller
        if caller.read_only or not (caller.member or caller.admin):
            raise NotPermitted(extra={"required": "write"})
        if self.kind is StateType.GLOBAL and not caller.admin:
            raise NotPermitted(extra={"required": "admin"})
        before = view.get(self.state_id)
        if before is not None and not before.deleted:
            seen = bool(rights(before, caller))
            extra = {"state": before.id, "version": before.version, "etag": conflicts.etag(before)}
            raise StateExists(fields={"id": [StateExists().message]}, extra=extra if seen else {})
        active = view.store.counts(view.space)["active_states"] + self.ahead
        if active >= self.limits.states_per_space:
            raise TooMany(f"A space has at most {self.limits.states_per_space:,} states.")
        owners = tuple(self.given.get("owners", ()))
        if caller.name != "system" and caller.name not in owners:
            owners = (caller.name, *owners)
        state = SharedState(
            id=self.state_id,
            space=caller.space,
            uid=uuid.uuid4().hex,
            type=self.kind,
            data=self.data,
            version=before.version if before else 0,
            timestamp=view.now,
            created_at=view.now,
            **{**settings.starting(self.kind, self.config), **self.given, "owners": owners},
        )
        settings.check_data(state, self.data)
        within(self.limits, self.data)
        written = drafted(
            state,
            entry_of(
                self,
                state,
                EntryKind.CREATE,
                view,
                ops=(Operation(OperationType.SET, "", self.data),),
                metadata=self.note,
            ),
            expect=before.version if before else 0,
        )
        self._result(written.state, WriteStatus.APPLIED)
        return Draft(writes=(written,))


class Delete(StateJob):
    """A tombstone."""

    def __init__(
        self,
        caller: Caller,
        state_id: str,
        base: Base,
        *,
        reason: str = "",
        note: dict[str, Json] | None = None,
        **identity: Any,
    ) -> None:
        super().__init__(caller, state_id, **identity)
        self.base, self.reason, self.note = base, reason, note or {}

    def judge(self, view: View) -> Draft:
        """Raises StateNotFound, NotPermitted, Stale, Conflicting, BaseRequired, Frozen."""
        head = self._living(view)
        require(head, self.caller, Right.DELETE)
        self.base.check(head)
        if head.frozen and not self.reason:
            raise Frozen
        strong = head.consistency is ConsistencyLevel.STRONG
        if strong and self.base.version is None and not (self.base.blind or self.reason):
            raise BaseRequired
        state = msgspec.structs.replace(
            head,
            data={},
            deleted=True,
            deleted_reason=self.reason,
            frozen=False,
            timestamp=view.now,
        )
        entry = entry_of(
            self,
            state,
            EntryKind.DELETE,
            view,
            base_version=self.base.version,
            ops=(Operation(OperationType.DELETE, ""),),
            metadata={**self.note, "reason": self.reason} if self.reason else self.note,
        )
        written = drafted(state, entry, expect=head.version)
        self._result(written.state, WriteStatus.APPLIED)
        return Draft(writes=(written,))


class Configure(StateJob):
    """A change of settings: a new version with the same data."""

    def __init__(
        self, caller: Caller, state_id: str, given: dict[str, Any], base: Base, **identity: Any
    ) -> None:
        super().__init__(caller, state_id, **identity)
        self.given, self.base = given, base

    def judge(self, view: View) -> Draft:
        """Raises StateNotFound, NotPermitted, Stale, Conflicting, Unprocessable."""
        head = self._living(view)
        require(head, self.caller, Right.ADMIN)
        self.base.check(head)
        state = msgspec.structs.replace(head, **self.given)
        changed = {
            name: value
            for name, value in plain(self.given).items()
            if not jsonvalue.json_equal(value, plain(getattr(head, name)))
        }
        if not changed:
            return self._unchanged(head)
        if "schema" in changed:
            settings.check_data(state, head.data)
        state = msgspec.structs.replace(state, timestamp=view.now)
        entry = entry_of(
            self, state, EntryKind.CONFIG, view, base_version=self.base.version, config=changed
        )
        written = drafted(state, entry, expect=head.version)
        self._result(written.state, WriteStatus.APPLIED)
        return Draft(writes=(written,))


class Restore(StateJob):
    """An old version's data as a new version."""

    def __init__(
        self,
        caller: Caller,
        state_id: str,
        version: int,
        base: Base,
        *,
        limits: Limits,
        **identity: Any,
    ) -> None:
        super().__init__(caller, state_id, **identity)
        self.version, self.base, self.limits = version, base, limits

    def judge(self, view: View) -> Draft:
        """Raises StateNotFound, NotPermitted, Frozen, VersionNotFound, Compacted, Stale, Conflicting, BaseRequired,
        Unprocessable, DocumentTooLarge."""
        head = self._living(view)
        require(head, self.caller, Right.WRITE)
        if head.frozen:
            raise Frozen
        self.base.check(head)
        strong = head.consistency is ConsistencyLevel.STRONG
        if strong and self.base.version is None and not self.base.blind:
            raise BaseRequired
        data = self._past(view, head)
        if jsonvalue.json_equal(data, head.data):
            return self._unchanged(head)
        state = msgspec.structs.replace(head, data=data, timestamp=view.now)
        settings.check_data(state, data)
        within(self.limits, data)
        entry = entry_of(
            self,
            state,
            EntryKind.RESTORE,
            view,
            base_version=self.base.version,
            # What really changes, so that blame keeps the writers of what does not.
            ops=jsonvalue.diff(head.data, data),
            metadata={"restored": self.version},
        )
        written = drafted(state, entry, expect=head.version)
        self._result(written.state, WriteStatus.APPLIED)
        return Draft(writes=(written,))

    def _past(self, view: View, head: SharedState) -> dict[str, Json]:
        """The old version's data; what bore the id in an earlier life is for admins of the space only."""
        if not self.caller.admin and not of_this_life(
            head, self.version, entry_at(view.store, head, self.version)
        ):
            raise VersionNotFound
        return view.data_at(self.state_id, self.version)


__all__ = ["Base", "Configure", "Create", "Delete", "Restore", "StateJob", "within"]
