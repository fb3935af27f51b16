"""The detector: rules in their order, their budget and failures, resolvers, and settling without the request."""

from __future__ import annotations

import logging
from importlib import metadata
from typing import Any

import msgspec
import pytest

from state.conflicts import (
    Apply,
    ConflictDetector,
    ConflictRule,
    DefaultConflictRule,
    Refuse,
    Settlement,
)
from state.errors import StarsError
from state.refusals import ConfigInvalid, Unresolved
from state.values import (
    Cause,
    ConflictInfo,
    ConflictResolution,
    ConflictType,
    EventType,
    Incoming,
    SharedState,
    StateEvent,
)
from tests.state_core.conflict_cases import (
    CUSTOM,
    LAST_WRITE,
    MERGE,
    REJECT,
    Case,
    applied,
    parked,
    present,
    put,
    refused,
    told,
    write,
)


def claimed(incoming: Incoming, current: SharedState) -> ConflictInfo | None:
    """Nobody writes under /held."""
    paths = [op.path for op in incoming.ops if op.path.startswith("/held")]
    if not paths:
        return None
    return ConflictInfo(
        conflict_id="mine",
        type=ConflictType.CUSTOM,
        description="claimed",
        causes=tuple(
            Cause(type=ConflictType.CUSTOM, kind="claimed", path=each, by="agent:w9")
            for each in paths
        ),
    )


def fussy(incoming: Incoming, current: SharedState) -> ConflictInfo | None:
    return ConflictInfo(conflict_id="", type=ConflictType.CUSTOM, description="Not on a Monday.")


class Settler:
    """A rule with an answer of its own."""

    def __init__(self, answer: Settlement | None) -> None:
        self.answer = answer

    def detect_conflict(self, incoming: Incoming, current: SharedState) -> ConflictInfo | None:
        return None

    def resolve_conflict(
        self,
        conflict: ConflictInfo,
        strategy: ConflictResolution,
        incoming: Incoming,
        current: SharedState,
    ) -> Settlement | None:
        return self.answer


