"""Settings, the defaults of types, and what is refused for its size or shape (shared-state 1.1 and 1.3)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from state.manager import GLOBAL_SPACE
from state.policy import system
from state.refusals import (
    DocumentTooLarge,
    Frozen,
    JsonDomain,
    LastOwner,
    NotPermitted,
    StateExists,
    TooMany,
)
from state.values import Filters, Limits, StateType
from tests.states.build import (
    LENA,
    WIM,
    Office,
    agent,
    at,
    put,
    refused,
)

# -- settings ---------------------------------------------------------------------------------------------------------


def test_a_frozen_state_is_read_and_not_written_until_it_thaws(office: Office) -> None:
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"n": 1})
    manager.update_state(LENA, "plan", {"n": 2})
    manager.freeze(LENA, "plan")
    for call in (
        partial(manager.update_state, LENA, "plan", {"n": 3}),
        partial(manager.delete_state, LENA, "plan"),
        partial(manager.restore_version, LENA, "plan", 1),
        partial(manager.transact, LENA, [], {"plan": [put("/n", 3)]}),
    ):
        error = refused(call)
        assert isinstance(error, Frozen)
        assert error.status == 423
    assert manager.get_state(WIM, "plan").data == {"n": 2}
    manager.freeze(LENA, "plan", frozen=False)
    assert manager.update_state(LENA, "plan", {"n": 3}).version == 5


def test_the_last_owner_cannot_go(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan")
    with pytest.raises(LastOwner):
        manager.configure(LENA, "plan", {"owners": []})
    manager.configure(LENA, "plan", {"owners": ["agent:wim"]})
    assert manager.get_state(LENA, "plan").owners == ("agent:wim",)
    with pytest.raises(NotPermitted):
        manager.delete_state(LENA, "plan")
    manager.delete_state(WIM, "plan")


def test_settings_are_versions_with_an_empty_write_set(quick: Office) -> None:
    """An exact base fails over them, a comparison of paths does not."""
    manager = quick.manager()
    manager.create_state(LENA, "plan", data={"n": 1})
    manager.configure(LENA, "plan", {"tags": ["t"]})
    assert not manager.configure(LENA, "plan", {"tags": ["t"]}).changed
    with pytest.raises(Exception, match="version 2, not 1"):
        manager.update_state(WIM, "plan", {"n": 2}, base=at(1, exact=True))
    done = manager.update_state(WIM, "plan", {"n": 2}, base=at(1))
    assert (done.version, done.conflict) == (3, None)
    entry = manager.history(LENA, "plan")[1]
    assert (entry.kind, entry.config, entry.ops) == ("config", {"tags": ["t"]}, ())


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (StateType.SESSION, ("weak", "merge", True)),
        (StateType.WORKFLOW, ("strong", "merge", True)),
        (StateType.TASK, ("strong", "reject", False)),
        (StateType.AGENT, ("weak", "last_write", False)),
        (StateType.RESOURCE, ("weak", "merge", True)),
    ],
)
def test_a_type_has_its_defaults(
    quick: Office, kind: StateType, expected: tuple[str, str, bool]
) -> None:
    manager = quick.manager()
    state = manager.create_state(LENA, "s", state_type=kind, data={"n": 0}).state
    assert state is not None
    assert (state.consistency, state.resolution, state.access_policy.public) == expected
    if not expected[2]:
        assert manager.get_state(WIM, "s").data == {"n": 0}
        with pytest.raises(NotPermitted):
            manager.update_state(WIM, "s", {"n": 1}, base=at(1))


def test_a_global_state_is_the_installations(quick: Office) -> None:
    manager = quick.manager()
    root = system(GLOBAL_SPACE)
    state = manager.create_state(root, "motd", data={"text": "hi"}, owners=["human:ada"]).state
    assert state is not None
    assert (state.type, state.consistency, state.resolution) == ("global", "strong", "reject")
    guest = agent("wim", space=GLOBAL_SPACE)
    assert manager.get_state(guest, "motd").data == {"text": "hi"}
    with pytest.raises(NotPermitted):
        manager.update_state(guest, "motd", {"text": "no"}, base=at(1))
    with pytest.raises(NotPermitted):
        manager.create_state(guest, "mine")
    manager.configure(root, "motd", {"access_policy": {"write_allow": ["agent:wim"]}})
    assert manager.update_state(guest, "motd", {"text": "ok"}, base=at(2)).version == 3
    for caller, given in ((LENA, StateType.GLOBAL), (root, StateType.SESSION)):
        error = refused(partial(manager.create_state, caller, "x", state_type=given))
        assert error.status in (400, 403)


# -- limits -----------------------------------------------------------------------------------------------------------


def test_every_limit_has_its_own_refusal(quick: Office) -> None:
    limits = Limits(
        ops_per_request=3, states_per_transaction=2, states_per_space=3, document_bytes=100,
        document_depth=4,
    )  # fmt: skip
    manager = quick.manager(limits=limits)
    for name in "abc":
        manager.create_state(LENA, name, data={})
    deep: Any = {"x": {"x": {"x": {"x": 1}}}}
    for call, error, status in (
        (partial(manager.create_state, LENA, "d"), TooMany, 429),
        (partial(manager.update_state, LENA, "a", {str(n): n for n in range(4)}), Exception, 413),
        (partial(manager.transact, LENA, [], {n: [put("/n", 1)] for n in "abc"}), Exception, 400),
        (partial(manager.transact, LENA, [], {}), Exception, 400),
        (partial(manager.update_state, LENA, "a", {"x": "y" * 100}), DocumentTooLarge, 413),
        (partial(manager.update_state, LENA, "a", {"x": deep}), JsonDomain, 422),
        (partial(manager.update_state, LENA, "a", [put("/a/b/c/d", {"e": 1})]), JsonDomain, 422),
        (partial(manager.update_state, LENA, "a", {"x": "\0"}), JsonDomain, 422),
        (partial(manager.update_state, LENA, "a", {"x": "\ud800"}), JsonDomain, 422),
        (partial(manager.update_state, LENA, "a", {"x": float("nan")}), JsonDomain, 422),
        (partial(manager.update_state, LENA, "a", {"x": 2**63}), JsonDomain, 422),
        (partial(manager.update_state, LENA, "a", {"n": 1}, op_id="x" * 101), Exception, 400),
    ):
        found = refused(call)
        assert isinstance(found, error)
        assert found.status == status, call
    assert [manager.get_state(LENA, name).version for name in "abc"] == [1, 1, 1]
    manager.delete_state(LENA, "c")
    assert manager.create_state(LENA, "d").version == 1


@pytest.mark.parametrize(
    "name", ["", "/a", "a//b", "a/", "a b", "a\n", "é", "x" * 201, "a/history"]
)
def test_an_id_that_no_state_may_have_is_refused(quick: Office, name: str) -> None:
    error = refused(lambda: quick.manager().create_state(LENA, name))
    assert (error.status, list(error.fields)) == (400, ["id"])


def test_settings_that_are_none_are_refused_by_name(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan", data={"n": "text"})
    for changes, field in (
        ({"colour": "red"}, "colour"),
        ({"consistency": "sometimes"}, "consistency"),
        ({"merge": "magic"}, "merge"),
        ({"owners": ["nobody here"]}, "owners"),
        ({"access_policy": {"write_allow": ["x:y"]}}, "access_policy.write_allow"),
        ({"retention": -1}, "retention"),
        ({"tags": [""]}, "tags"),
    ):
        error = refused(partial(manager.configure, LENA, "plan", changes))
        assert (error.status, list(error.fields)) == (400, [field])
    for schema in ({"type": "nothing"}, {"properties": {"n": {"type": "integer"}}}):
        assert refused(partial(manager.configure, LENA, "plan", {"schema": schema})).status == 422
    assert manager.get_state(LENA, "plan").version == 1


def test_an_unknown_filter_is_refused_and_pages_are_complete(office: Office) -> None:
    manager = office.manager()
    for n in range(7):
        manager.create_state(LENA, f"s{n}", tags=["even"] if n % 2 == 0 else [])
    manager.create_state(LENA, "s9", access_policy={})
    assert refused(lambda: manager.list_states(LENA, {"colour": "red"})).status == 400
    found: list[str] = []
    after = ""
    while True:
        page = manager.list_states(WIM, Filters(), limit=3, after=after)
        found += [state.id for state in page.states]
        if not page.next:
            break
        after = page.next
    assert found == [f"s{n}" for n in range(7)]
    even = manager.list_states(WIM, {"tags": ["even"]}).states
    assert [state.id for state in even] == ["s0", "s2", "s4", "s6"]
    with pytest.raises(StateExists):
        manager.create_state(WIM, "s9")
