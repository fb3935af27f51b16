"""What a resolution makes of a conflict (shared-state 1.6): pure, from an analysis and a conflict to a settlement."""

from __future__ import annotations

from collections.abc import Iterable

from state import jsonvalue
from state.conflicts.analysis import Analysis, Join, pick_mine, pick_theirs, topmost
from state.conflicts.causes import (
    is_precondition,
    merge_causes,
    violation_causes,
)
from state.conflicts.decisions import Apply, Park, Refuse, Settlement, Unchanged
from state.conflicts.describing import with_causes
from state.conflicts.situation import same
from state.jsonvalue import APPEND, MISSING
from state.values import (
    Cause,
    ConflictInfo,
    ConflictResolution,
    ConflictType,
    Json,
    MergeFallback,
    Operation,
    OperationType,
    Overwritten,
    ReadPolicy,
)


def refused(conflict: ConflictInfo, causes: Iterable[Cause] = ()) -> Refuse:
    """Nothing is written. With `causes`, these only are what is unresolved, and all that is told."""
    left = tuple(causes)
    told = with_causes(conflict, left) if left else conflict
    return Refuse(conflict=told, unresolved=told.metadata["paths"])


def settle(
    analysis: Analysis, conflict: ConflictInfo, strategy: ConflictResolution
) -> Settlement | None:
    """By reject, last_write or merge; None where it takes somebody's judgement: `custom`, and what rules have found."""
    if strategy is ConflictResolution.REJECT or any(map(is_precondition, conflict.causes)):
        return refused(conflict)
    found_by_rule = any(cause.type is ConflictType.CUSTOM for cause in conflict.causes)
    if strategy is ConflictResolution.CUSTOM or found_by_rule:
        return None
    if strategy is ConflictResolution.LAST_WRITE:
        return _last_write(analysis, conflict)
    return _merge(analysis, conflict)


def finished(
    analysis: Analysis,
    data: dict[str, Json],
    *,
    overwrote: tuple[Overwritten, ...] = (),
    merged: bool = False,
    conflict: ConflictInfo | None = None,
    settled: ConflictResolution | None = None,
) -> Apply | Unchanged:
    """Commit `data`, if it is anything new."""
    if same(data, analysis.head.data):
        return Unchanged(conflict=conflict, settled=settled)
    return Apply(
        data=data,
        ops=_effective(analysis, data),
        overwrote=overwrote,
        merged=merged,
        conflict=conflict,
        settled=settled,
    )


def _effective(analysis: Analysis, data: dict[str, Json]) -> tuple[Operation, ...]:
    """What really happens to the head's data: the operations that change something, where they lead to `data`."""
    doc: Json = analysis.head.data
    kept: list[Operation] = []
    try:
        for op in analysis.ops:
            after = jsonvalue.apply(doc, (op,))
            if not op.path:
                kept += jsonvalue.diff(doc, after)
            elif _changes(doc, after, op):
                kept.append(op)
            doc = after
    except jsonvalue.Inapplicable:
        return jsonvalue.diff(analysis.head.data, data)
    return tuple(kept) if same(doc, data) else jsonvalue.diff(analysis.head.data, data)


def _changes(doc: Json, after: Json, op: Operation) -> bool:
    if after is doc:
        return False
    if op.op is OperationType.DELETE or jsonvalue.parse(op.path)[-1] == APPEND:
        return True
    if op.op is OperationType.MERGE and op.value is None:
        return True
    return not same(jsonvalue.get(doc, op.path), jsonvalue.get(after, op.path))


# -- last_write -----------------------------------------------------------------------------------------------------


def _last_write(analysis: Analysis, conflict: ConflictInfo) -> Settlement:
    misfits = [cause for cause in conflict.causes if cause.type is ConflictType.SCHEMA]
    if misfits:
        return refused(conflict, misfits)
    rebased = analysis.rebased
    return finished(
        analysis,
        rebased.data,
        overwrote=_overwritten(analysis, rebased.data, rebased.joined),
        merged=bool(rebased.joined),
        conflict=conflict,
        settled=ConflictResolution.LAST_WRITE,
    )


def _overwritten(
    analysis: Analysis, data: dict[str, Json], joined: frozenset[int]
) -> tuple[Overwritten, ...]:
    """Values of the head that the writer had not seen and that are no longer there."""
    writers = {each.path: each.entry for each in analysis.touches if each.number not in joined}
    found = []
    for path in topmost(writers):
        was, now = jsonvalue.get(analysis.head.data, path), jsonvalue.get(data, path)
        if not same(was, now):
            entry = writers[path]
            found.append(Overwritten(path, _or_null(was), entry.agent, entry.version))
    return tuple(found)


def _or_null(found: Json) -> Json:
    """A removal that was overwritten is kept as null."""
    return None if found is MISSING else found


# -- merge ----------------------------------------------------------------------------------------------------------


def _merge(analysis: Analysis, conflict: ConflictInfo) -> Settlement:
    head = analysis.head
    join = analysis.join({each.number for each in analysis.touches if not each.convergent})
    left = list(merge_causes(analysis, join.merged.conflicts))
    if head.read_policy is ReadPolicy.CHECK:
        read = [cause for cause in conflict.causes if cause.type is ConflictType.READ_WRITE]
        if read:
            return refused(conflict, [*left, *read])
    if left and head.merge_fallback is MergeFallback.REJECT:
        return refused(conflict, left)
    if left and head.merge_fallback is MergeFallback.PARK:
        return parked(analysis, with_causes(conflict, left))
    try:
        data, overwrote = _fallen_back(analysis, join)
    except jsonvalue.Inapplicable:
        return refused(conflict, left)
    wrong = list(violation_causes(analysis, data))
    if wrong and head.merge_fallback is MergeFallback.PARK:
        return parked(analysis, with_causes(conflict, wrong))
    if wrong:
        return refused(conflict, [*left, *wrong])
    return finished(
        analysis,
        data,
        overwrote=overwrote,
        merged=True,
        conflict=conflict,
        settled=ConflictResolution.MERGE,
    )


def _fallen_back(analysis: Analysis, join: Join) -> tuple[dict[str, Json], tuple[Overwritten, ...]]:
    """The merged document, its unsettled paths as the state's fallback says, and what that overwrote."""
    if analysis.head.merge_fallback is not MergeFallback.OURS:
        return join.data(pick_theirs), ()
    overwrote = []
    for each in join.merged.conflicts:
        last = analysis.written.last_near(each.path)
        by, version = (last.agent, last.version) if last else ("", 0)
        overwrote.append(Overwritten(each.path, _or_null(each.theirs), by, version))
    return join.data(pick_mine), tuple(overwrote)


def parked(analysis: Analysis, conflict: ConflictInfo) -> Park:
    """Nothing is written, and somebody is asked about every path that a merge of the documents leaves open."""
    known = [cause.path for cause in conflict.causes]
    more = [
        cause
        for cause in merge_causes(analysis, analysis.three_way.conflicts)
        if not any(jsonvalue.overlap(cause.path, path) for path in known)
    ]
    asked = analysis.head.resolver if ":" in analysis.head.resolver else ""
    return Park(
        conflict=with_causes(conflict, [*conflict.causes, *more]) if more else conflict,
        resolver=asked,
    )