class Clock:
    """Each reading is `step` seconds after the last."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def collision(**settings: Any) -> Case:
    return Case({"a": 1, "held": 1}, write(put("/a", 2)), **settings)


# -- rules ----------------------------------------------------------------------------------------------------------


def test_what_rules_find_is_listed_after_what_the_default_rule_finds() -> None:
    detector = ConflictDetector()
    detector.add_rule(fussy, "fussy", order=-1)
    detector.add_rule(claimed, "claims")
    case = collision()
    found = present(
        detector.detect_conflict(case.incoming(put("/a", 3), put("/held-x", 3)), case.head)
    )
    assert told(found) == [
        ("write_write", "both_changed", "/a"),
        ("custom", "fussy", ""),
        ("custom", "claimed", "/held-x"),
    ]
    assert found.causes[1].detail == "Not on a Monday."
    assert found.conflict_id == case.detect(put("/a", 3)).conflict_id


@pytest.mark.parametrize("resolution", [REJECT, LAST_WRITE, MERGE])
def test_what_only_a_rule_has_found_no_general_resolution_overrides(
    resolution: ConflictResolution,
) -> None:
    detector = ConflictDetector()
    detector.add_rule(claimed, "claims")
    case = Case({"held": 1}, resolution=resolution)
    decision = refused(case.decide(put("/held", 2), detector=detector))
    assert told(decision.conflict) == [("custom", "claimed", "/held")]
    assert applied(case.decide(put("/free", 2), detector=detector)).data["free"] == 2


def test_two_rules_about_one_path_give_one_cause_that_tells_both() -> None:
    detector = ConflictDetector()
    detector.add_rule(fussy, "fussy")
    detector.add_rule(
        lambda i, c: msgspec.structs.replace(present(fussy(i, c)), description="No."), "no"
    )
    case = Case({"a": 1})
    (cause,) = present(detector.detect_conflict(case.incoming(put("/a", 2)), case.head)).causes
    assert (cause.kind, cause.detail) == ("fussy", "Not on a Monday. No.")


def test_rules_are_asked_in_their_order_and_the_first_that_is_able_settles() -> None:
    ours = Apply(data={"by": "early"}, ops=())
    detector = ConflictDetector()
    detector.add_rule(Settler(Apply(data={"by": "late"}, ops=())), "late", order=5)
    detector.add_rule(Settler(ours), "early", order=-5)
    detector.add_rule(Settler(None), "unable", order=-9)
    case = collision(resolution=MERGE)
    done = applied(case.decide(put("/a", 3), detector=detector))
    assert done.data == {"by": "early"}
    assert done.settled is MERGE
    assert done.ops, "the log must lead to what the rule wants"
    refused(collision(resolution=REJECT).decide(put("/a", 3), detector=detector))


def test_a_rule_after_the_default_one_settles_what_that_cannot() -> None:
    detector = ConflictDetector()
    detector.add_rule(Settler(Apply(data={"a": 23}, ops=())), "judge")
    case = collision(resolution=CUSTOM, resolver="nobody")
    assert applied(case.decide(put("/a", 3), detector=detector)).data == {"a": 23}


def test_both_kinds_of_rules_meet_the_protocol() -> None:
    assert isinstance(DefaultConflictRule(), ConflictRule)
    assert isinstance(Settler(None), ConflictRule)
    assert not isinstance(claimed, ConflictRule)


def test_a_rules_name_is_taken_once() -> None:
    detector = ConflictDetector()
    detector.add_rule(claimed, "claims")
    for name in ("claims", "default"):
        with pytest.raises(ConfigInvalid):
            detector.add_rule(fussy, name)


def test_a_rule_that_raises_fails_the_write_under_its_name() -> None:
    def broken(incoming: Incoming, current: SharedState) -> ConflictInfo | None:
        raise KeyError("oops")

    detector = ConflictDetector()
    detector.add_rule(broken, "broken")
    with pytest.raises(StarsError, match="'broken' failed; nothing was written") as failure:
        Case({"a": 1}).decide(put("/a", 2), detector=detector)
    assert failure.value.status == 500
    assert failure.value.extra == {"rule": "broken"}
    assert isinstance(failure.value.__cause__, KeyError)


def test_a_rule_over_its_budget_fails_the_write_and_leaves_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for seconds, late in ((0.09, False), (0.11, True)):
        detector = ConflictDetector(clock=Clock(seconds))
        detector.add_rule(claimed, "claims")
        if not late:
            Case({"a": 1}).decide(put("/a", 2), detector=detector)
            continue
        with caplog.at_level(logging.WARNING), pytest.raises(StarsError, match="took too long"):
            Case({"a": 1}).decide(put("/a", 2), detector=detector)
        assert "'claims' took 110 ms of 100" in caplog.text


# -- resolvers ------------------------------------------------------------------------------------------------------


def judge(conflict: ConflictInfo) -> dict[str, Any] | None:
    states = conflict.states
    return {"a": states["current"].data["a"] + states["incoming"].data["a"]}


def with_resolver(resolver: Any, seconds: float = 0.0) -> ConflictDetector:
    detector = ConflictDetector(clock=Clock(seconds))
    detector.add_resolver("judge", resolver)
    return detector


def test_a_resolver_makes_the_document_of_the_three() -> None:
    case = collision(resolution=CUSTOM, resolver="judge")
    done = applied(case.decide(put("/a", 3), detector=with_resolver(judge)))
    assert done.data == {"a": 5}
    assert (done.settled, present(done.conflict).resolved_by) == (CUSTOM, "judge")
    # It is not asked where there is no conflict.
    free = applied(case.decide(put("/b", 3), detector=with_resolver(judge)))
    assert free.data == {"a": 2, "held": 1, "b": 3}


def test_a_resolvers_document_must_fit_the_schema() -> None:
    schema = {"properties": {"a": {"maximum": 4}}}
    case = collision(resolution=CUSTOM, resolver="judge", schema=schema)
    decision = refused(case.decide(put("/a", 3), detector=with_resolver(judge)))
    assert ("schema", "invalid", "/a") in told(decision.conflict)
    assert "'judge'" in decision.conflict.causes[0].detail


@pytest.mark.parametrize("wrong", [[1], "text", {"a": float("nan")}, {"a": object()}])
def test_a_resolver_that_gives_no_document_fails_the_write(wrong: Any) -> None:
    case = collision(resolution=CUSTOM, resolver="judge")
    with pytest.raises(StarsError, match="'judge' gave") as failure:
        case.decide(put("/a", 3), detector=with_resolver(lambda conflict: wrong))
    assert failure.value.extra == {"resolver": "judge"}


def test_a_resolver_cannot_change_what_it_is_shown() -> None:
    def vandal(conflict: ConflictInfo) -> dict[str, Any] | None:
        conflict.states["current"].data.clear()
        return None

    case = collision(resolution=CUSTOM, resolver="judge")
    with pytest.raises(Unresolved, match="could not settle"):
        case.decide(put("/a", 3), detector=with_resolver(vandal))
    assert case.head.data == {"a": 2, "held": 1}


def test_a_resolver_has_one_second() -> None:
    case = collision(resolution=CUSTOM, resolver="judge")
    applied(case.decide(put("/a", 3), detector=with_resolver(judge, 0.9)))
    with pytest.raises(StarsError, match="took too long"):
        case.decide(put("/a", 3), detector=with_resolver(judge, 1.1))


@pytest.mark.parametrize("name", ["", "unknown"])
def test_where_nobody_is_able_the_conflict_is_unresolved(name: str) -> None:
    with pytest.raises(Unresolved) as refusal:
        collision(resolution=CUSTOM, resolver=name).decide(put("/a", 3))
    assert refusal.value.status == 409


def test_resolvers_are_found_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    def points(*, group: str, name: str) -> list[metadata.EntryPoint]:
        found = metadata.EntryPoint("fair", f"{__name__}:judge", "stars.resolvers")
        broken = metadata.EntryPoint("broken", f"{__name__}:nothing", "stars.resolvers")
        return [each for each in (found, broken) if (each.group, each.name) == (group, name)]

    monkeypatch.setattr("state.conflicts.detector.entry_points", points)
    done = collision(resolution=CUSTOM, resolver="fair").decide(put("/a", 3))
    assert applied(done).data == {"a": 5}
    with pytest.raises(StarsError, match="'broken' cannot be loaded"):
        collision(resolution=CUSTOM, resolver="broken").decide(put("/a", 3))


@pytest.mark.parametrize("name", ["", "park", "role:leader", "judge"])
def test_a_resolver_is_not_named_like_parking_or_like_another(name: str) -> None:
    with pytest.raises(ConfigInvalid):
        with_resolver(judge).add_resolver(name, judge)


# -- by itself ------------------------------------------------------------------------------------------------------


class Bus:
    def __init__(self) -> None:
        self.events: list[StateEvent] = []

    def publish(self, event: StateEvent, /) -> None:
        self.events.append(event)


def test_a_detector_with_a_bus_tells_what_it_finds_and_decide_tells_nothing() -> None:
    bus = Bus()
    detector = ConflictDetector(bus)
    case = collision()
    case.decide(put("/a", 3), detector=detector)
    assert bus.events == []
    found = present(detector.detect_conflict(case.incoming(put("/a", 3)), case.head))
    assert detector.detect_conflict(case.incoming(put("/b", 3)), case.head) is None
    (event,) = bus.events
    assert (event.type, event.conflict) == (EventType.CONFLICT_DETECTED, found)
    assert (event.space, event.state_id, event.op_id) == ("crew", "plan", "op-1")


def test_a_conflict_is_settled_from_its_own_states() -> None:
    case = Case({"a": {}, "n": 1}, write(put("/a", {"x": 1}), put("/n", 2)), resolution=REJECT)
    found = case.detect(put("/a", {"y": 1}), put("/n", 3))
    detector = ConflictDetector()
    last = applied(detector.resolve_conflict(found, LAST_WRITE))
    assert last.data == {"a": {"x": 1, "y": 1}, "n": 3}
    merged = detector.resolve_conflict(found, MERGE)
    assert isinstance(merged, Refuse)
    assert merged.unresolved == ("/n",)
    assert isinstance(detector.resolve_conflict(found, REJECT), Refuse)


def test_a_conflict_is_settled_alike_with_and_without_the_request() -> None:
    case = Case({"a": {}}, write(put("/a", {"x": 1})), resolution=MERGE)
    incoming = case.incoming(put("/a", {"y": 1}))
    detector = ConflictDetector()
    found = present(detector.detect_conflict(incoming, case.head))
    with_it = applied(detector.resolve_conflict(found, MERGE, incoming, case.head))
    assert with_it.data == {"a": {"x": 1, "y": 1}}
    assert applied(detector.resolve_conflict(found, MERGE)).data == with_it.data


@pytest.mark.parametrize("strategy", list(ConflictResolution))
@pytest.mark.parametrize("missing", ["current", "incoming"])
def test_a_conflict_without_its_states_is_unresolved_and_not_a_crash(
    strategy: ConflictResolution, missing: str
) -> None:
    found = collision().detect(put("/a", 3))
    states = {name: state for name, state in found.states.items() if name != missing}
    with pytest.raises(Unresolved):
        ConflictDetector().resolve_conflict(msgspec.structs.replace(found, states=states), strategy)


def test_a_conflict_without_a_base_counts_all_as_changed_by_both() -> None:
    found = collision(resolver="park").detect(put("/a", 3))
    states = {name: state for name, state in found.states.items() if name != "base"}
    bare = msgspec.structs.replace(found, states=states)
    decision = ConflictDetector().resolve_conflict(bare, MERGE)
    assert isinstance(decision, Refuse)
    assert decision.unresolved == ("/a",)
    assert parked(ConflictDetector().resolve_conflict(bare, CUSTOM)).resolver == ""
