"""Search everywhere: what is found, by whom, at what price; REST and the page without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from groups.execution.statuses import RunStatus
from groups.models import Group, Message
from groups.search import Kind, around, search, words_of
from groups.spaces import GroupDirectory
from state import conf
from state.manager import querying
from state.policy import Caller
from state.values import AccessPolicy, StateType
from tests.dashboard.conftest import JSON, Browser
from tests.factories import make_agent, make_group, make_run, make_user


def titles(user: User, query: str, **options: Any) -> dict[str, list[str]]:
    """What the user finds, by kind; kinds of which nothing was found left out."""
    found = search(user, query, **options)
    return {
        kind.value: [hit.title for hit in page.hits] for kind, page in found.items() if page.hits
    }


def rest(browser: Browser, path: str) -> Any:
    """The answer of REST to whoever is signed in."""
    return browser.client.get(path, headers=JSON)


@pytest.fixture
def lantern(harbour: Group, cy: User) -> Group:
    """One thing of every kind that has the word lantern in it, and the same in a group that is cy's alone."""
    for group_id, owner in (("Harbour", None), ("Hidden", cy)):
        group = (
            harbour if owner is None else make_group(group_id=group_id, name=group_id, owner=owner)
        )
        Group.objects.filter(pk=group.pk).update(description=f"Keeps the Lantern of {group_id}")
        make_run(group=group, task=f"Light the LANTERN\nin {group_id}", status=RunStatus.COMPLETED)
        Message.objects.create(
            group=group, sender="system", text=f"The lantern is lit in {group_id}"
        )
        caller = Caller(space=group.id, name="human:x", admin=True)
        manager = conf.manager()
        manager.create_state(caller, f"lantern/{group_id}", "", StateType.RESOURCE, data={})
    make_agent(agent_id="lamp", name="Lantern lighter")
    return harbour


def test_everything_that_one_may_see_is_found_and_nothing_else(
    lantern: Group, ada: User, vi: User, cy: User, admin_user: User
) -> None:
    own = {
        "groups": ["Harbour"],
        "agents": ["Lantern lighter"],
        "runs": ["Light the LANTERN"],
        "states": ["lantern/Harbour"],
        "messages": ["The lantern is lit in Harbour"],
    }
    assert titles(ada, "lantern") == titles(vi, "lantern") == own
    assert titles(cy, "LANTERN")["messages"] == ["The lantern is lit in Hidden"]
    assert titles(cy, "lantern harbour") == {}
    assert titles(make_user(username="eve"), "lantern") == {"agents": ["Lantern lighter"]}
    assert titles(admin_user, "lantern")["states"] == ["lantern/Hidden", "lantern/Harbour"]
    assert titles(ada, "  ") == {}


def test_states_that_a_policy_hides_are_not_found(harbour: Group, ada: User, vi: User) -> None:
    caller = Caller(space="Harbour", name="human:ada", admin=True)
    hidden = AccessPolicy(read_allow=("human:ada",))
    conf.manager().create_state(
        caller, "sealed/letter", "A Seal", StateType.RESOURCE, data={}, access_policy=hidden
    )
    assert titles(ada, "letter") == {"states": ["sealed/letter"]}
    assert titles(ada, "seal LETTER") == {"states": ["sealed/letter"]}
    assert titles(vi, "letter") == {}


