"""A state's history: entries in words, differences, bringing a version back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from groups.views.states import history as page_of_history
from state import jsonvalue
from state.manager import Base, StateManager
from state.policy import system
from state.values import Operation, OperationType
from tests.dashboard.conftest import Browser
from tests.dashboard.states.conftest import DATA, PLAN, agent, put, words

HISTORY, DIFF, RESTORE, NEWS, FILM = map(
    PLAN.format, ("history", "diff", "restore", "news", "film")
)


@pytest.fixture
def written(plan: str, manager: StateManager) -> None:
    """Versions 2 to 4: a value set, one removed, a setting."""
    note = {"note": "Sails are dear"}
    manager.update_state(agent("wes"), "plan/spring", [put("/budget/sails", 99)], note)
    gone = Operation(OperationType.DELETE, "/budget/paint")
    manager.update_state(agent("wim"), "plan/spring", [gone])
    manager.configure(system("Harbour"), "plan/spring", {"tags": ["sea"]})


def test_entries_newest_first_in_words(
    written: None, viewer: Browser, guarded: Callable[..., None]
) -> None:
    guarded("get", HISTORY)
    page = words(viewer.get(HISTORY))
    told = [
        "Stars settings changed",
        'tags ← ["sea"]',
        "wim written",
        "removed /budget/paint",
        "wes written",
        "set /budget/sails 99",
        "Sails are dear",
        "wim created",
    ]
    places = [page.find(each) for each in told]
    assert -1 not in places and places == sorted(places)
    assert "Restore" not in page  # a viewer restores nothing


def test_pages_of_the_history(
    written: None, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_of_history, "PAGE", 3)
    first = owner.get(HISTORY)
    assert [entry.version for entry in first.context["entries"]] == [4, 3, 2]
    assert 'href="?before=2"' in first.content.decode()
    last = owner.get(f"{HISTORY}?before=2")
    assert [entry.version for entry in last.context["entries"]] == [1]
    assert "Older versions" not in words(last)
    assert owner.get(f"{HISTORY}?before=moon").status_code == 200


def test_a_difference_of_two_versions(
    written: None, viewer: Browser, guarded: Callable[..., None]
) -> None:
    guarded("get", f"{DIFF}?old=1&new=3")
    for query in ("old=1&new=3", "old=3&new=1"):
        answer = viewer.get(f"{DIFF}?{query}")
        assert "From version 1 to version 3" in words(answer)
        assert {
            (change.kind, change.path, change.old, change.new)
            for change in answer.context["changes"]
        } == {("removed", "/budget/paint", 12.5, None), ("changed", "/budget/sails", 70, 99)}
    assert "The data are the same in both." in words(viewer.get(f"{DIFF}?old=3&new=4"))


@pytest.mark.parametrize(
    ("query", "status"), [("", 400), ("old=1", 400), ("old=x&new=2", 400), ("old=1&new=99", 404)]
)
def test_versions_that_there_are_not(
    query: str, status: int, written: None, owner: Browser
) -> None:
    assert owner.get(f"{DIFF}?{query}").status_code == status


def test_bringing_a_version_back(
    written: None,
    owner: Browser,
    viewer: Browser,
    manager: StateManager,
    guarded: Callable[..., None],
) -> None:
    guarded("post", RESTORE)
    assert viewer.post(RESTORE, {"version": "1", "head": "4"}).status_code == 403
    assert owner.post(RESTORE, {"version": "1", "head": "3"}).status_code == 409
    assert owner.post(RESTORE, {"head": "4"}).status_code == 400
    assert owner.post(RESTORE, {"version": "1", "head": "4"}).status_code == 303
    state = manager.get_state(system("Harbour"), "plan/spring")
    assert (state.version, state.data) == (5, DATA)
    page = words(owner.get(HISTORY))
    assert "ada restored version 1" in page
    owner.post(RESTORE, {"version": "1", "head": "5"})
    assert manager.get_state(system("Harbour"), "plan/spring").version == 5


def test_news_are_told_once_there_are_some(
    written: None, owner: Browser, manager: StateManager, guarded: Callable[..., None]
) -> None:
    guarded("get", NEWS)
    assert f"{NEWS}?seen=4" in owner.get(HISTORY).content.decode()
    assert owner.get(f"{NEWS}?seen=4", htmx=True).status_code == 204
    manager.update_state(agent("wes"), "plan/spring", [put("/title", "New")])
    news = owner.get(f"{NEWS}?seen=4", htmx=True)
    assert "wes has written version 5" in words(news)


def test_a_settled_conflict_is_told_in_the_history(
    plan: str, owner: Browser, manager: StateManager
) -> None:
    manager.configure(system("Harbour"), "plan/spring", {"resolution": "last_write"})
    manager.update_state(agent("wes"), "plan/spring", [put("/title", "First")])
    stale = Base(version=2)
    manager.update_state(agent("wim"), "plan/spring", [put("/title", "Second")], base=stale)
    page = words(owner.get(HISTORY))
    assert "settled a conflict (both changed the same place): last write" in page
    assert 'replaced unseen: /title "First" written by wes in version 3' in page


def part(browser: Browser, query: str = "") -> dict[str, Any]:
    """What the film is given."""
    answer = browser.get(f"{FILM}{query}")
    assert answer.status_code == 200
    found: dict[str, Any] = json.loads(answer.json()["text"])
    return found


def test_the_film_leads_from_each_version_to_the_next(
    written: None, viewer: Browser, manager: StateManager, guarded: Callable[..., None]
) -> None:
    guarded("get", FILM)
    found = part(viewer)
    assert (found["base"], found["more"]) == (DATA, False)
    frames = found["frames"]
    assert [(each["version"], each["kind"], each["agent"]) for each in frames] == [
        (1, "create", "agent:wim"),
        (2, "update", "agent:wes"),
        (3, "update", "agent:wim"),
        (4, "config", "system"),
    ]
    assert (frames[1]["why"], frames[1]["words"]) == ("Sails are dear", "written")
    # What the page does with it: the last document comes out of the first.
    document: Any = found["base"]
    for each in frames[1:]:
        document = jsonvalue.apply(document, msgspec.convert(each["ops"], list[Operation]))
    assert document == manager.get_state(agent("wim"), "plan/spring").data


def test_parts_of_the_film(written: None, viewer: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_of_history, "FILM", 2)
    newest = part(viewer)
    assert [each["version"] for each in newest["frames"]] == [3, 4]
    assert newest["more"] and "paint" not in newest["base"]["budget"]
    older = part(viewer, "?before=3")
    assert [each["version"] for each in older["frames"]] == [1, 2]
    assert (older["base"], older["more"]) == (DATA, False)
    newer = part(viewer, "?after=3")
    assert ([each["version"] for each in newer["frames"]], newer["base"]) == ([4], None)
    assert part(viewer, "?after=4")["frames"] == []
    assert part(viewer, "?before=moon")["frames"] == newest["frames"]


def test_a_part_of_the_film_is_no_longer_than_a_page_can_bear(
    plan: str, viewer: Browser, manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    for letter in "abcde":
        manager.update_state(agent("wes"), "plan/spring", [put("/title", letter * 10_000)])
    monkeypatch.setattr(page_of_history, "LONGEST", 25_000)
    monkeypatch.setattr(page_of_history, "AT_ONCE", 2)
    seen, query = [], ""
    for _ in range(9):
        found = part(viewer, query)
        seen.append([each["version"] for each in found["frames"]])
        assert found["base"]["title"][:1] == " Sabcde"[seen[-1][0]]
        query = f"?before={seen[-1][0]}"
        if not found["more"]:
            break
    assert seen == [[5, 6], [3, 4], [1, 2]]
    # What alone is longer comes alone.
    monkeypatch.setattr(page_of_history, "LONGEST", 5_000)
    assert [each["version"] for each in part(viewer)["frames"]] == [6]
    assert [each["version"] for each in part(viewer, "?after=4")["frames"]] == [6]


def test_the_film_of_what_is_gone_and_of_what_was_forgotten(
    written: None, owner: Browser, manager: StateManager
) -> None:
    manager.delete_state(system("Harbour"), "plan/spring")
    frames = part(owner)["frames"]
    assert frames[-1]["kind"] == "delete"
    assert owner.get(PLAN.format("film").replace("spring", "never")).status_code == 404


def test_a_version_tells_the_run_in_which_it_was_written(
    plan: str, viewer: Browser, manager: StateManager
) -> None:
    manager.update_state(agent("wes"), "plan/spring", [put("/title", "New")], {"run": "r1"})
    assert [each["run"] for each in part(viewer)["frames"]] == ["", "r1"]
    blame = viewer.get(PLAN.format("data")).json()["blame"]
    assert (blame["/title"]["run"], blame["/budget/sails"]["run"]) == ("r1", "")


def test_an_address_leads_to_a_version(written: None, viewer: Browser) -> None:
    page = viewer.get(f"{HISTORY}?version=2&with=1").content.decode()
    assert 'version="2" against="1"' in page
    assert 'version="" against="next"' in viewer.get(f"{HISTORY}?with=next").content.decode()
    odd = viewer.get(f"{HISTORY}?version=x&with=<b>").content.decode()
    assert 'version="" against=""' in odd
