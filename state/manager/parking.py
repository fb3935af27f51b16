"""Parked conflicts: the inbox of the StateManager."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import msgspec

from state import jsonvalue
from state.errors import Invalid
from state.manager.answers import (
    WriteResult,
)
from state.manager.core import Core
from state.manager.resolving import Answer, Resolve, may_resolve
from state.manager.writes import Base
from state.policy import Caller, Right, rights
from state.refusals import (
    ConflictNotFound,
    StateNotFound,
)
from state.values import (
    ConflictRecord,
    ConflictStatus,
    SharedState,
)

#: Conflicts that are looked through for those that the caller may see.
MOST: Final = 1_000


class Parking(Core):
    """Conflicts that wait for somebody."""

    def conflicts(
        self,
        caller: Caller,
        *,
        status: ConflictStatus | None = ConflictStatus.OPEN,
        state_id: str | None = None,
        limit: int = 100,
    ) -> list[ConflictRecord]:
        """Parked conflicts of states that the caller may read, newest first, looked for among the newest MOST.

        Those of what bore a state's id in an earlier life are shown to admins of the space only.
        """
        store, shown = self._opened(caller.space), list[ConflictRecord]()
        for most in (limit, MOST):  # whoever may read all asks once
            found = store.conflicts(caller.space, status=status, state_id=state_id, limit=most)
            states = store.load_states(caller.space, {each.state_id for each in found})
            shown = [each for each in found if _shows(each, states.get(each.state_id), caller)]
            if len(shown) >= limit or len(found) < most:
                break
        return shown[:limit]

    def conflicts_everywhere(
        self, callers: Mapping[str, Caller], *, limit: int = 100
    ) -> list[ConflictRecord]:
        """Of the newest MOST open conflicts of all spaces those that whoever is the caller in each may settle."""
        shown = [
            record
            for record, state in self.store.open_conflicts(MOST)
            if (caller := callers.get(record.space)) is not None
            and _shows(record, state, caller)
            and may_resolve(record, state, caller)
        ]
        return shown[:limit]

    def conflict(self, caller: Caller, conflict_id: str) -> ConflictRecord:
        """One parked conflict. Raises ConflictNotFound."""
        found = self._opened(caller.space).find_conflict(caller.space, conflict_id)
        if found is None:
            raise ConflictNotFound
        with suppress(StateNotFound):
            state = self._readable(caller, found.state_id, tombstone=True)
            if _shows(found, state, caller):
                return found
        raise ConflictNotFound

    def may_resolve(self, caller: Caller, record: ConflictRecord) -> bool:
        """Whether the caller is asked, or is an admin of the state."""
        return may_resolve(record, self.store.load_state(caller.space, record.state_id), caller)

    def resolve_conflict(
        self,
        caller: Caller,
        conflict_id: str,
        answer: Answer,
        *,
        expected_head: int | None = None,
        op_id: str = "",
    ) -> WriteResult:
        """Settle a parked conflict; `expected_head` is the version of the state that the answer was made for.

        Raises ConflictNotFound, ConflictClosed, NotPermitted, Conflicting (the state moved on), Invalid, Frozen.
        """
        record = self.conflict(caller, conflict_id)
        given = sum(
            (
                answer.value is not None,
                bool(answer.ops),
                answer.picks is not None or answer.values is not None,
                answer.dismiss,
            )
        )
        if given != 1:
            text = "Give exactly one of value, ops, picks and dismiss."
            raise Invalid(text, fields={"value": [text]})
        if answer.value is not None:
            jsonvalue.check(answer.value, max_depth=self.limits.document_depth)
        if answer.values is not None:
            jsonvalue.check(dict(answer.values), max_depth=self.limits.document_depth)
        if answer.ops:
            answer = msgspec.structs.replace(answer, ops=self._operations(answer.ops))
        digest = self._digest(op_id, "resolve", conflict_id, answer=answer, head=expected_head)
        job = Resolve(
            caller,
            record.state_id,
            conflict_id,
            answer,
            Base(version=expected_head),
            limits=self.limits,
            op_id=op_id,
            digest=digest,
        )
        return self._result(job)


def _shows(record: ConflictRecord, state: SharedState | None, caller: Caller) -> bool:
    """Whether the caller may see the conflict of that state."""
    if state is None or Right.READ not in rights(state, caller):
        return False
    return caller.admin or record.uid == state.uid
