"""The list of states: what it shows to whom, its filters and pages, and making a state."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from groups.models import Group
from groups.views.states import listing
from state.manager import StateManager
from state.policy import system
from state.refusals import StateNotFound
from state.values import AccessPolicy, ConflictRecord, StateType
from tests.dashboard.conftest import Browser
from tests.dashboard.states.conftest import agent, words

LIST = "/groups/Harbour/states/"
NEW = f"{LIST}new/"


def test_the_list(plan: str, viewer: Browser, guarded: Callable[..., None]) -> None:
    guarded("get", LIST)
    page = words(viewer.get(LIST))
    assert "plan/spring The spring plan resource dock version 1" in page
    assert "In step" in page
    assert "New state" not in page  # a viewer makes none
    rows = viewer.get(LIST, htmx=True).content.decode()
    assert 'id="states"' in rows and "<html" not in rows


def test_states_that_one_may_not_read_are_not_listed(
    plan: str, manager: StateManager, operator: Browser, owner: Browser
) -> None:
    manager.create_state(agent("wim"), "diary", access_policy=AccessPolicy())
    assert "diary" in words(owner.get(LIST))
    assert "diary" not in words(operator.get(LIST))
    assert operator.get(f"{LIST}of/diary/").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("text=notes/", {"notes/day"}),
        ("text=NIGHT+day", {"notes/day"}),
        ("type=workflow", {"crane"}),
        ("tag=night", {"notes/day"}),
        ("owner=wes", {"crane"}),
        ("owner=agent:wes", {"crane"}),
        ("deleted=on", {"gone"}),
        ("status=pending", set()),
        ("type=workflow&tag=night", set()),
        ("type=moon", {"crane", "notes/day", "plan/spring"}),
    ],
)
def test_filters(
    query: str, found: set[str], plan: str, manager: StateManager, owner: Browser
) -> None:
    manager.create_state(agent("wim"), "notes/day", tags=("night",))
    manager.create_state(agent("wes"), "crane", state_type=StateType.WORKFLOW)
    manager.create_state(agent("wes"), "gone", tags=("night",))
    manager.delete_state(agent("wes"), "gone")
    answer = owner.get(f"{LIST}?{query}")
    assert answer.status_code == 200
    assert {state.id for state in answer.context["states"]} == found
    if not found:
        assert "No state is like that." in words(answer)


def test_filters_are_folded_unless_one_is_in_force(plan: str, viewer: Browser) -> None:
    """On a phone they would take half a screen; the search is beside the fold, not in it."""
    for query, is_open in (("", False), ("?text=plan", False), ("?type=resource", True)):
        page = viewer.get(LIST + query).content.decode()
        before, fold = page.split('<details class="filter-more"')
        assert fold.startswith(" open>" if is_open else ">"), query
        assert 'name="text"' in before
        inside = fold.split("</details>")[0]
        assert all(f'name="{each}"' in inside for each in ("type", "tag", "owner", "status"))


def test_pages_of_the_list_keep_the_filters(
    harbour: Group, manager: StateManager, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE", 3)
    for n in range(7):
        manager.create_state(agent("wim"), f"day-{n}", tags=("log",) if n else ())
    seen: list[str] = []
    address = f"{LIST}?tag=log"
    while address:
        answer = owner.get(address)
        seen += [state.id for state in answer.context["states"]]
        following = answer.context["next"]
        assert not following or f"?tag=log&amp;after={following}" in answer.content.decode()
        address = f"{LIST}?tag=log&after={following}" if following else ""
    assert seen == [f"day-{n}" for n in range(1, 7)]


def test_an_empty_list_says_what_states_are_for(harbour: Group, owner: Browser) -> None:
    assert "No states yet" in words(owner.get(LIST))


def test_waiting_conflicts_are_counted_on_the_list_and_on_the_group_s_page(
    parked: ConflictRecord, owner: Browser
) -> None:
    assert "Conflicts wait for somebody 1" in words(owner.get(LIST))
    entry = owner.get(f"{LIST}entry/", htmx=True)
    assert "Open conflicts: 1" in words(entry)
    assert LIST in entry.content.decode()
    group = owner.get("/groups/Harbour/").content.decode()
    assert f'href="{LIST}"' in group and "space:Harbour" in group


def test_making_a_state(harbour: Group, operator: Browser, manager: StateManager) -> None:
    given = {"state_id": "plans/隣", "name": "Neighbours", "type": "session", "document": "{}"}
    refused = operator.post(NEW, given)
    assert refused.status_code == 400 and 'id="id_state_id_error"' in refused.content.decode()
    given |= {"state_id": "plans/next", "type": "task", "document": '{"n": 7}'}
    answer = operator.post(NEW, given)
    assert (answer.status_code, answer["Location"]) == (303, f"{LIST}of/plans/next/")
    made = manager.get_state(system("Harbour"), "plans/next")
    assert (made.name, made.type, made.data, made.owners) == (
        "Neighbours",
        "task",
        {"n": 7},
        ("human:bo",),
    )
    again = operator.post(NEW, given)
    assert again.status_code == 409
    assert "There is a state by that id already." in words(again)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ('{"a": 1', "This is not JSON from line 1, column 8 on."),
        ('{"a": 1, "a": 2}', "/a stands there twice."),
        ("[1]", "This must be a JSON object"),
        ('{"n": NaN}', "NaN is not JSON."),
        ('{"n": 99999999999999999999}', "/n: This integer does not fit into 64 bits."),
        ('{"t": "\\u0000"}', "/t: U+0000 cannot be kept."),
        ('{"t": "\\ud800"}', "/t: A lone surrogate cannot be kept."),
        ('{"a":' * 70 + "1" + "}" * 70, "This is nested too deeply."),
    ],
)
def test_what_json_cannot_be_stands_beside_the_document_and_makes_nothing(
    document: str, says: str, harbour: Group, owner: Browser, manager: StateManager
) -> None:
    answer = owner.post(NEW, {"state_id": "bad", "type": "session", "document": document})
    assert answer.status_code == 400
    assert 'id="id_document_error"' in answer.content.decode()
    assert says in words(answer)
    with pytest.raises(StateNotFound):
        manager.get_state(system("Harbour"), "bad")


def test_a_state_is_made_with_a_schema(
    harbour: Group, owner: Browser, manager: StateManager
) -> None:
    page = owner.get(NEW).content.decode()
    assert "what agents note while they talk" in page and "id_schema" in page
    schema = {"properties": {"ships": {"type": "integer"}}}
    given = {"state_id": "docks", "type": "resource", "schema": json.dumps(schema)}
    # Neither a schema that is none nor a document that it forbids makes a state; it stands beside the field.
    for mistake, field in (
        ({"schema": '{"type": "bogus"}'}, "schema"),
        ({"schema": "{"}, "schema"),
        ({"document": '{"ships": "x"}'}, "document"),
    ):
        answer = owner.post(NEW, {**given, "document": "{}", **mistake})
        assert answer.status_code in (400, 422)
        assert f'id="id_{field}_error"' in answer.content.decode()
        assert '<details class="state-fold" open>' in answer.content.decode()
        with pytest.raises(StateNotFound):
            manager.get_state(system("Harbour"), "docks")
    assert owner.post(NEW, {**given, "document": '{"ships": 7}'}).status_code == 303
    made = manager.get_state(system("Harbour"), "docks")
    assert (made.schema, made.data) == (schema, {"ships": 7})
    # Without one, any document will do.
    assert owner.post(NEW, {"state_id": "free", "type": "resource"}).status_code == 303
    assert manager.get_state(system("Harbour"), "free").schema is None


def test_viewers_make_nothing(harbour: Group, viewer: Browser) -> None:
    assert viewer.get(NEW).status_code == 403
    assert viewer.post(NEW, {"state_id": "a", "type": "session"}).status_code == 403


def test_the_states_of_the_installation(
    harbour: Group, owner: Browser, nobody: Browser, manager: StateManager
) -> None:
    manager.create_state(system("_global"), "rates", data={"EUR": 1})
    assert nobody.get("/states/").status_code == 302
    page = owner.get("/states/")
    assert "rates" in words(page)
    assert 'href="/states/of/rates/"' in page.content.decode()
    assert owner.get("/states/of/rates/").status_code == 200
    assert owner.get("/states/new/").status_code == 403  # administrators only
    refused = owner.post(f"{LIST}new/", {"state_id": "x", "type": "global"})
    assert refused.status_code == 400 and 'id="id_type_error"' in refused.content.decode()
