"""Editing a document by hand: only changes are written, collisions are shown side by side, nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from state.manager import Base, StateManager
from state.policy import Caller, system
from state.values import (
    ConflictResolution,
    ConsistencyLevel,
    MergeFallback,
    Operation,
    OperationType,
)
from tests.dashboard.conftest import Browser
from tests.dashboard.states.conftest import DATA, PLAN, agent, near, put, words

EDIT, CHECK = map(PLAN.format, ("edit", "check"))
ADMIN = Caller(space="Harbour", name="human:ada", admin=True)


def document(manager: StateManager) -> Any:
    return manager.get_state(system("Harbour"), "plan/spring").data


def text(**changes: Any) -> str:
    """DATA as somebody edited it, with those members changed."""
    return json.dumps({**DATA, **changes})


def test_saving_writes_what_was_changed_and_nothing_else(
    plan: str, operator: Browser, manager: StateManager, guarded: Callable[..., None]
) -> None:
    guarded("post", EDIT)
    given = {"version": "1", "document": text(title="Summer", extra=None, budget={"sails": 70})}
    answer = operator.post(EDIT, given)
    assert (answer.status_code, answer["Location"]) == (303, plan)
    assert document(manager) == {**DATA, "title": "Summer", "extra": None, "budget": {"sails": 70}}
    [entry] = manager.history(ADMIN, "plan/spring", limit=1)
    assert entry.agent == "human:bo"
    assert {(op.op, op.path) for op in entry.ops} == {
        ("set", "/title"),
        ("set", "/extra"),
        ("delete", "/budget/paint"),
    }
    assert "Saved as version 2." in words(operator.get(plan))


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (EDIT, PLAN.format("of")),
        (CHECK, PLAN.format("of")),
        (PLAN.format("freeze"), PLAN.format("of")),
        (PLAN.format("try"), PLAN.format("policy")),
        (PLAN.format("restore"), PLAN.format("history")),
        ("/groups/Harbour/sync/push/", "/groups/Harbour/sync/"),
        ("/groups/Harbour/sync/tasks/x/retry/", "/groups/Harbour/sync/"),
        ("/states/edit/a/b/", "/states/of/a/b/"),
        ("/inbox/x/approve/", "/inbox/"),
        ("/agents/lena/test/", "/agents/lena/"),
    ],
)
def test_whoever_opens_where_a_form_was_sent_to_comes_to_its_page(
    path: str, to: str, plan: str, owner: Browser, nobody: Browser
) -> None:
    answer = owner.get(path)
    assert (answer.status_code, answer["Location"]) == (302, to)
    assert nobody.get(path)["Location"].startswith("/login/")
    assert owner.client.put(path).status_code == 405


def test_what_others_write_elsewhere_meanwhile_stays(
    plan: str, owner: Browser, manager: StateManager
) -> None:
    manager.update_state(agent("wes"), "plan/spring", [put("/budget/sails", 99)])
    assert owner.post(EDIT, {"version": "1", "document": text(title="Mine")}).status_code == 303
    assert document(manager) == {**DATA, "title": "Mine", "budget": {"sails": 99, "paint": 12.5}}


def test_nothing_changed_is_no_version(plan: str, owner: Browser, manager: StateManager) -> None:
    assert owner.post(EDIT, {"version": "1", "document": text()}).status_code == 303
    assert "Nothing was changed." in words(owner.get(plan))
    assert manager.get_state(ADMIN, "plan/spring").version == 1


@pytest.mark.parametrize(("pick", "title"), [("mine", "Mine"), ("theirs", "Theirs")])
@pytest.mark.parametrize(
    ("consistency", "resolution"),
    [
        (ConsistencyLevel.WEAK, ConflictResolution.MERGE),
        (ConsistencyLevel.STRONG, ConflictResolution.REJECT),
        (ConsistencyLevel.WEAK, ConflictResolution.REJECT),
    ],
)
def test_a_collision_shows_exactly_the_colliding_paths_and_keeps_the_text(
    consistency: ConsistencyLevel,
    resolution: ConflictResolution,
    pick: str,
    title: str,
    plan: str,
    owner: Browser,
    manager: StateManager,
) -> None:
    manager.configure(
        ADMIN,
        "plan/spring",
        {"consistency": consistency, "resolution": resolution, "tags": ["two"]},
    )
    base = Base(version=2)
    theirs = [put("/title", "Theirs"), put("/crew", ["wes"])]
    manager.update_state(agent("wes"), "plan/spring", theirs, base=base)
    budget = {"sails": 1, "paint": 12.5}
    mine = {"version": "2", "document": text(title="Mine", budget=budget)}
    answer = owner.post(EDIT, mine)
    assert answer.status_code == 409
    [side] = answer.context["collisions"]
    assert (side.path, side.current, side.incoming) == ("/title", '"Theirs"', '"Mine"')
    assert (side.by, side.version) == ("agent:wes", 3)
    assert "You began with version 2; by now it is version 3." in words(answer)
    assert '"title": "Mine"' in near(answer, 'name="document"')
    assert document(manager)["title"] == "Theirs"
    chosen = {**mine, "head": "3", "pick:/title": pick}
    assert owner.post(EDIT, chosen).status_code == 303
    assert document(manager) == {"title": title, "crew": ["wes"], "budget": budget}


def test_a_stale_base_where_nothing_collides_asks_once_more(
    plan: str, owner: Browser, manager: StateManager
) -> None:
    strict = {"consistency": ConsistencyLevel.STRONG, "resolution": ConflictResolution.REJECT}
    manager.configure(ADMIN, "plan/spring", strict)
    answer = owner.post(EDIT, {"version": "1", "document": text(title="Mine")})
    assert answer.status_code == 409
    assert answer.context["collisions"] == []
    assert "Nothing that you changed collides with it" in words(answer)
    again = {"version": "1", "head": "2", "document": text(title="Mine")}
    assert owner.post(EDIT, again).status_code == 303
    assert document(manager)["title"] == "Mine"


def test_a_choice_that_has_grown_old_is_asked_again(
    plan: str, owner: Browser, manager: StateManager
) -> None:
    manager.update_state(agent("wes"), "plan/spring", [put("/title", "Theirs")])
    manager.update_state(agent("wim"), "plan/spring", [put("/title", "Theirs, later")])
    chosen = {"version": "1", "head": "2", "pick:/title": "mine", "document": text(title="Mine")}
    answer = owner.post(EDIT, chosen)
    assert answer.status_code == 409
    [side] = answer.context["collisions"]
    assert (side.current, side.incoming) == ('"Theirs, later"', '"Mine"')
    assert document(manager)["title"] == "Theirs, later"


def test_a_collision_without_a_choice_is_asked_again(
    plan: str, owner: Browser, manager: StateManager
) -> None:
    theirs = [put("/title", "Theirs"), put("/crew", [])]
    manager.update_state(agent("wes"), "plan/spring", theirs)
    # Only /title was seen to collide; /crew was edited after that.
    document_ = text(title="Mine", crew=["wim"])
    chosen = {"version": "1", "head": "2", "pick:/title": "mine", "document": document_}
    answer = owner.post(EDIT, chosen)
    assert answer.status_code == 409
    assert [(side.path, side.picked) for side in answer.context["collisions"]] == [
        ("/crew", ""),
        ("/title", "mine"),
    ]
    page = answer.content.decode()
    assert "data-open>Choose one for /crew." in page
    assert "data-open hidden>Choose one for /title." in page
    assert document(manager)["title"] == "Theirs"


def test_what_was_removed_can_be_taken_or_kept(
    plan: str, owner: Browser, manager: StateManager
) -> None:
    manager.update_state(
        agent("wes"), "plan/spring", [Operation(OperationType.DELETE, "/budget/paint")]
    )
    mine = text(budget={"sails": 70, "paint": 13})
    answer = owner.post(EDIT, {"version": "1", "document": mine})
    [side] = answer.context["collisions"]
    assert (side.path, side.current, side.incoming) == ("/budget/paint", None, "13")
    assert "nothing" in words(answer)
    form = {"version": "1", "head": "2", "pick:/budget/paint": "theirs", "document": mine}
    owner.post(EDIT, form)
    assert document(manager)["budget"] == {"sails": 70}


def test_what_is_parked_or_overwritten_is_said(
    plan: str, owner: Browser, manager: StateManager
) -> None:
    manager.configure(ADMIN, "plan/spring", {"merge_fallback": MergeFallback.PARK})
    manager.update_state(agent("wes"), "plan/spring", [put("/title", "Theirs")])
    owner.post(EDIT, {"version": "2", "document": text(title="Mine")})
    assert "collides with what others wrote at /title" in words(owner.get(plan))
    assert document(manager)["title"] == "Theirs"
    manager.configure(ADMIN, "plan/spring", {"resolution": ConflictResolution.LAST_WRITE})
    owner.post(EDIT, {"version": "2", "document": text(title="Mine")})
    assert "replaced what others wrote at /title" in words(owner.get(plan))
    assert document(manager)["title"] == "Mine"


@pytest.mark.parametrize("bad", ['{"a": ', "[]", "", '{"a": 1, "a": 1}'])
def test_a_text_that_is_no_document_comes_back_with_what_is_wrong(
    bad: str, plan: str, owner: Browser, manager: StateManager
) -> None:
    answer = owner.post(EDIT, {"version": "1", "document": bad})
    assert answer.status_code == 400
    assert 'id="id_document_error"' in answer.content.decode()
    assert near(answer, 'name="document"').count(bad)
    assert manager.get_state(ADMIN, "plan/spring").version == 1


def test_what_the_schema_forbids_stands_beside_the_document(
    plan: str, owner: Browser, manager: StateManager
) -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    manager.configure(ADMIN, "plan/spring", {"schema": schema})
    answer = owner.post(EDIT, {"version": "2", "document": text(title=7)})
    assert answer.status_code == 422
    assert "/title" in near(answer, 'id="id_document_error"')


@pytest.mark.parametrize("version", ["", "0", "x", "99"])
def test_a_version_that_never_was(version: str, plan: str, owner: Browser) -> None:
    answer = owner.post(EDIT, {"version": version, "document": text(title="Mine")})
    assert answer.status_code in (400, 404)


def test_who_may_not_write(
    plan: str, owner: Browser, viewer: Browser, manager: StateManager
) -> None:
    given = {"version": "1", "document": text(title="Mine")}
    assert viewer.post(EDIT, given).status_code == 403
    manager.freeze(ADMIN, "plan/spring")
    refused = owner.post(EDIT, {**given, "version": "2"})
    assert refused.status_code == 423
    assert document(manager) == DATA


def test_a_state_made_anew_is_not_taken_for_the_one_that_was_edited(
    plan: str, owner: Browser, manager: StateManager
) -> None:
    old = manager.get_state(ADMIN, "plan/spring")
    manager.delete_state(ADMIN, "plan/spring")
    manager.create_state(ADMIN, "plan/spring", data={"new": "life"})
    given = {"version": "1", "uid": old.uid, "document": text(title="Mine")}
    answer = owner.post(EDIT, given)
    assert answer.status_code == 409
    assert '"title": "Mine"' in near(answer, 'name="document"')
    assert document(manager) == {"new": "life"}


def faults(browser: Browser, text: str) -> list[tuple[str | None, str]]:
    """What is wrong with that text, as the editor hears it."""
    answer = browser.send(CHECK, {"text": text})
    assert answer.status_code == 200
    return [(each["path"], each["text"]) for each in answer.json()["faults"]]


def test_what_is_wrong_is_said_while_somebody_writes(
    plan: str, operator: Browser, manager: StateManager
) -> None:
    schema = {
        "required": ["title"],
        "properties": {"budget": {"properties": {"sails": {"type": "integer"}}}},
    }
    manager.configure(ADMIN, "plan/spring", {"schema": schema})
    assert faults(operator, text()) == []
    assert faults(operator, '{"budget": {"sails": "x"}}') == [
        ("", "'title' is a required property"),
        ("/budget/sails", "'x' is not of type 'integer'"),
    ]
    assert faults(operator, "{\n  1}") == [(None, "This is not JSON from line 2, column 3 on.")]
    assert faults(operator, "[]") == [("", "The document is a JSON object.")]
    assert faults(operator, "") != []
    assert manager.get_state(ADMIN, "plan/spring").version == 2


def test_only_who_may_look_may_ask_what_is_wrong(
    plan: str, operator: Browser, guarded: Callable[..., None]
) -> None:
    guarded("post", CHECK)
    bodies: tuple[object, ...] = ([], "x", {"text": 7})
    for body in bodies:
        assert operator.send(CHECK, body).status_code == 400
