"""Who may read which state of a space, as it stands now: what is sent is judged when it is sent (shared-state 1.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from state.policy import Caller, Right, rights
from state.values import SharedState

#: Readers of one state whose answers are kept.
MAX_ANSWERS: Final = 2000


class PolicyChange(NamedTuple):
    """A state's settings before (None: it was not there) and now."""

    state_id: str
    before: SharedState | None
    after: SharedState

    def was_seen(self, caller: Caller) -> bool:
        """Whether the caller could read it before."""
        return self.before is not None and sees(self.before, caller)

    def is_seen(self, caller: Caller) -> bool:
        """Whether it can now, and what it could read was this life of the state."""
        return sees(self.after, caller)


def sees(state: SharedState, caller: Caller) -> bool:
    """Whether the caller may read the state (or, of a deleted one, that it was deleted)."""
    return caller.admin or Right.READ in rights(state, caller)


class Policies:
    """The settings of all states of a space, without their data; tombstones included."""

    def __init__(self) -> None:
        self._states: dict[str, SharedState] = {}
        #: Answers that were given, by state: the same readers ask at every change.
        self._answers: dict[str, dict[Caller, bool]] = {}

    def put(self, states: Iterable[SharedState]) -> list[PolicyChange]:
        """Take what is newer than what is known; what changed."""
        changes = []
        for each in states:
            before = self._states.get(each.id)
            if before is not None and before.version >= each.version and before.uid == each.uid:
                continue
            after = msgspec.structs.replace(each, data={})
            self._states[each.id] = after
            self._answers.pop(each.id, None)
            changes.append(PolicyChange(each.id, before, after))
        return changes

    def clear(self) -> None:
        """Forget all."""
        self._states.clear()
        self._answers.clear()

    def sees(self, caller: Caller, state_id: str, uid: str | None = None) -> bool:
        """Whether the caller may read the state; with `uid`, what happened in that life of it (an earlier life had
        other readers, whom nobody remembers: only admins of the space see it)."""
        if caller.admin:
            return True
        state = self._states.get(state_id)
        if state is None or (uid is not None and state.uid != uid):
            return False
        answers = self._answers.setdefault(state_id, {})
        found = answers.get(caller)
        if found is None:
            if len(answers) >= MAX_ANSWERS:
                answers.clear()
            found = answers[caller] = sees(state, caller)
        return found

    def states(self) -> Iterable[SharedState]:
        """All of them."""
        return self._states.values()
