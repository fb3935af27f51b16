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
from state.values import EntryKind, OperationType

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
        #: A whole snapshot comes next; or soon, after frames of the subscription before; or after a reset.
        self._anew: Literal["", "next", "soon", "reset"] = "next"
        #: What was on its way before it was asked again may still come, and follows nothing here.
        self._stale = False
        #: The next part of the snapshot under way (0: none is), and the revision of the last one that was whole.
        self._part = self._snapped = 0
        #: Until when `_work` is not shown: a snapshot of all until it is consistent, one of some until its end.
        self._hidden: Literal["", "synced", "last"] = ""
        #: Deletions by the last frame and behind the token: (uid, version, revision).
        self._gone: dict[str, tuple[str, int, int]] = {}
        #: Nothing was taken since the last question.
        self._barren = False
        if saved is not None and saved.token:
            self._work = {each.id: each for each in saved.states}
            self._shown |= self._work
            self.revision, self.token, self._anew = saved.revision, saved.token, ""

    def ask(self, *, fresh: bool) -> tuple[str | None, Literal["", "integrity"]]:
        """The token (None: a snapshot) to subscribe from now, and why; on a fresh connection, or on the same."""
        why: Literal["", "integrity"] = "integrity" if self.lost is Lost.INTEGRITY else ""
        if why or (self.lost and self._barren):
            # From that token the same would come again.
            self.token = ""
        self.lost, self.synced, self._barren, self._part = None, False, True, 0
        if self._hidden:
            self.token = ""
        self._stale = not fresh
        if not self.token:
            self._anew = "next" if fresh else "reset" if why else "soon"
        return self.token or None, why

    @property
    def is_waiting(self) -> bool:
        """Whether the answer to a question on the same connection has not come yet."""
        return self._stale or self._anew in ("soon", "reset")

    @property
    def is_placed(self) -> bool:
        """Whether `ask` can tell what comes next from what is on its way on the same connection: there is a token, or a
        reset comes first."""
        again = self.lost and self._barren
        return self.lost is Lost.INTEGRITY or bool(
            self.token and not self._hidden and not self._anew and not again
        )

    def give_up(self) -> None:
        """That answer does not come: ask again."""
        self.lost = Lost.GAP

    def forget_token(self) -> None:
        """The server does not take it."""
        self.token = ""

    def saved(self) -> Saved | None:
        """To be kept; None while there is nothing to come back to."""
        if self._hidden or self._anew or not self.token:
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
                return self._snap(frame)
            if self._anew in ("soon", "reset") or (self._stale and frame.prev > self.revision):
                return []
            if self._anew or self._part or frame.prev > self.revision:
                raise _Misfit(Lost.GAP)
            changes = self._delta(frame) if isinstance(frame, Delta) else []
        except _Misfit as misfit:
            self.lost, self.synced = misfit.lost, False
            return []
        if frame.rev >= self.revision:
            self.revision, self.synced = frame.rev, frame.synced
            self.token = frame.token or self.token
        self._barren = self._stale = False
        self.marks += isinstance(frame, Mark)
        if not self._hidden:
            return changes
        return self._show() if frame.synced else []

    # -- one method per frame ----------------------------------------------------------------------

    def _reset(self, frame: Reset) -> list[Change]:
        self._work.clear()
        self._shown.clear()
        self._gone.clear()
        self.revision, self.token, self.synced, self.lost = 0, "", False, None
        self._stale = False
        self._anew, self._part, self._snapped, self._hidden = "next", 0, 0, ""
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

    def _snap(self, frame: Snap) -> list[Change]:
        if self._anew:
            if self._anew == "reset":
                return []  # states that were granted before the server heard of it
            if frame.part != 1:
                if self._anew == "soon":
                    return []
                raise _Misfit(Lost.GAP)
            self._work.clear()
            self._gone.clear()
            self._anew, self.revision, self.token, self._hidden = "", 0, "", "synced"
            self._stale = False
        elif frame.rev < self.revision or frame.part < self._part:
            return []  # it came before
        elif frame.part != (self._part or 1):
            if not self._part and frame.rev <= self._snapped:
                return []
            raise _Misfit(Lost.GAP)
        self._hidden = self._hidden or "last"
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
            if self._hidden == "last":
                return self._show()
        return []

    def _delta(self, frame: Delta) -> list[Change]:
        if frame.rev < self.revision:
            return []
        # All of the frame or nothing: it is whole revisions.
        draft: dict[str, State | None] = {}
        # What comes again is this frame, or what lies behind the token.
        forget = frame.token and frame.rev > self.revision
        gone = {} if forget else self._gone.copy()
        changes: list[Change] = []
        for entry in frame.entries:
            before = draft[entry.id] if entry.id in draft else self._work.get(entry.id)
            if _is_known(entry, before, self._gone):
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
            if not self._hidden:
                _put(self._shown, name, state)
        return changes

    # -- entries -----------------------------------------------------------------------------------

    def _after(self, entry: WireEntry, mine: State | None) -> State | None:
        """The state after the entry; None: deleted. Raises _Misfit."""
        if entry.kind is EntryKind.DELETE:
            return None  # whatever came before
        replaces = _replaces(entry)
        continues = mine is not None and (mine.uid, mine.version) == (entry.uid, entry.pv)
        if not (replaces or continues):
            raise _Misfit(Lost.GAP)
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
        self._hidden = ""
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
    elif entry.kind is EntryKind.DELETE or not _replaces(entry):
        return True
    elif entry.id in gone:
        known = gone[entry.id]
    else:
        return False
    return _is_past(entry.uid, entry.v, entry.rev, *known)


def _replaces(entry: WireEntry) -> bool:
    """Whether it holds whatever stood there before, and even if nothing did."""
    if entry.kind is EntryKind.CREATE:
        return True
    first = entry.ops[0] if entry.coalesced and entry.ops else None
    return first is not None and (first.op, first.path) == (OperationType.SET, "")


def _identity(state: State | None) -> tuple[str, int] | None:
    return None if state is None else (state.uid, state.version)


def _put(states: dict[str, State], name: str, state: State | None) -> None:
    if state is None:
        states.pop(name, None)
    else:
        states[name] = state
