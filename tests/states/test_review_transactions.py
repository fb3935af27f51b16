"""What a transaction makes is made as it would be alone, and what one may not see is not there to be compared."""

from __future__ import annotations

from functools import partial
from typing import Final

import pytest

from state.manager import Compare
from state.manager.settings import GLOBAL_SPACE
from state.policy import Caller
from state.refusals import (
    Conflicting,
    DocumentTooLarge,
    NotPermitted,
    StateExists,
    StateNotFound,
    TooMany,
    TransactionRefused,
)
from state.values import AccessPolicy, Limits, Operation, StateType
from tests.states.build import LENA, SPACE, WIM, Office, agent, put, refused, swap

HIDDEN: Final = AccessPolicy()


def test_global_states_are_made_by_admins_alone_in_a_transaction_too(quick: Office) -> None:
    manager = quick.manager()
    anybody = Caller(space=GLOBAL_SPACE, name="human:anybody")
    ada = Caller(space=GLOBAL_SPACE, name="human:ada", admin=True)
    for caller in (
        anybody,
        Caller(space=GLOBAL_SPACE, name="human:eva", admin=True, read_only=True),
    ):
        with pytest.raises(NotPermitted):
            manager.transact(caller, [Compare("rules", 0)], {"rules": [put("/x", 1)]})
    manager.transact(ada, [Compare("rules", 0)], {"rules": [put("/x", 1)]})
    made = manager.get_state(anybody, "rules")
    assert (made.type, made.owners) == (StateType.GLOBAL, ("human:ada",))


def test_who_is_no_member_makes_nothing_by_a_transaction(quick: Office) -> None:
    manager = quick.manager()
    for caller in (
        Caller(space=SPACE, name="human:cy", member=False),
        agent("wim", read_only=True),
    ):
        with pytest.raises(NotPermitted):
            manager.transact(caller, [Compare("a", 0)], {"a": [put("/x", 1)]})


def test_conditions_on_what_is_made_are_judged_on_the_empty_document(office: Office) -> None:
    manager = office.manager()

    def make(*ops: Operation) -> None:
        absent = [Compare("a", 0), Compare("b", 0)]
        manager.transact(WIM, absent, {"b": [put("/n", 1)], "a": ops})

    error = refused(lambda: make(put("/x", 1), swap("/x", 9, expect=5)))
    assert isinstance(error, Conflicting)
    assert (error.extra["state"], error.extra["head_version"]) == ("a", 0)
    [cause] = error.extra["causes"]
    assert (cause["kind"], cause["path"], cause["expected"]) == ("cas_value", "/x", 5)
    assert refused(lambda: make(swap("/x", 9, expect_version=3))).status == 409
    assert refused(lambda: make(put("/x", 1), put("/x/y", 1))).status == 422
    with pytest.raises(StateNotFound):
        manager.get_state(WIM, "b")
    make(swap("/x", 9, expect_absent=True), swap("/y", 8, expect_version=0))
    assert manager.get_state(WIM, "a").data == {"x": 9, "y": 8}
    office.check()


def test_a_transaction_makes_no_more_states_and_no_larger_ones_than_allowed(quick: Office) -> None:
    manager = quick.manager(limits=Limits(states_per_space=2, document_bytes=100))
    both = [Compare("a", 0), Compare("b", 0), Compare("c", 0)]
    ops = {name: [put("/x", 1)] for name in "abc"}
    with pytest.raises(TooMany):
        manager.transact(WIM, both, ops)
    with pytest.raises(DocumentTooLarge):
        manager.transact(WIM, [Compare("a", 0)], {"a": [put("/x", "x" * 200)]})
    manager.transact(WIM, both[:2], {name: ops[name] for name in "ab"})
    with pytest.raises(TooMany):
        manager.transact(WIM, both[2:], {"c": ops["c"]})


def test_what_one_may_not_see_compares_like_what_is_not_there(office: Office) -> None:
    manager = office.manager()
    manager.create_state(LENA, "hidden", data={}, access_policy=HIDDEN)
    manager.create_state(LENA, "open", data={})

    def told(name: str, version: int) -> tuple[object, ...]:
        error = refused(partial(manager.transact, WIM, [Compare(name, version)], {}))
        return type(error), str(error), error.fields, str(error.extra).replace(name, "?")

    for version in (1, 3):
        assert told("hidden", version) == told("nothing", version)
    error = refused(lambda: manager.transact(WIM, [Compare("hidden", 1)], {}))
    assert isinstance(error, TransactionRefused)
    assert error.extra["failed"] == [{"state": "hidden", "expected": 1, "version": 0}]
    for name in ("hidden", "nothing"):  # absent, for all that Wim can tell
        assert manager.transact(WIM, [Compare(name, 0)], {}).revision == 0
        with pytest.raises(StateNotFound):
            manager.transact(WIM, [], {name: [put("/x", 1)]})
    exists = refused(
        lambda: manager.transact(WIM, [Compare("hidden", 0)], {"hidden": [put("/x", 1)]})
    )
    assert isinstance(exists, StateExists), (
        "an id is taken once, which `create_state` tells as well"
    )
    assert exists.extra == {}
    assert manager.get_state(LENA, "hidden").data == {}
