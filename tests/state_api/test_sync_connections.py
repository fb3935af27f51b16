"""Connections by REST: webhooks and polling agents are made, seen with how far they are, and ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import SyncToAsync, sync_to_async
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.db import connections

from groups.models import Group
from state import queue
from state.manager import StateManager
from state.models import Connection
from state.sync import secrets
from tests.state_api.asker import Asker, create, write
from tests.state_api.conftest import ROOT, Client, fine

HOOK = {"agent": "wim", "name": "crm", "address": "https://example.com/hook", "states": ["plan"]}


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each time that workers were woken."""
    heard: list[str] = []
    monkeypatch.setattr(queue, "ring", lambda: heard.append("ring"))
    return heard


@pytest.fixture
def hook(owner: Client, plan: Any) -> dict[str, Any]:
    """A webhook of wim's."""
    return dict(fine(owner.ask("post", "connections/", HOOK), 201))


def test_a_webhook_tells_its_secret_once_and_nowhere_else(
    owner: Client, plan: Any, rung: list[str]
) -> None:
    answer = owner.ask("post", "connections/", {**HOOK, "states": ["plan", "ghost", "notes/*"]})
    made = fine(answer, 201)
    assert answer["Location"] == f"http://testserver{ROOT}connections/{made['id']}/"
    assert answer["Cache-Control"] == "no-store"
    assert made["secret"].startswith("whsec_")
    assert (made["agent"], made["name"], made["status"]) == ("agent:wim", "crm", "connecting")
    assert made["subscribed_states"] == ["ghost", "plan", "notes/*"]
    assert made["missing"] == ["ghost"]
    assert rung == ["ring"]
    row = Connection.objects.get(pk=made["id"])
    assert row.secret is not None
    assert secrets.reveal(bytes(row.secret), row.pk) == made["secret"]
    later = owner.ask("get", f"connections/{made['id']}/")
    listed = owner.ask("get", "connections/")
    for each in (later, listed):
        fine(each)
        assert b"whsec_" not in each.content
        assert b"secret" not in each.content


def test_a_connection_is_shown_with_its_lag(owner: Client, hook: dict[str, Any]) -> None:
    Connection.objects.filter(pk=hook["id"]).update(
        acked=1,
        status="connected",
        subscriptions=[{"sub": 1, "states": ["plan"], "mode": "all", "acked": 1, "token": "t"}],
    )
    for n in range(3):
        fine(owner.ask("post", "states/plan/ops/", {"updates": {"n": n}}))
    shown = fine(owner.ask("get", f"connections/{hook['id']}/"))
    assert (shown["acked"], shown["head"]) == (1, 4)
    [state] = shown["states"]
    assert (state["state_id"], state["status"], state["behind"]) == ("plan", "syncing", 3)
    assert [each["new_value"] for each in shown["pending_updates"]] == [0, 1, 2]
    [listed] = fine(owner.ask("get", "connections/"))["results"]
    assert listed == {name: shown[name] for name in shown if name != "pending_updates"}


def test_disconnecting_is_done_once_and_asked_as_often_as_one_likes(
    owner: Client, hook: dict[str, Any], refused: Any
) -> None:
    path = f"connections/{hook['id']}/"
    assert owner.ask("delete", path).status_code == 204
    ended = Connection.objects.get(pk=hook["id"])
    assert (ended.status, ended.subscriptions) == ("disconnected", [])
    assert owner.ask("delete", path).status_code == 204
    assert fine(owner.ask("get", path))["status"] == "disconnected"
    refused(owner.ask("delete", "connections/s_nobody/"), 404, "not_found")
    refused(owner.ask("delete", "connections/agent:wim/"), 404, "not_found")


def test_each_sees_and_ends_its_own_and_the_leader_all(
    owner: Client,
    operator: Client,
    viewer: Client,
    outsider: Client,
    anonymous: Client,
    hook: dict[str, Any],
    refused: Any,
) -> None:
    path = f"connections/{hook['id']}/"

    def seen(client: Client, **headers: str) -> list[str]:
        return [
            each["id"] for each in fine(client.ask("get", "connections/", **headers))["results"]
        ]

    assert seen(owner) == seen(operator, Stars_Agent="lena") == [hook["id"]]
    assert seen(operator, Stars_Agent="wim") == [hook["id"]]
    assert seen(operator, Stars_Agent="wes") == seen(operator) == seen(viewer) == []
    refused(operator.ask("get", path, Stars_Agent="wes"), 404, "not_found")
    refused(operator.ask("delete", path, Stars_Agent="wes"), 404, "not_found")
    for client, status in ((outsider, 404), (anonymous, 401)):
        for method, where in (("get", "connections/"), ("post", "connections/"), ("delete", path)):
            body = HOOK if method == "post" else None
            refused(client.ask(method, where, body), status)
    refused(viewer.ask("post", "connections/", HOOK), 403)
    refused(
        operator.ask("post", "connections/", HOOK, Stars_Agent="wes"), 403, "not_allowed", "agent"
    )
    assert operator.ask("delete", path, Stars_Agent="lena").status_code == 204


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"address": "ftp://example.com/"}, "address"),
        ({"address": "https://"}, "address"),
        ({"address": "not a url"}, "address"),
        ({"address": "https://user:pw@example.com/"}, "address"),
        ({"address": "https://127.0.0.1/hook"}, "address"),
        ({"address": "http://[::1]/hook"}, "address"),
        ({"address": "https://localhost/hook"}, "address"),
        ({"address": "https://10.1.2.3:8443/"}, "address"),
        ({"type": "pull"}, "type"),
        ({"type": "bidirectional"}, "type"),
        ({"type": "pushy"}, "type"),
        ({"address": ""}, "type"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"states": []}, "states"),
        ({"states": "plan"}, "states"),
        ({"metadata": []}, "metadata"),
        ({"secret": "whsec_mine"}, "secret"),
        ({"agent": "ghost"}, "agent"),
    ],
)
def test_bad_connections_are_refused_by_their_field(
    owner: Client, plan: Any, changes: dict[str, Any], field: str, refused: Any
) -> None:
    refused(owner.ask("post", "connections/", {**HOOK, **changes}), 400, field=field)
    assert not Connection.objects.exists()


