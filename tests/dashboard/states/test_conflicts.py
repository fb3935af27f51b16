"""The inbox of parked conflicts: who is asked, choosing per path, writing the whole, dropping, growing old."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from state.manager import StateManager
from state.policy import system
from state.values import ConflictRecord, ConflictStatus
from tests.dashboard.conftest import Browser
from tests.dashboard.states.conftest import agent, put, words

INBOX = "/groups/Harbour/conflicts/"
PICKS = {"pick:/title": "mine", "pick:/budget/sails": "theirs"}


@pytest.fixture
def address(parked: ConflictRecord) -> str:
    return f"{INBOX}{parked.conflict_id}/"


def document(manager: StateManager) -> Any:
    return manager.get_state(system("Harbour"), "plan/spring").data


def status(manager: StateManager) -> ConflictStatus:
    [record] = manager.conflicts(system("Harbour"), status=None)
    return record.status


def test_the_inbox(parked: ConflictRecord, viewer: Browser, guarded: Callable[..., None]) -> None:
    guarded("get", INBOX)
    page = words(viewer.get(INBOX))
    assert "plan/spring /budget/sails , /title" in page
    assert "wes ·" in page and "both changed the same place" in page
    assert "plan/spring" in words(viewer.get(f"{INBOX}?state=plan/spring"))
    assert "Nothing collides" in words(viewer.get(f"{INBOX}?state=other"))
    rows = viewer.get(INBOX, htmx=True).content.decode()
    assert 'id="inbox"' in rows and "<html" not in rows


def test_the_three_documents_stand_side_by_side(
    address: str, viewer: Browser, guarded: Callable[..., None]
) -> None:
    guarded("get", address)
    answer = viewer.get(address)
    assert [
        (side.path, side.base, side.current, side.incoming, side.by)
        for side in answer.context["collisions"]
    ] == [
        ("/budget/sails", "70", "71", "69", "agent:wim"),
        ("/title", '"Spring"', '"Early spring"', '"Late spring"', "agent:wim"),
    ]
    assert "Settle as chosen" not in words(answer)
    assert viewer.post(address, {"do": "picks", "head": "3", **PICKS}).status_code == 403


@pytest.mark.parametrize("conflict_id", ["nothing", "a%00b"])
def test_no_such_conflict(conflict_id: str, parked: ConflictRecord, owner: Browser) -> None:
    assert owner.get(f"{INBOX}{conflict_id}/").status_code == 404


def test_a_preview_writes_nothing(address: str, owner: Browser, manager: StateManager) -> None:
    before = document(manager)
    answer = owner.post(address, {"do": "preview", "head": "3", **PICKS})
    assert json.loads(answer.context["preview"]) == {
        "title": "Late spring",
        "budget": {"sails": 71, "paint": 13},
        "crew": ["wim", "wes"],
    }
    assert document(manager) == before and status(manager) == "open"
    # One choice is missing: the preview says so.
    half = owner.post(address, {"do": "preview", "head": "3", "pick:/title": "mine"})
    assert "/budget/sails Choose one." in words(half)


def test_settling_as_chosen(address: str, owner: Browser, manager: StateManager) -> None:
    answer = owner.post(address, {"do": "picks", "head": "3", **PICKS})
    assert (answer.status_code, answer["Location"]) == (303, INBOX)
    assert document(manager) == {
        "title": "Late spring",
        "budget": {"sails": 71, "paint": 13},
        "crew": ["wim", "wes"],
    }
    assert status(manager) == "resolved"
    assert "Nothing collides" in words(owner.get(INBOX))
    assert "Settled" in words(owner.get(f"{INBOX}?all=1"))
    closed = words(owner.get(address))
    assert "Settled by ada · version 4" in closed and "Settle as chosen" not in closed
    assert owner.post(address, {"do": "picks", "head": "4", **PICKS}).status_code == 409


def test_every_path_needs_a_choice(address: str, owner: Browser, manager: StateManager) -> None:
    answer = owner.post(address, {"do": "picks", "head": "3", "pick:/title": "mine"})
    assert answer.status_code == 400
    assert status(manager) == "open"
    assert answer.context["collisions"][1].picked == "mine"


def test_settling_with_a_whole_document(
    address: str, owner: Browser, manager: StateManager
) -> None:
    wrong = owner.post(address, {"do": "value", "head": "3", "document": '{"a": '})
    assert wrong.status_code == 400
    assert "This is not JSON from line 1, column 7 on." in words(wrong)
    assert status(manager) == "open"
    given = {"do": "value", "head": "3", "document": '{"title": "Neither"}'}
    assert owner.post(address, given).status_code == 303
    assert document(manager) == {"title": "Neither"}


def test_dropping_the_write(address: str, owner: Browser, manager: StateManager) -> None:
    before = document(manager)
    assert owner.post(address, {"do": "dismiss", "head": "3"}).status_code == 303
    assert document(manager) == before and status(manager) == "rejected"


def test_a_state_that_moved_on_is_shown_as_it_is_now(
    address: str, owner: Browser, manager: StateManager
) -> None:
    manager.update_state(agent("wim"), "plan/spring", [put("/title", "Spring at last")])
    answer = owner.post(address, {"do": "picks", "head": "3", **PICKS})
    assert answer.status_code == 409
    assert answer.context["collisions"][1].current == '"Spring at last"'
    assert "The state has moved on, from version 3 to 4" in words(answer)
    assert 'name="head" value="4"' in answer.content.decode()
    assert document(manager)["title"] == "Spring at last"
    assert owner.post(address, {"do": "picks", "head": "4", **PICKS}).status_code == 303
    assert document(manager)["title"] == "Late spring"


def test_whoever_is_asked_may_settle(
    parked: ConflictRecord, operator: Browser, owner: Browser, manager: StateManager
) -> None:
    address = f"{INBOX}{parked.conflict_id}/"
    assert "Only whoever is asked" in words(operator.get(address))
    assert operator.post(address, {"do": "dismiss"}).status_code == 403
    assert status(manager) == "open"


def test_of_a_deleted_state_the_write_can_only_be_dropped(
    address: str, owner: Browser, manager: StateManager
) -> None:
    manager.delete_state(system("Harbour"), "plan/spring")
    page = words(owner.get(address))
    assert "this write can only be dropped" in page and "Settle as chosen" not in page


@pytest.mark.parametrize("do", ["", "moon"])
def test_an_action_that_there_is_not(
    do: str, address: str, owner: Browser, manager: StateManager
) -> None:
    assert owner.post(address, {"do": do, "head": "3"}).status_code == 400
    assert status(manager) == "open"


def test_what_stood_before_or_a_value_of_one_s_own(
    address: str, owner: Browser, manager: StateManager
) -> None:
    mine = {"pick:/title": "value", "value:/title": '"Neither"', "pick:/budget/sails": "base"}
    preview = owner.post(address, {"do": "preview", "head": "3", **mine})
    assert json.loads(preview.context["preview"])["title"] == "Neither"
    assert owner.post(address, {"do": "picks", "head": "3", **mine}).status_code == 303
    assert document(manager) == {
        "title": "Neither",
        "budget": {"sails": 70, "paint": 13},
        "crew": ["wim", "wes"],
    }


def test_a_value_that_is_no_json_stands_there_still(
    address: str, owner: Browser, manager: StateManager
) -> None:
    wrong = {"pick:/title": "value", "value:/title": "Neither", "pick:/budget/sails": "mine"}
    answer = owner.post(address, {"do": "picks", "head": "3", **wrong})
    assert answer.status_code == 400 and status(manager) == "open"
    assert "This is not JSON from line 1, column 1 on." in words(answer)
    title = answer.context["collisions"][1]
    assert (title.own, title.picked) == ("Neither", "value")
    assert answer.context["collisions"][0].picked == "mine"


def test_whoever_looks_hears_that_it_is_settled_or_has_moved_on(
    address: str,
    owner: Browser,
    operator: Browser,
    manager: StateManager,
    guarded: Callable[..., None],
) -> None:
    standing = f"{address}standing/"
    guarded("get", standing)
    assert words(owner.get(f"{standing}?head=3", htmx=True)) == ""
    manager.update_state(agent("wim"), "plan/spring", [put("/title", "Spring at last")])
    moved = owner.get(f"{standing}?head=3", htmx=True)
    assert "wim has written version 4 meanwhile" in words(moved)
    assert 'value="preview"' in moved.content.decode()
    assert 'value="preview"' not in operator.get(f"{standing}?head=3").content.decode()
    owner.post(address, {"do": "picks", "head": "4", **PICKS})
    told = operator.get(f"{standing}?head=3", htmx=True)
    assert "ada has settled this." in words(told) and 'data-settles="0"' in told.content.decode()
    assert "ada has settled this." in words(owner.get(address))