def test_hidden_states_leave_no_gaps_in_a_page(
    harbour: Group, ada: User, vi: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = Caller(space="Harbour", name="human:ada", admin=True)
    manager = conf.manager()
    for n in range(7):
        manager.create_state(caller, f"knot/{n}", "", StateType.RESOURCE, data={})
    hidden = AccessPolicy(read_allow=("human:ada",))
    for n in range(20):
        manager.create_state(
            caller, f"knot/x{n}", "", StateType.RESOURCE, data={}, access_policy=hidden
        )
    kinds = (Kind.STATES,)
    first = search(vi, "knot", kinds=kinds)[Kind.STATES]
    assert [hit.id for hit in first.hits] == [f"knot/{n}" for n in (6, 5, 4, 3, 2)] and first.more
    second = search(vi, "knot", kinds=kinds, page=2)[Kind.STATES]
    assert ([hit.id for hit in second.hits], second.more) == (["knot/1", "knot/0"], False)
    assert search(ada, "knot", kinds=kinds)[Kind.STATES].hits[0].id == "knot/x19"
    # However many are hidden, only so many are looked through for it.
    monkeypatch.setattr(querying, "LOOKED_THROUGH", 22)
    assert [hit.id for hit in search(vi, "knot", kinds=kinds)[Kind.STATES].hits] == [
        "knot/6",
        "knot/5",
    ]


def test_what_is_written_while_states_are_looked_through_repeats_none(
    harbour: Group, vi: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = Caller(space="Harbour", name="human:ada", admin=True)
    manager = conf.manager()
    hidden = AccessPolicy(read_allow=("human:ada",))

    def write(name: str, **settings: Any) -> None:
        manager.create_state(caller, name, "", StateType.RESOURCE, data={}, **settings)

    write("knot/b")
    write("knot/a")
    write("knot/x", access_policy=hidden)
    read, reads = manager.store.find_states, []

    def then_others_write(*args: Any, **options: Any) -> Any:
        found = read(*args, **options)
        reads.append(options["limit"])
        if len(reads) == 1:
            write("knot/new", access_policy=hidden)
        return found

    monkeypatch.setattr(manager.store, "find_states", then_others_write)
    found = manager.find_states(GroupDirectory().readers(vi), "knot", limit=2)
    assert [each.id for each in found] == ["knot/a", "knot/b"]
    # However much one asks for, no read holds more than so many.
    monkeypatch.setattr(querying, "AT_ONCE", 3)
    before = len(reads)
    manager.find_states(GroupDirectory().readers(vi), "knot", limit=100)
    assert reads[before:] == [3, 3]


def test_runs_are_found_by_the_beginning_of_their_id(harbour: Group, vi: User, cy: User) -> None:
    run = make_run(group=harbour, task="Nameless")
    for query in (str(run.id), str(run.id)[:23], run.id.hex[:20].upper()):
        assert titles(vi, query) == {"runs": ["Nameless"]}
    assert titles(cy, str(run.id)) == {}
    assert titles(vi, "abcd%_\x00") == {}


def test_newest_first_page_by_page(harbour: Group, vi: User) -> None:
    for n in range(7):
        make_run(group=harbour, task=f"Row {n}")
    kinds = (Kind.RUNS,)
    first = search(vi, "row", kinds=kinds, size=5)[Kind.RUNS]
    assert [hit.title for hit in first.hits] == [f"Row {n}" for n in (6, 5, 4, 3, 2)]
    assert first.more
    second = search(vi, "row", kinds=kinds, size=5, page=2)[Kind.RUNS]
    assert ([hit.title for hit in second.hits], second.more) == (["Row 1", "Row 0"], False)


def test_the_words_in_their_place() -> None:
    assert words_of(" a\x00b  c ") == ["a", "b", "c"]
    text = "word " * 60 + "needle " + "word " * 60
    shown = around(text, ["NEEDLE"])
    assert "needle" in shown
    assert shown.startswith("…word") and shown.endswith("…") and len(shown) < 170
    assert around("short\ntext", ["none"]) == "short text"


def test_rest_is_typed_and_paged(lantern: Group, operator: Browser, outsider: Browser) -> None:
    body = rest(operator, "/api/v1/search/?q=lantern").json()
    assert list(body) == ["query", "groups", "agents", "runs", "states", "messages"]
    [run] = body["runs"]["hits"]
    assert run["url"].endswith(f"/runs/{run['id']}/")
    assert (run["status"], run["group"], run["text"]) == ("completed", "Harbour", "in Harbour")
    [message] = body["messages"]["hits"]
    assert message["url"].endswith(f"/groups/Harbour/#message-{message['id']}")
    [state] = body["states"]["hits"]
    assert state["url"].endswith("/groups/Harbour/states/of/lantern/Harbour/")
    for n in range(3):
        make_run(group=lantern, task=f"More of the lantern {n}")
    page = rest(operator, "/api/v1/search/?q=lantern&kind=runs&limit=3").json()
    assert list(page) == ["query", "runs"]
    last = rest(operator, page["runs"]["next"]).json()["runs"]
    assert [hit["title"] for hit in last["hits"]] == ["Light the LANTERN"]
    assert last["next"] is None
    assert "Harbour" not in rest(outsider, "/api/v1/search/?q=lit").content.decode()


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "q"), ("q=%20", "q"), ("q=a&kind=b", "kind"), ("q=a&page=0&kind=runs", "page")],
)
def test_rest_says_what_is_wrong(operator: Browser, query: str, field: str) -> None:
    answer = rest(operator, f"/api/v1/search/?{query}")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_signed_out_nobody_searches(db: None) -> None:
    assert Client().get("/api/v1/search/?q=a").status_code == 401
    assert Client().get("/search/?q=a").status_code == 302


def test_the_page_needs_no_script(lantern: Group, viewer: Browser) -> None:
    page = viewer.get("/search/?q=lantern").content.decode()
    assert "Light the <mark>LANTERN</mark>" in page
    assert 'value="lantern"' in page
    assert "Hidden" not in page
    make_run(group=lantern, task="<b>bold</b> lantern")
    page = viewer.get("/search/?q=lantern&kind=runs").content.decode()
    assert "&lt;b&gt;bold&lt;/b&gt; <mark>lantern</mark>" in page
    assert "lit in" not in page
    empty = viewer.get("/search/?q=nothing+like+it").content.decode()
    assert "Nothing found" in empty
    assert viewer.get("/search/").status_code == 200
    assert viewer.get("/search/?q=a&kind=b&page=x").status_code == 200
    assert viewer.get(f"/search/?q=a&kind=runs&page={'9' * 5000}").status_code == 200


def test_queries_are_constant(
    lantern: Group, ada: User, operator: Browser, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(9):
        rest(operator, "/api/v1/search/?q=lantern")
    for n in range(12):
        group = make_group(name=f"Lantern {n}", owner=ada)
        make_run(group=group, task=f"lantern {n}")
        make_agent(name="lantern")
    owner = Browser(ada)
    with django_assert_max_num_queries(9):
        rest(owner, "/api/v1/search/?q=lantern")
    with django_assert_max_num_queries(11):
        owner.get("/search/?q=lantern")
