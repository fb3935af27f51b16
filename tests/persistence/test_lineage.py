"""The uids of a backup's rows after a restore: all others, the same everywhere, and nobody's data touched."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from state.persistence.lineage import Lineage
from state.values import ConflictInfo, ConflictType, Row
from tests.persistence.build import a_conflict, a_state, a_write, an_audit, an_op

LINEAGE = Lineage(UUID(int=7))
OLD = "uid-plan"
NEW = LINEAGE.uid(OLD)


def renamed(kind: str, value: Any) -> dict[str, Any]:
    found = LINEAGE.row(Row(kind=kind, value=msgspec.to_builtins(value)))
    assert found.kind == kind
    return found.value


def test_every_restore_calls_a_life_otherwise_and_always_so() -> None:
    assert NEW == LINEAGE.uid(OLD) != OLD
    assert NEW not in (Lineage(UUID(int=8)).uid(OLD), LINEAGE.uid("uid-other"))
    assert LINEAGE.uid("") == ""
    UUID(NEW)


def test_states_entries_and_conflicts_are_renamed_but_not_what_they_say() -> None:
    write = a_write(data={"uid": OLD, "n": 1})
    for kind, value in (("state", write.state), ("entry", write.entry), ("conflict", a_conflict())):
        there = msgspec.to_builtins(value)
        assert renamed(kind, value) == {**there, "uid": LINEAGE.uid(there["uid"])}
    info = {"id": "Harbour", "epoch": "e"}
    assert renamed("space", info) == info
    snapshot = {"space": "Harbour", "state_id": "plan", "version": 1, "data": {"uid": OLD}}
    assert renamed("snapshot", snapshot) == snapshot


def test_what_waits_or_was_answered_speaks_of_the_same_life() -> None:
    request = {"base": {"version": 1, "uid": OLD}, "ops": [{"value": {"uid": OLD}}]}
    waits = renamed("op", an_op(request=request))
    assert waits["request"] == {**request, "base": {"version": 1, "uid": NEW}}
    blind = {"base": {"version": None, "uid": None}}
    assert renamed("op", an_op(request=blind))["request"] == blind
    one = {"status": "applied", "uid": OLD, "version": 2}
    assert renamed("op", an_op(outcome=one))["outcome"] == {**one, "uid": NEW}
    several = {"revision": 3, "results": [one, one]}
    answered = renamed("op", an_op(outcome=several))["outcome"]
    assert [each["uid"] for each in answered["results"]] == [NEW, NEW]
    refusal = {"refused": True, "extra": {"etag": f'"{OLD}-2"', "current": {"uid": OLD}}}
    refused = renamed("op", an_op(outcome=refusal))["outcome"]
    assert refused["extra"] == {"etag": f'"{NEW}-2"', "current": {"uid": OLD}}


def test_events_are_renamed_with_the_states_in_them() -> None:
    conflict = ConflictInfo(
        conflict_id="c", type=ConflictType.VERSION, description="", states={"current": a_state()}
    )
    event = renamed("audit", an_audit(state=a_state(), conflict=conflict))["event"]
    assert event["uid"] == event["state"]["uid"] == NEW
    assert event["conflict"]["states"]["current"]["uid"] == NEW


def test_rows_are_renamed_each_time_they_are_read() -> None:
    rows = [Row(kind="state", value=msgspec.to_builtins(a_state()))]
    spaces = LINEAGE.spaces({"Harbour": rows})
    assert list(spaces["Harbour"]) == list(spaces["Harbour"]) != rows
