"""Who may read which state of a space, as it stands now: what is sent is judged when it is sent (shared-state 1.2)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from state.policy import Caller, Right, rights
from state.sync.ring import Revision
from state.values import Entry, SharedState

#: Answers kept, of all readers about all states; and changes of settings that are remembered.
MAX_ANSWERS: Final = 200_000
MAX_PAST: Final = 5_000


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
        self._count = 0
        #: By state and the version that changed them: what the settings were before.
        self._past: OrderedDict[tuple[str, int], SharedState | None] = OrderedDict()

    def put(self, states: Iterable[SharedState]) -> list[PolicyChange]:
        """Take what is newer than what is known; what changed."""
        changes = []
        for each in states:
            before = self._states.get(each.id)
            if before is not None and before.version >= each.version and before.uid == each.uid:
                continue
            after = msgspec.structs.replace(each, data={})
            self._states[each.id] = after
            self._count -= len(self._answers.pop(each.id, ()))
            changes.append(PolicyChange(each.id, before, after))
        return changes

    def clear(self) -> None:
        """Forget all."""
        self._states.clear()
        self._answers.clear()
        self._past.clear()
        self._count = 0

    def sees(self, caller: Caller, state_id: str, uid: str | None = None) -> bool:
        """Whether the caller may read the state; with `uid`, what happened in that life of it (an earlier life had
        other readers, whom nobody remembers: only admins of the space see it)."""
        if caller.admin:
            return True
        state = self._states.get(state_id)
        if state is None or (uid is not None and state.uid != uid):
            return False
        if self._count >= MAX_ANSWERS:
            self._answers.clear()
            self._count = 0
        answers = self._answers.setdefault(state_id, {})
        found = answers.get(caller)
        if found is None:
            found = answers[caller] = sees(state, caller)
            self._count += 1
        return found

    def shows(self, caller: Caller, state_id: str) -> bool:
        """Whether the state is there for the caller."""
        state = self._states.get(state_id)
        return state is not None and not state.deleted and self.sees(caller, state_id)

    def remember(self, revisions: Iterable[Revision]) -> None:
        """Keep what the settings were before these revisions, which come next; before they are `put`."""
        first = set[str]()
        for revision in revisions:
            for entry in revision.touched:
                if (
                    entry.state_id not in first
                ):  # what they were between two changes of one batch nobody knows
                    first.add(entry.state_id)
                    self._past[entry.state_id, entry.version] = self._states.get(entry.state_id)
        while len(self._past) > MAX_PAST:
            self._past.popitem(last=False)

    def never_showed(self, caller: Caller, entry: Entry) -> bool:
        """Whether it is known that the caller could not read the state just before this entry, either."""
        if (entry.state_id, entry.version) not in self._past:
            return False
        before = self._past[entry.state_id, entry.version]
        # Of what was deleted it perhaps was not told: the end of a life is hidden by the next one.
        return before is None or not sees(before, caller)

    def states(self) -> Iterable[SharedState]:
        """All of them."""
        return self._states.values()
