"""A local copy of the states of one subscription: always a prefix of the server's history (shared-state 2.2). Pure.

Frames go in, changes come out. Where a frame is missing, or a hash does not fit, nothing more is taken and `lost` says
so: subscribe again as `ask` says. Frames that come twice, and those of before that, do no harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec

from state import jsonvalue
from state.jsonvalue import Inapplicable
from state.sync.client.values import Change, ChangeKind, State, state_of
from state.sync.protocol import Delta, Mark, Reset, Revoked, Snap, WireEntry
from state.values import EntryKind

Frame: TypeAlias = Snap | Delta | Mark | Reset | Revoked


class Lost(StrEnum):
    """Why a replica cannot go on."""

    GAP = "gap"
    INTEGRITY = "integrity"


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A replica as it is kept, with the token that belongs to it."""

    token: str
    revision: int
    states: tuple[State, ...]


class _Misfit(Exception):
    """A frame does not follow what the replica has."""

    def __init__(self, lost: Lost) -> None:
        self.lost = lost


class Replica:
    """See above."""

    def __init__(self, *, verify: bool = True, saved: Saved | None = None) -> None:
        """With `verify`, states are held against the hashes that come with them."""
        self._verify = verify
        #: What frames are applied to; while a snapshot is under way it is no prefix of anything and not shown.
        self._work: dict[str, State] = {}
        self._shown: dict[str, State] = {}
        self.states: Mapping[str, State] = MappingProxyType(self._shown)
        #: Up to there all frames were applied.
        self.revision = 0
        #: To come back to a place at or before `revision`; "": to a snapshot.
        self.token = ""
        #: Marks that were taken.
        self.marks = 0
        #: The server said that this is (or was) all there is.
        self.synced = False
        self.lost: Lost | None = None
        #: A whole snapshot comes next; or soon, after frames of the subscription before.
        self._anew: Literal["", "next", "soon"] = "next"
        #: The next part of the snapshot under way (0: none is), and the revision of the last one that was whole.
        self._part = self._snapped = 0
        #: Whether `_work` is shown as it is.
        self._whole = True
        #: Deletions behind the token: (uid, version, revision).
        self._gone: dict[str, tuple[str, int, int]] = {}
        #: Nothing was taken since the last question.
        self._barren = False
        if saved is not None and saved.token:
            self._work = {each.id: each for each in saved.states}
            self._shown.update(self._work)
            self.revision, self.token, self._anew = saved.revision, saved.token, ""

    def ask(self, *, fresh: bool) -> tuple[str | None, Literal["", "integrity"]]:
        """The token (None: a snapshot) to subscribe from now, and why; on a fresh connection, or on the same."""
        why: Literal["", "integrity"] = "integrity" if self.lost is Lost.INTEGRITY else ""
        if why or (self.lost and self._barren):
            # From that token the same would come again.
            self.token = ""
        self.lost, self.synced, self._barren, self._part = None, False, True, 0
        if not self._whole:
            self.token = ""
        if not self.token:
            self._anew = "next" if fresh else "soon"
        return self.token or None, why

    def forget_token(self) -> None:
        """The server does not take it."""
        self.token = ""

    def saved(self) -> Saved | None:
        """To be kept; None while there is nothing to come back to."""
        if not (self._whole and self.token and not self._anew):
            return None
        return Saved(token=self.token, revision=self.revision, states=tuple(self._work.values()))

    def receive(self, frame: Frame) -> list[Change]:
        """What the frame changes in what is shown, in order."""
        if isinstance(frame, Reset):
            return self._reset(frame)
        if isinstance(frame, Revoked):
            return self._revoked(frame)
        if self.lost:
            return []
        try:
            if isinstance(frame, Snap):
                self._snap(frame)
                return []
            if self._anew == "soon":
                return []
            if self._anew or self._part or frame.prev > self.revision:
                raise _Misfit(Lost.GAP)
            changes = self._delta(frame) if isinstance(frame, Delta) else []
        except _Misfit as misfit:
            self.lost, self.synced = misfit.lost, False
            return []
        if frame.rev >= self.revision:
            self.revision, self.synced = frame.rev, frame.synced
            if frame.token:
                self.token = frame.token
                self._gone.clear()
        self._barren = False
        self.marks += isinstance(frame, Mark)
        if self._whole:
            return changes
        return self._show() if frame.synced else []

    # -- one method per frame ----------------------------------------------------------------------

    def _reset(self, frame: Reset) -> list[Change]:
        self._work.clear()
        self._shown.clear()
        self._gone.clear()
        self.revision, self.token, self.synced, self.lost = 0, "", False, None
        self._anew, self._part, self._snapped, self._whole = "next", 0, 0, True
        return [Change(kind=ChangeKind.RESET, revision=frame.head, reason=frame.reason)]

    def _revoked(self, frame: Revoked) -> list[Change]:
        changes = []
        for each in frame.states:
            self._work.pop(each, None)
            before = self._shown.pop(each, None)
            if before is not None:
                changes.append(
                    Change(
                        kind=ChangeKind.REVOKED, state=each, revision=self.revision, before=before
                    )
                )
        return changes

    def _snap(self, frame: Snap) -> None:
        if self._anew:
            if frame.part != 1:
                if self._anew == "soon":
                    return
                raise _Misfit(Lost.GAP)
            self._work.clear()
            self._gone.clear()
            self._anew, self.revision, self.token = "", 0, ""
        elif frame.rev < self.revision or frame.part < self._part:
            return  # it came before
        elif frame.part != (self._part or 1):
            if not self._part and frame.rev <= self._snapped:
                return
            raise _Misfit(Lost.GAP)
        self._whole = False
        for given in frame.states:
            mine, gone = self._work.get(given.id), self._gone.get(given.id)
            if mine is not None:
                older = _is_past(
                    given.uid, given.v, given.rev, mine.uid, mine.version, mine.revision
                )
            else:
                older = gone is not None and _is_past(given.uid, given.v, given.rev, *gone)
            if not older:
                state = state_of(given)
                self._check(state, given.h)
                self._work[given.id] = state
        self._part = 0 if frame.last else frame.part + 1
        if frame.last:
            self.revision = max(self.revision, frame.rev)
            self._snapped = frame.rev

    def _delta(self, frame: Delta) -> list[Change]:
        if frame.rev <= self.revision:
            return []
        # All of the frame or nothing: it is whole revisions.
        draft: dict[str, State | None] = {}
        gone = self._gone.copy()
        changes: list[Change] = []
        for entry in frame.entries:
            before = draft[entry.id] if entry.id in draft else self._work.get(entry.id)
            if _is_known(entry, before, gone):
                continue
            after = draft[entry.id] = self._after(entry, before)
            if after is None:
                gone[entry.id] = (entry.uid, entry.v, entry.rev)
            changes.append(
                Change(
                    kind=ChangeKind.ENTRY,
                    state=entry.id,
                    revision=entry.rev,
                    before=before,
                    after=after,
                    entry=entry,
                )
            )
        self._gone = gone
        for name, state in draft.items():
            _put(self._work, name, state)
            if self._whole:
                _put(self._shown, name, state)
        return changes

    # -- entries -----------------------------------------------------------------------------------

    def _after(self, entry: WireEntry, mine: State | None) -> State | None:
        """The state after the entry; None: deleted. Raises _Misfit."""
        replaces = entry.kind is EntryKind.CREATE or (
            entry.coalesced and bool(entry.ops) and entry.ops[0].path == ""
        )
        continues = mine is not None and (mine.uid, mine.version) == (entry.uid, entry.pv)
        if not (replaces or continues):
            raise _Misfit(Lost.GAP)
        if entry.kind is EntryKind.DELETE:
            return None
        frozen = entry.config.get("frozen", mine is not None and not replaces and mine.frozen)
        try:
            data = jsonvalue.apply({} if replaces or mine is None else mine.data, entry.ops)
        except Inapplicable:
            raise _Misfit(Lost.INTEGRITY) from None
        state = State(
            id=entry.id,
            uid=entry.uid,
            version=entry.v,
            revision=entry.rev,
            data=data,
            frozen=bool(frozen),
        )
        self._check(state, entry.h)
        return state

    def _check(self, state: State, wanted: str) -> None:
        if self._verify and wanted and jsonvalue.digest(state.data) != wanted:
            raise _Misfit(Lost.INTEGRITY)

    # -- showing -----------------------------------------------------------------------------------

    def _show(self) -> list[Change]:
        """What came whole is whole now: show it, and say what is other than it was."""
        changes = []
        for name in sorted(self._shown.keys() | self._work.keys()):
            before, after = self._shown.get(name), self._work.get(name)
            if _identity(before) != _identity(after):
                changes.append(
                    Change(
                        kind=ChangeKind.SNAPSHOT,
                        state=name,
                        revision=after.revision if after else self.revision,
                        before=before,
                        after=after,
                    )
                )
                _put(self._shown, name, after)
        self._whole = True
        return changes


def _is_past(uid: str, v: int, rev: int, my_uid: str, my_v: int, my_rev: int) -> bool:
    """Whether this version of a state is mine or older; lives of a state follow each other by revision."""
    return v <= my_v if uid == my_uid else rev < my_rev


def _is_known(
    entry: WireEntry, mine: State | None, gone: Mapping[str, tuple[str, int, int]]
) -> bool:
    """Whether there is nothing to do: it was applied before, or is about a state that was not given (yet)."""
    if mine is not None:
        known = (mine.uid, mine.version, mine.revision)
    elif entry.kind is not EntryKind.CREATE:
        return True
    elif entry.id in gone:
        known = gone[entry.id]
    else:
        return False
    return _is_past(entry.uid, entry.v, entry.rev, *known)


def _identity(state: State | None) -> tuple[str, int] | None:
    return None if state is None else (state.uid, state.version)


def _put(states: dict[str, State], name: str, state: State | None) -> None:
    if state is None:
        states.pop(name, None)
    else:
        states[name] = state
