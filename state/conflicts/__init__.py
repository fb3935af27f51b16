"""What happens when a write meets others': detection, resolution and how it is told (shared-state 1.5 to 1.8).

Pure: no clock, no chance, no storage. The manager asks `decide`, and commits what it answers.
"""

from __future__ import annotations

from state.conflicts.deciding import decide
from state.conflicts.decisions import Apply, Decision, Park, Refuse, Settlement, Unchanged
from state.conflicts.describing import etag, problem
from state.conflicts.detector import ConflictDetector, Publisher, Resolver
from state.conflicts.rehearsing import rehearse
from state.conflicts.rule import ConflictRule, DefaultConflictRule, Finder

__all__ = [
    "Apply",
    "ConflictDetector",
    "ConflictRule",
    "Decision",
    "DefaultConflictRule",
    "Finder",
    "Park",
    "Publisher",
    "Refuse",
    "Resolver",
    "Settlement",
    "Unchanged",
    "decide",
    "etag",
    "problem",
    "rehearse",
]
