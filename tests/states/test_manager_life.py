"""What a state goes through: transactions, settings, versions, limits, its end (shared-state 1.1 to 1.3)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from state.manager import Change, Compare
from state.manager.compacting import compact
from state.refusals import (
    Compacted,
    NotPermitted,
    StateNotFound,
    TransactionRefused,
    VersionNotFound,
)
from state.values import StateType
from tests.states.build import (
    ADMIN,
    LENA,
    SPACE,
    WES,
    WIM,
    Clock,
    Office,
    at,
    drop,
    patch,
    put,
    refused,
    swap,
)

# -- transactions -----------------------------------------------------------------------------------------------------


def test_a_transaction_writes_several_states_at_one_revision_or_none(office: Office) -> None:
    manager = office.manager()
    for name in "abc":
        manager.create_state(LENA, name, data={"n": 0})
    done = manager.transact(
        LENA,
        [Compare("a", 1), Compare("new", 0)],
        {"a": [put("/n", 1)], "b": [drop("")], "c": [put("/n", 0)], "new": [put("/n", 9)]},
    )
    assert done.revision == 4
    assert [(each.state_id, each.version, each.changed) for each in done.results] == [
        ("a", 2, True),
        ("b", 2, True),
        ("c", 1, False),
        ("new", 1, True),
    ]
    assert {each.revision for each in done.results if each.changed} == {4}
    assert manager.get_state(LENA, "new").data == {"n": 9}
    with pytest.raises(StateNotFound):
        manager.get_state(LENA, "b")
    office.check()


def test_a_refused_transaction_names_all_that_failed_and_writes_nothing(office: Office) -> None:
    manager = office.manager()
    for name in ("a", "b", "gone"):
        manager.create_state(LENA, name, data={"n": 0})
    manager.update_state(LENA, "b", {"n": 1})
    manager.delete_state(LENA, "gone")
    compare = [Compare("a", 1), Compare("b", 1), Compare("gone", 1), Compare("never", 3)]
    error = refused(lambda: manager.transact(LENA, compare, {"a": [put("/n", 5)]}))
    assert isinstance(error, TransactionRefused)
    assert error.extra["failed"] == [
        {"state": "b", "expected": 1, "version": 2},
        {"state": "gone", "expected": 1, "version": 0},
        {"state": "never", "expected": 3, "version": 0},
    ]
    ops = {"a": [put("/n", 5)], "b": [swap("/n", 2, expect=99)]}
    assert refused(lambda: manager.transact(LENA, [], ops)).extra["conflict_type"] == "write_write"
    assert refused(lambda: manager.transact(LENA, [], {**ops, "b": [put("/n/x", 1)]})).status == 422
    assert manager.get_state(LENA, "a").version == 1


def test_a_transaction_takes_every_right_that_its_parts_take(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "a", data={})
    manager.create_state(LENA, "secret", access_policy={})
    manager.create_state(LENA, "shown", access_policy={"read_allow": ["*"]})
    for error, compare, ops in (
        (TransactionRefused, [Compare("secret", 1)], {"a": [put("/n", 1)]}),
        (StateNotFound, [], {"a": [put("/n", 1)], "secret": [put("/n", 1)]}),
        (NotPermitted, [], {"a": [put("/n", 1)], "shown": [put("/n", 1)]}),
        (NotPermitted, [], {"a": [drop("")]}),
    ):
        with pytest.raises(error):
            manager.transact(WIM, compare, ops)
    assert manager.get_state(LENA, "a").version == 1
    manager.transact(WIM, [Compare("shown", 1)], {"a": [put("/n", 1)]})


# -- versions ---------------------------------------------------------------------------------------------------------


def test_history_blame_and_differences_tell_who_wrote_what(office: Office) -> None:
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"a": 1, "deep": {"x": 1, "y": 1}, "list": [1, 2]})
    manager.update_state(WIM, "plan", [put("/deep/x", 2), put("/new", {})], {"why": "tide"})
    manager.update_state(WES, "plan", [patch("/deep", {"y": 3}), put("/list/-", 3), drop("/a")])
    history = manager.history(LENA, "plan")
    assert [(each.version, each.agent) for each in history] == [
        (3, "agent:wes"),
        (2, "agent:wim"),
        (1, "agent:lena"),
    ]
    assert history[1].metadata == {"why": "tide"}
    assert manager.history(LENA, "plan", before=3, limit=1) == [history[1]]
    blame = {path: (each.agent, each.version) for path, each in manager.blame(WIM, "plan").items()}
    assert blame == {
        "/deep/x": ("agent:wim", 2),
        "/deep/y": ("agent:wes", 3),
        "/list/0": ("agent:wes", 3),
        "/list/1": ("agent:wes", 3),
        "/list/2": ("agent:wes", 3),
        "/new": ("agent:wim", 2),
    }
    assert manager.diff(WIM, "plan", 1, 3) == (
        Change(path="/a", kind="removed", old=1),
        Change(path="/deep/x", kind="changed", old=1, new=2),
        Change(path="/deep/y", kind="changed", old=1, new=3),
        Change(path="/list", kind="changed", old=[1, 2], new=[1, 2, 3]),
        Change(path="/new", kind="added", new={}),
    )


def test_an_old_version_is_read_and_restored_as_a_new_one(office: Office) -> None:
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"n": 1})
    manager.update_state(WIM, "plan", [put("", {"m": 2})])
    old = manager.get_state(WIM, "plan", version=1)
    assert (old.version, old.revision, old.data) == (1, 1, {"n": 1})
    done = manager.restore_version(WIM, "plan", 1)
    assert done.version == 3
    assert manager.get_state(WIM, "plan").data == {"n": 1}
    assert manager.history(LENA, "plan")[0].metadata == {"restored": 1}
    assert not manager.restore_version(WIM, "plan", 1).changed
    for version in (0, 4, 99):
        with pytest.raises(VersionNotFound):
            manager.get_state(WIM, "plan", version=version)
    with pytest.raises(VersionNotFound):
        manager.restore_version(WIM, "plan", 9)
    office.check()


def test_a_second_life_continues_the_versions_under_another_identity(office: Office) -> None:
    manager = office.manager()
    first = manager.create_state(LENA, "plan", data={"n": 1})
    gone = manager.delete_state(LENA, "plan", note={"why": "done"})
    with pytest.raises(StateNotFound):
        manager.get_state(LENA, "plan")
    with pytest.raises(StateNotFound):
        manager.update_state(LENA, "plan", {"n": 2})
    assert manager.list_states(LENA).states == ()
    second = manager.create_state(WIM, "plan", data={"n": 9})
    assert [first.version, gone.version, second.version] == [1, 2, 3]
    assert second.uid not in (first.uid, "")
    assert manager.get_state(LENA, "plan").owners == ("agent:wim",)
    assert [each.kind for each in manager.history(ADMIN, "plan")] == ["create", "delete", "create"]
    assert [each.kind for each in manager.history(LENA, "plan")] == ["create"]
    assert set(manager.blame(LENA, "plan")) == {"/n"}


def test_what_is_compacted_is_gone_and_says_so(office: Office) -> None:
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"n": 1, "m": 1})
    for n in range(2, 7):
        manager.update_state(WIM, "plan", {"n": n})
    manager.create_state(LENA, "gone")
    manager.delete_state(LENA, "gone")
    info = compact(office.layer, SPACE, floor=4)
    assert (info.compact_revision, info.revision) == (4, 8)
    for call in (
        partial(manager.get_state, WIM, "plan", version=3),
        partial(manager.diff, WIM, "plan", 1, 6),
        partial(manager.restore_version, WIM, "plan", 2),
        partial(manager.update_state, WIM, "plan", {"m": 2}, base=at(3)),
    ):
        error = refused(call)
        assert isinstance(error, Compacted)
        assert error.status == 410
    assert manager.get_state(WIM, "plan", version=4).data == {"n": 4, "m": 1}
    assert manager.update_state(WIM, "plan", {"m": 2}, base=at(4)).version == 7
    assert [each.version for each in manager.history(LENA, "plan")] == [7, 6, 5]
    assert manager.blame(LENA, "plan")["/m"].version == 7
    compact(office.layer, SPACE, floor=99)
    assert manager.create_state(LENA, "gone").version == 3, "a tombstone outlives its history"
    office.check()


def test_by_retention_only_what_is_old_is_given_up_and_never_the_newest(quick: Office) -> None:
    quick.layer.close()
    quick.layer = quick.backend.open(retention={"*": timedelta(days=1)}, min_entries=3)
    clock = Clock()
    manager = quick.manager(clock=clock)
    manager.create_state(LENA, "plan", data={"n": 0}, state_type=StateType.RESOURCE)
    for n in range(1, 10):
        clock.go(hours=6)
        manager.update_state(WIM, "plan", {"n": n})
    manager.sweep()
    assert manager.space(LENA).compact_revision == 5
    clock.go(days=9)
    manager.sweep()
    assert manager.space(LENA).compact_revision == 7
    assert manager.get_state(LENA, "plan").data == {"n": 9}


# -- the end ----------------------------------------------------------------------------------------------------------


def test_states_end_when_the_time_of_their_type_is_over(office: Office) -> None:
    clock = Clock()
    manager = office.manager(clock=clock)
    kinds = {"session": 1, "workflow": 30, "task": 7, "resource": None, "agent": None}
    for kind in kinds:
        for name in ("frozen", "alive"):
            manager.create_state(LENA, f"{kind}/{name}", state_type=StateType(kind), data={"n": 1})
            if name == "frozen":
                manager.freeze(LENA, f"{kind}/{name}")
    session = StateType.SESSION
    manager.create_state(LENA, "session/long", state_type=session, retention=10 * 86400)
    manager.create_state(LENA, "untyped")

    def alive() -> set[str]:
        return {state.id for state in manager.list_states(ADMIN, limit=99).states}

    everything = alive()
    clock.go(hours=23)
    assert manager.sweep()["expired"] == 0
    clock.go(hours=2)
    assert manager.sweep()["expired"] == 2
    assert everything - alive() == {"session/frozen", "session/alive"}
    clock.go(days=7)
    assert manager.sweep()["expired"] == 1
    clock.go(days=30)
    assert manager.sweep()["expired"] == 2
    gone = {"session/frozen", "session/alive", "session/long", "task/frozen", "workflow/frozen"}
    assert everything - alive() == gone
    entry = manager.history(ADMIN, "task/frozen")[0]
    assert (entry.kind, entry.agent, entry.metadata) == ("delete", "system", {"reason": "expired"})
    assert manager.sweep()["expired"] == 0
    office.check()


def test_outcomes_are_forgotten_after_a_day(quick: Office) -> None:
    clock = Clock()
    manager = quick.manager(clock=clock)
    manager.create_state(LENA, "plan", data={"n": 0}, state_type=StateType.RESOURCE)
    manager.update_state(WIM, "plan", {"n": 1}, op_id="op-1")
    clock.go(hours=25)
    manager.update_state(WIM, "plan", {"n": 2}, op_id="op-2")
    assert manager.sweep()["outcomes"] == 1
    assert refused(lambda: manager.operation(WIM, "op-1")).status == 404
    assert manager.operation(WIM, "op-2").outcome is not None


def test_only_an_admin_drops_a_space(office: Office) -> None:
    manager = office.manager()
    manager.create_state(LENA, "plan")
    with pytest.raises(NotPermitted):
        manager.drop_space(LENA)
    manager.drop_space(ADMIN)
    assert manager.list_states(LENA).states == ()
    assert manager.create_state(LENA, "plan").revision == 1
