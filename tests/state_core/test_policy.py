"""Who may do what with a state (shared-state 1.2), as a table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from state import policy
from state.policy import (
    ALL,
    NONE,
    Caller,
    Right,
    canonical,
    default_policy,
    require,
    rights,
    system,
)
from state.refusals import NotPermitted, StateNotFound
from state.values import AccessPolicy, SharedState, StateType

READ, WRITE, DELETE, ADMIN = Right.READ, Right.WRITE, Right.DELETE, Right.ADMIN
AT = datetime(2031, 5, 4, tzinfo=UTC)


def state(owners: tuple[str, ...] = ("human:owner",), **lists: Any) -> SharedState:
    readers = lists.pop("readers", ())
    return SharedState(
        id="plan",
        space="crew",
        uid="6f1c1f0c4b6e4a56b3c5f2a90d3a7e11",
        owners=owners,
        readers=readers,
        timestamp=AT,
        created_at=AT,
        access_policy=AccessPolicy(**lists),
    )


def caller(name: str, *also: str, **more: Any) -> Caller:
    return Caller(space="crew", name=name, principals=frozenset(also), **more)


WORKER = caller("agent:w1", "role:worker", "tag:python")
LEADER = caller("agent:boss", "role:leader")
PERSON = caller("human:ada")
OUTSIDER = caller("human:eve", member=False)
ADMINISTRATOR = caller("human:root", member=False, admin=True)


@pytest.mark.parametrize(
    ("principal", "who", "others"),
    [
        ("agent:w1", [WORKER], [LEADER, PERSON, OUTSIDER]),
        ("w1", [WORKER], [LEADER, PERSON, OUTSIDER]),
        ("role:worker", [WORKER], [LEADER, PERSON, OUTSIDER]),
        ("role:leader", [LEADER], [WORKER, PERSON, OUTSIDER]),
        ("tag:python", [WORKER], [LEADER, PERSON, OUTSIDER]),
        ("human:ada", [PERSON], [WORKER, LEADER, OUTSIDER]),
        ("human:eve", [OUTSIDER], [WORKER, LEADER, PERSON]),
        ("*", [WORKER, LEADER, PERSON], [OUTSIDER]),
        ("ada", [], [WORKER, LEADER, PERSON, OUTSIDER]),
        ("agent:w", [], [WORKER, LEADER, PERSON, OUTSIDER]),
        ("W1", [], [WORKER]),
        ("", [], [WORKER, OUTSIDER]),
    ],
)
def test_a_principal_in_a_list_means_exactly_these(
    principal: str, who: list[Caller], others: list[Caller]
) -> None:
    listed = state(read_allow=(principal,))
    assert [rights(listed, each) for each in who] == [{READ}] * len(who)
    assert [rights(listed, each) for each in others] == [NONE] * len(others)


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ({}, set()),
        ({"readers": ("w1",)}, {READ}),
        ({"read_allow": ("w1",)}, {READ}),
        ({"write_allow": ("w1",)}, {READ, WRITE}),
        ({"delete_allow": ("w1",)}, {READ, DELETE}),
        ({"admin_allow": ("w1",)}, {READ, DELETE, ADMIN}),
        ({"write_allow": ("w1",), "delete_allow": ("tag:python",)}, {READ, WRITE, DELETE}),
        ({"write_allow": ("*",), "admin_allow": ("role:worker",)}, {READ, WRITE, DELETE, ADMIN}),
        ({"public": True}, {READ, WRITE}),
        ({"public": True, "delete_allow": ("w1",)}, {READ, WRITE, DELETE}),
        ({"owners": ("w1",)}, {READ, WRITE, DELETE, ADMIN}),
        ({"owners": ("role:worker",)}, {READ, WRITE, DELETE, ADMIN}),
        ({"owners": ("boss",), "write_allow": ("boss",)}, set()),
    ],
)
def test_each_list_grants_its_right_and_reading(
    lists: dict[str, Any], expected: set[Right]
) -> None:
    assert rights(state(**lists), WORKER) == expected


def test_public_is_for_members_only() -> None:
    public = state(public=True)
    for each in (WORKER, LEADER, PERSON):
        assert rights(public, each) == {READ, WRITE}
    assert rights(public, OUTSIDER) == NONE
    with pytest.raises(StateNotFound):
        require(public, OUTSIDER, READ)


def test_an_admin_of_the_installation_may_do_all_and_so_may_stars_itself() -> None:
    closed = state(owners=())
    assert rights(closed, ADMINISTRATOR) == ALL == frozenset(Right)
    assert rights(closed, system("crew")) == ALL
    assert system("crew").name == "system"


@pytest.mark.parametrize(
    "who",
    [
        caller("human:owner", read_only=True),
        caller("human:root", admin=True, read_only=True),
        caller("human:ada", read_only=True),
        caller("agent:w1", read_only=True),
    ],
)
def test_a_viewer_only_reads_whatever_it_is_granted(who: Caller) -> None:
    open_to_all = state(public=True, write_allow=("*",), admin_allow=("human:ada", "w1"))
    assert rights(open_to_all, who) == {READ}
    require(open_to_all, who, READ)
    for right in (WRITE, DELETE, ADMIN):
        with pytest.raises(NotPermitted):
            require(open_to_all, who, right)


def test_a_viewer_that_was_granted_nothing_sees_nothing() -> None:
    assert rights(state(), caller("agent:w1", read_only=True)) == NONE


@pytest.mark.parametrize("right", list(Right))
def test_what_one_may_not_read_does_not_exist_for_one(right: Right) -> None:
    with pytest.raises(StateNotFound) as refusal:
        require(state(write_allow=("boss",)), WORKER, right)
    assert refusal.value.status == 404
    assert refusal.value.extra == {}


@pytest.mark.parametrize("right", [WRITE, DELETE, ADMIN])
def test_what_one_may_read_only_is_refused_with_the_right_it_takes(right: Right) -> None:
    with pytest.raises(NotPermitted) as refusal:
        require(state(readers=("w1",)), WORKER, right)
    assert refusal.value.status == 403
    assert refusal.value.extra == {"required": str(right)}


def test_a_caller_known_by_a_bare_word_is_that_agent() -> None:
    assert rights(state(read_allow=("agent:w1",)), caller("w1")) == {READ}
    assert rights(state(read_allow=("w1",)), caller("w1")) == {READ}
    assert canonical("w1") == "agent:w1"
    assert canonical("human:ada") == "human:ada"
    assert canonical(policy.EVERYONE) == "*"


def test_no_name_makes_an_outsider_everybody() -> None:
    for name in ("*", "agent:*"):
        assert rights(state(read_allow=("*",)), caller(name, member=False)) == NONE
    assert rights(state(read_allow=("*",)), caller("human:x", "*", member=False)) == NONE


@pytest.mark.parametrize(
    ("kind", "member"),
    [
        (StateType.GLOBAL, {READ}),
        (StateType.AGENT, {READ}),
        (StateType.TASK, {READ}),
        (StateType.SESSION, {READ, WRITE}),
        (StateType.WORKFLOW, {READ, WRITE}),
        (StateType.RESOURCE, {READ, WRITE}),
    ],
)
def test_what_a_state_without_a_policy_grants_members(kind: StateType, member: set[Right]) -> None:
    given = state()
    made = SharedState(
        id=given.id,
        space=given.space,
        uid=given.uid,
        type=kind,
        owners=given.owners,
        timestamp=AT,
        created_at=AT,
        access_policy=default_policy(kind),
    )
    assert rights(made, WORKER) == member
    assert rights(made, OUTSIDER) == NONE
    assert rights(made, caller("human:owner")) == ALL
