"""The one question the manager asks: what becomes of this write?"""

from __future__ import annotations

from state.conflicts.analysis import Analysis
from state.conflicts.decisions import Decision
from state.conflicts.detector import ConflictDetector
from state.conflicts.resolving import finished
from state.values import Incoming, SharedState


def decide(incoming: Incoming, head: SharedState, detector: ConflictDetector) -> Decision:
    """Judge a write on the present state; pure, the same answer to the same question.

    Raises Unprocessable (the writer's own error: wrong on its own base too, or a looser resolution than allowed),
    Compacted, Unresolved, Damaged, and StarsError (500) for a rule or resolver that fails.
    """
    analysis = Analysis(incoming, head)
    resolution = analysis.resolution
    conflict = detector.examine(analysis)
    if conflict is not None:
        return detector.settle(analysis, conflict, resolution)
    rebased = analysis.rebased
    return finished(analysis, rebased.data, merged=bool(rebased.joined))
