"""The contract of conflict rules, and the rule that Stars itself goes by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from state.conflicts import causes, describing, resolving
from state.conflicts.analysis import Analysis
from state.conflicts.decisions import Settlement
from state.values import ConflictInfo, ConflictResolution, Incoming, SharedState

#: A rule that only finds; what it finds is refused, or parked where the state says so.
Finder = Callable[[Incoming, SharedState], ConflictInfo | None]


@runtime_checkable
class ConflictRule(Protocol):
    """What judges writes. Pure: no clock, no chance, no I/O, and what it is given stays as it is."""

    def detect_conflict(self, incoming: Incoming, current: SharedState) -> ConflictInfo | None:
        """The conflict with all its causes, or None."""
        ...

    def resolve_conflict(
        self,
        conflict: ConflictInfo,
        strategy: ConflictResolution,
        incoming: Incoming,
        current: SharedState,
    ) -> Settlement | None:
        """What becomes of the write; None: this rule is not able to say."""
        ...


class FinderRule:
    """A plain function as a rule: it finds, and leaves settling to others."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder

    def detect_conflict(self, incoming: Incoming, current: SharedState) -> ConflictInfo | None:
        """What the function finds."""
        return self._finder(incoming, current)

    def resolve_conflict(
        self,
        conflict: ConflictInfo,
        strategy: ConflictResolution,
        incoming: Incoming,
        current: SharedState,
    ) -> Settlement | None:
        """Never able."""
        return None


class DefaultConflictRule:
    """Steps 2 to 8 of detection and the resolutions reject, last_write and merge (shared-state 1.5 to 1.7)."""

    def detect_conflict(self, incoming: Incoming, current: SharedState) -> ConflictInfo | None:
        """Raises Unprocessable for a write that is wrong on its own base too, Compacted, Damaged."""
        return self.judge(Analysis(incoming, current))

    def resolve_conflict(
        self,
        conflict: ConflictInfo,
        strategy: ConflictResolution,
        incoming: Incoming,
        current: SharedState,
    ) -> Settlement | None:
        """None for `custom`, and for what other rules have found."""
        return self.settle(Analysis(incoming, current), conflict, strategy)

    def judge(self, analysis: Analysis) -> ConflictInfo | None:
        """`detect_conflict` of what has been laid side by side already."""
        found = causes.find(analysis)
        return describing.described(analysis, found) if found else None

    def settle(
        self, analysis: Analysis, conflict: ConflictInfo, strategy: ConflictResolution
    ) -> Settlement | None:
        """`resolve_conflict` of what has been laid side by side already."""
        return resolving.settle(analysis, conflict, strategy)
