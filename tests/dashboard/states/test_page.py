"""A state's page: what it shows, its data for the live page, and the buttons in its head."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from groups.models import Group, Run
from groups.services import run_states
from state.manager import StateManager
from state.policy import system
from state.refusals import StateNotFound
from state.values import AccessPolicy, ConflictRecord
from tests.dashboard.conftest import Browser
from tests.dashboard.states.conftest import PLAN, agent, put, words

FREEZE, REMOVE, DATA, HEAD = map(PLAN.format, ("freeze", "remove", "data", "head"))


def test_the_page(
    plan: str, manager: StateManager, viewer: Browser, guarded: Callable[..., None]
) -> None:
    guarded("get", plan)
    manager.update_state(agent("wes"), "plan/spring", [put("/budget/sails", 71)])
    answer = viewer.get(plan)
    page = words(answer)
    assert "Version 2 Written" in page and "by wes" in page
    assert '"sails": 71' in page
    assert all(fact in page for fact in ("Type resource", "Consistency weak", "Owners wim", "dock"))
    assert "Delete" not in page and "Edit" not in page
    assert 'src="/groups/Harbour/states/data/plan/spring/"' in answer.content.decode()
    assert 'data-topics="space:Harbour"' in answer.content.decode()


def test_what_agents_write_is_text_and_no_markup(
    plan: str, manager: StateManager, owner: Browser
) -> None:
    manager.update_state(agent("wim"), "plan/spring", [put("/<b>", "</pre><script>x()</script>")])
    for at in ("of", "history"):
        page = owner.get(PLAN.format(at)).content.decode()
        assert "<script>x()" not in page and "&lt;script&gt;x()" in page


@pytest.mark.parametrize(
    "state_id", ["nothing", "plan", "plan/spring/more", "a%00b", "../x", "%F0"]
)
def test_no_such_state(state_id: str, plan: str, owner: Browser) -> None:
    assert owner.get(f"/groups/Harbour/states/of/{state_id}/").status_code == 404


def test_the_data_tell_who_wrote_each_leaf(
    plan: str, manager: StateManager, operator: Browser, guarded: Callable[..., None]
) -> None:
    guarded("get", DATA)
    manager.update_state(agent("wes"), "plan/spring", [put("/budget/sails", 71)])
    found = operator.get(DATA).json()
    assert (found["version"], found["by"]) == (2, "agent:wes")
    assert '"sails": 71' in found["text"]
    blame = {path: (wrote["agent"], wrote["version"]) for path, wrote in found["blame"].items()}
    assert blame["/budget/sails"] == ("agent:wes", 2)
    assert blame["/crew/1"] == blame["/budget/paint"] == ("agent:wim", 1)
    # Nothing new: nothing is sent.
    assert operator.get(f"{DATA}?seen={found['seen']}").status_code == 204
    manager.update_state(agent("wes"), "plan/spring", [put("/budget/sails", 72)])
    assert operator.get(f"{DATA}?seen={found['seen']}").json()["version"] == 3


def test_a_parked_conflict_changes_what_is_seen(
    parked: ConflictRecord, owner: Browser, manager: StateManager
) -> None:
    before = owner.get(DATA).json()["seen"]
    assert "conflict" in before
    page = owner.get(HEAD, htmx=True)
    assert "<html" not in page.content.decode()
    assert "waits for somebody to decide" in words(page)
    assert "/groups/Harbour/conflicts/?state=plan%2Fspring" in page.content.decode()


def test_freezing_and_unfreezing(
    plan: str,
    owner: Browser,
    operator: Browser,
    manager: StateManager,
    guarded: Callable[..., None],
) -> None:
    guarded("post", FREEZE)
    assert operator.post(FREEZE, {"frozen": "1"}).status_code == 403
    assert owner.post(FREEZE, {"frozen": "1"}).status_code == 303
    assert manager.get_state(agent("wim"), "plan/spring").frozen
    page = words(owner.get(plan))
    assert "Frozen" in page and "Unfreeze" in page and "Edit" not in page and "Delete" not in page
    owner.post(FREEZE, {"frozen": "0"})
    assert not manager.get_state(agent("wim"), "plan/spring").frozen


def test_deleting_what_one_has_seen(
    plan: str,
    owner: Browser,
    operator: Browser,
    manager: StateManager,
    guarded: Callable[..., None],
) -> None:
    guarded("post", REMOVE)
    assert operator.post(REMOVE, {"head": "1"}).status_code == 403
    manager.update_state(agent("wim"), "plan/spring", [put("/title", "Newer")])
    assert owner.post(REMOVE, {"head": "1"}).status_code == 409
    assert owner.post(REMOVE, {}).status_code == 400
    answer = owner.post(REMOVE, {"head": "2"})
    assert (answer.status_code, answer["Location"]) == (303, "/groups/Harbour/states/")
    with pytest.raises(StateNotFound):
        manager.get_state(system("Harbour"), "plan/spring")
    assert owner.get(plan).status_code == 404
    history = words(owner.get(PLAN.format("history")))
    assert "deleted" in history and "Restore" not in history


def test_a_state_that_one_may_only_read_has_no_buttons(
    harbour: Group, operator: Browser, manager: StateManager
) -> None:
    readable = AccessPolicy(read_allow=("*",))
    manager.create_state(agent("wim"), "own", data={"n": 7}, access_policy=readable)
    page = words(operator.get("/groups/Harbour/states/of/own/"))
    assert "n" in page and not any(word in page for word in ("Edit", "Freeze", "Delete"))


def test_a_run_and_its_state_lead_to_each_other(working: Run, owner: Browser, ada: User) -> None:
    address = f"/groups/Harbour/states/of/run/{working.id}/"
    assert f'href="{address}"' in owner.get(f"/runs/{working.id}/").content.decode()
    run_states.write(working.id)
    assert f'href="/runs/{working.id}/"' in owner.get(address).content.decode()