def test_bad_patterns_and_bad_pages_are_refused(owner: Client, plan: Any, refused: Any) -> None:
    bad = {**HOOK, "states": ["a*b"]}
    refused(owner.ask("post", "connections/", bad), 400, "bad_pattern")
    for query in ("limit=0", "limit=x", "continue=x", "continue=WzFd", "sates=1", "continue=eyJ9"):
        refused(owner.ask("get", f"connections/?{query}"), 400)


def test_pages_follow_each_other_with_as_many_queries_whatever_there_is(
    owner: Client, plan: Any, django_assert_num_queries: Any
) -> None:
    for n in range(5):
        agent = ("wim", "wes", "lena")[n % 3]
        fine(owner.ask("post", "connections/", {**HOOK, "agent": agent, "name": f"n{n}"}), 201)
    found, url = [], f"{ROOT}connections/?limit=2"
    while url:
        with django_assert_num_queries(3):
            page = fine(owner.ask("get", url.removeprefix("http://testserver")))
        found += [(each["agent"], each["name"]) for each in page["results"]]
        url = page["next"]
    assert found == [
        ("agent:lena", "n2"),
        ("agent:wes", "n1"),
        ("agent:wes", "n4"),
        ("agent:wim", "n0"),
        ("agent:wim", "n3"),
    ]
    only = fine(owner.ask("get", "connections/?agent=wes"))["results"]
    assert [each["name"] for each in only] == ["n1", "n4"]


@pytest.fixture
def polling(owner: Client, plan: Any) -> dict[str, Any]:
    """wim asks for what is new itself."""
    body = {"agent": "wim", "type": "pull", "states": ["plan"]}
    return dict(fine(owner.ask("post", "connections/", body), 201))


def test_a_polling_agent_has_no_secret(polling: dict[str, Any]) -> None:
    assert (polling["secret"], polling["status"], polling["connection_type"]) == (
        "",
        "connected",
        "pull",
    )


class TestPolling:
    """An agent holds its connection by asking."""

    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture(autouse=True)
    def _closed(self) -> Iterator[None]:
        yield
        SyncToAsync.single_thread_executor.submit(connections.close_all).result(5)

    async def test_its_questions_say_that_it_is_there_and_how_far(
        self, lab: Group, manager: StateManager, ada: User
    ) -> None:
        await create(manager, "plan", {"n": 0})
        await create(manager, "elsewhere")

        def made() -> str:
            client = Client()
            client.force_authenticate(ada)
            body = {"agent": "wim", "type": "pull", "states": ["plan"]}
            return str(fine(client.ask("post", "connections/", body), 201)["id"])

        def row() -> Connection:
            return Connection.objects.get(pk=held)

        held = await sync_to_async(made)()
        long_ago = datetime.now(UTC) - timedelta(seconds=40)
        await database_sync_to_async(Connection.objects.update)(last_heartbeat=long_ago)
        who = Asker(ada, Stars_Agent="wim")
        first = await who.fine("changes", connection=held)
        assert [each["id"] for each in first["states"]] == ["plan"]  # its own states
        assert (await database_sync_to_async(row)()).acked == 0
        await write(manager, "plan", n=1)
        await who.fine("changes", connection=held, since=first["token"], wait=0)
        found = await database_sync_to_async(row)()
        assert (found.acked, found.subscriptions[0]["token"]) == (2, first["token"])
        assert found.last_heartbeat - long_ago > timedelta(seconds=39)
        # Nobody else holds it, and an end is told.
        await Asker(ada, Stars_Agent="wes").refused(404, "not_found", "changes", connection=held)
        await who.refused(404, "not_found", "changes", connection="s_nothing")
        await database_sync_to_async(Connection.objects.update)(
            status="disconnected", ended_at=datetime.now(UTC)
        )
        await who.refused(404, "not_found", "changes", connection=held, since=first["token"])
