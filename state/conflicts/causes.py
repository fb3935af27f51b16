"""What makes a write conflict: the steps of shared-state 1.5, each a function from an analysis to causes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import UNSET, UnsetType

from state import jsonvalue, schema
from state.conflicts.analysis import Analysis, topmost
from state.conflicts.situation import same
from state.jsonvalue import MISSING
from state.merge import MergeConflict
from state.merge.strategies import type_of
from state.refusals import Unprocessable
from state.values import (
    Cause,
    ConflictResolution,
    ConflictType,
    ConsistencyLevel,
    Json,
    OperationType,
)

_ORDER = {kind: place for place, kind in enumerate(ConflictType)}


def find(analysis: Analysis) -> tuple[Cause, ...]:
    """All causes by steps 2 to 8. Raises Unprocessable (also wrong on its own base), Compacted, Damaged."""
    found = [*version_causes(analysis), *cas_causes(analysis)]
    if analysis.strange:
        return ordered(found)
    if analysis.blind:
        if not must_be_exact(analysis):
            analysis.require_past()
        return ordered(found)
    found += [*write_causes(analysis), *read_causes(analysis), *schema_causes(analysis)]
    return ordered(found)


def ordered(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """By type, then path; each path once per type, what else is said of it joined to its first cause."""
    found: dict[tuple[ConflictType, str], Cause] = {}
    for cause in causes:
        known = found.setdefault((cause.type, cause.path), cause)
        if cause.detail and cause.detail not in known.detail:
            detail = f"{known.detail} {cause.detail}".strip()
            found[cause.type, cause.path] = msgspec.structs.replace(known, detail=detail)
    return tuple(
        sorted(found.values(), key=lambda each: (_ORDER[each.type], jsonvalue.parse(each.path)))
    )


def is_precondition(cause: Cause) -> bool:
    """Whether the writer demanded it itself; no resolution goes over that."""
    return cause.type is ConflictType.VERSION or cause.kind == "cas_value"


def value(found: Json) -> Json | UnsetType:
    """As a cause tells it: UNSET where nothing stands."""
    return UNSET if found is MISSING else found


def must_be_exact(analysis: Analysis) -> bool:
    """Whether any other version than the head's is a conflict, whatever was changed."""
    strong = analysis.head.consistency is ConsistencyLevel.STRONG
    return analysis.incoming.exact or (strong and analysis.resolution is ConflictResolution.REJECT)


def _last_writer(analysis: Analysis, path: str) -> tuple[str, int]:
    last = analysis.written.last_near(path)
    return (last.agent, last.version) if last else ("", 0)


def version_causes(analysis: Analysis) -> Iterator[Cause]:
    """Steps 1, 2 and 4: the base's life, number and exactness."""
    head, base = analysis.head, analysis.base_version
    last = analysis.incoming.since[-1] if analysis.incoming.since else None
    by = last.agent if last else ""
    sentence = {
        "deleted": "The state has been deleted.",
        "future": f"The state has no version {base} yet; it is at version {head.version}.",
        "uid": "The state was deleted and created anew; that version belongs to its earlier life.",
    }.get(analysis.strange)
    kind = analysis.strange
    if sentence is None and analysis.stale and must_be_exact(analysis):
        kind = "stale"
        sentence = f"The state is at version {head.version}, not {base}."
    if sentence is not None:
        yield Cause(
            type=ConflictType.VERSION, kind=kind, by=by, version=head.version, detail=sentence
        )


def cas_causes(analysis: Analysis) -> Iterator[Cause]:
    """Step 5: conditions that are false at the head."""
    if analysis.head.deleted:
        return
    for op in analysis.incoming.ops:
        if op.op is not OperationType.CAS or analysis.holds(op):
            continue
        by, version = _last_writer(analysis, op.path)
        if op.expect_version is not None:
            yield Cause(
                type=ConflictType.VERSION,
                kind="cas",
                path=op.path,
                expected=op.expect_version,
                theirs=analysis.head.version,
                mine=op.value,
                detail=f"The state is at version {analysis.head.version}, not {op.expect_version}.",
                by=by,
                version=version,
            )
        else:
            yield Cause(
                type=ConflictType.WRITE_WRITE,
                kind="cas_value",
                path=op.path,
                expected=op.expect,
                theirs=value(jsonvalue.get(analysis.head.data, op.path)),
                mine=op.value,
                detail="Nothing was expected here." if op.expect_absent else "",
                by=by,
                version=version,
            )


def write_causes(analysis: Analysis) -> Iterator[Cause]:
    """Step 6: paths that both wrote, to different ends."""
    writers = {each.path: each.entry for each in analysis.touches if each.collides}
    for path in topmost(writers):
        before, now, wanted = (
            jsonvalue.get(doc, path) for doc in (analysis.seen, analysis.head.data, analysis.mine)
        )
        if MISSING in (now, wanted):
            kind = "delete_modify"
        else:
            kind = "both_changed" if type_of(now) == type_of(wanted) else "type_change"
        yield Cause(
            type=ConflictType.WRITE_WRITE,
            kind=kind,
            path=path,
            base=value(before),
            theirs=value(now),
            mine=value(wanted),
            by=writers[path].agent,
            version=writers[path].version,
        )


def merge_causes(analysis: Analysis, conflicts: Iterable[MergeConflict]) -> Iterator[Cause]:
    """What a three-way merge could not settle."""
    for each in conflicts:
        by, version = _last_writer(analysis, each.path)
        yield Cause(
            type=ConflictType.WRITE_WRITE,
            kind=each.kind,
            path=each.path,
            base=value(each.base),
            theirs=value(each.theirs),
            mine=value(each.mine),
            by=by,
            version=version,
        )


def read_causes(analysis: Analysis) -> Iterator[Cause]:
    """Step 7: what the writer says it relied on has changed since."""
    reads = analysis.incoming.reads
    if reads is None or not analysis.stale:
        return
    paths = ("",) if reads == "auto" else reads
    by_value = analysis.incoming.read_mode == "value"
    changed = _differing(analysis, paths) if by_value else _written(analysis, paths)
    for path in topmost(changed):
        by, version = _last_writer(analysis, path)
        yield Cause(
            type=ConflictType.READ_WRITE,
            kind="read_changed",
            path=path,
            base=value(jsonvalue.get(analysis.seen, path)),
            theirs=value(jsonvalue.get(analysis.head.data, path)),
            by=by,
            version=version,
        )


def _differing(analysis: Analysis, paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        if not path:  # the whole document: name what changed in it
            yield from (op.path for op in jsonvalue.diff(analysis.seen, analysis.head.data))
        elif not same(jsonvalue.get(analysis.seen, path), jsonvalue.get(analysis.head.data, path)):
            yield path


def _written(analysis: Analysis, paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        for effect, _ in analysis.written.near(path):
            yield path or effect.place


def schema_causes(analysis: Analysis) -> Iterator[Cause]:
    """Step 8: the write no longer fits, though on its base it did. Raises Unprocessable when it did not there."""
    head = analysis.head
    before = analysis.mine  # raises where the operations do not fit what the writer saw
    try:
        rebased = analysis.rebased
    except jsonvalue.Inapplicable as misfit:
        yield Cause(
            type=ConflictType.SCHEMA,
            kind="structure",
            path=misfit.path,
            base=value(jsonvalue.get(analysis.seen, misfit.path)),
            theirs=value(jsonvalue.get(head.data, misfit.path)),
            mine=value(jsonvalue.get(before, misfit.path)),
            detail=misfit.why,
        )
        return
    yield from merge_causes(analysis, rebased.conflicts)
    yield from violation_causes(analysis, rebased.data)


def violation_causes(analysis: Analysis, data: dict[str, Json]) -> Iterator[Cause]:
    """Where a document that would be committed violates the state's schema. Raises Unprocessable likewise."""
    wrong = schema.violations(analysis.head.schema, data)
    if not wrong:
        return
    own = schema.violations(analysis.head.schema, analysis.mine)
    if own:
        fields: dict[str, list[str]] = {}
        for path, sentence in own:
            fields.setdefault(path, []).append(sentence)
        raise Unprocessable("The document would not fit its schema.", fields=fields)
    for path, sentence in wrong:
        by, version = _last_writer(analysis, path)
        yield Cause(
            type=ConflictType.SCHEMA,
            kind="invalid",
            path=path,
            base=value(jsonvalue.get(analysis.seen, path)),
            theirs=value(jsonvalue.get(analysis.head.data, path)),
            mine=value(jsonvalue.get(analysis.mine, path)),
            by=by,
            version=version,
            detail=sentence,
        )
