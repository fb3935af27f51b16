"""Trying an agent out, and its key: by service, API and page."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from groups.agents.probes import PROBES, Probed
from groups.errors import NothingToTest
from groups.models import Agent
from groups.services import agents, secrets
from state.errors import Invalid
from tests.dashboard.conftest import Browser
from tests.llm.asking import KEY
from tests.llm.stub import Reply, Stub, refusal, text, tool

URL = "/api/v1/agents/"


def able(*ways: str, tools: bool = True) -> Any:
    """A model that can only be had to give structure in these ways."""
    trip = {"city": "Oslo", "days": 3}

    def answer(body: dict[str, Any]) -> Reply:
        names = [item["function"]["name"] for item in body.get("tools", [])]
        form = body.get("response_format", {}).get("type")
        if "look_up_weather" in names:
            return tool("look_up_weather", {"city": "Oslo"}) if tools else text("Rain, I guess.")
        if "trip" in names:
            return tool("trip", trip) if "tool" in ways else text("Let us go to Oslo!")
        if form == "json_schema":
            return text(json.dumps(trip)) if "native" in ways else refusal(400, "unknown field")
        if form == "json_object":
            return text(json.dumps(trip if "prompted" in ways else {"town": 1}))
        return text("one two three")

    return answer


@pytest.fixture
def nia(ada: User, stub: Stub) -> Agent:
    """An agent of ada's with a key."""
    return agents.register(
        actor=ada,
        agent_id="nia",
        kind="llm",
        config={"model": "local-9", "base_url": stub.url, "retries": 0},
        secrets={"api_key": KEY},
    )


@pytest.mark.parametrize(
    ("ways", "tools", "best"),
    [
        (("native", "tool", "prompted"), True, "native"),
        (("tool", "prompted"), True, "tool"),
        (("prompted",), False, "prompted"),
        ((), False, ""),
    ],
)
def test_a_test_finds_out_what_works_and_remembers_it(
    nia: Agent, stub: Stub, ways: tuple[str, ...], tools: bool, best: str
) -> None:
    stub.answer = able(*ways, tools=tools)
    probed = agents.test(actor=None, agent=nia)
    assert probed.ok
    nia.refresh_from_db()
    assert nia.ability["structured"] == best
    assert nia.ability["tools"] is tools
    assert nia.ability["streams"] and nia.ability["usage"] and nia.tested_at is not None
    found = {check.name: check for check in probed.checks}
    assert found["structured output by JSON schema"].ok is ("native" in ways)
    assert found["connection"].text == "'stub-1' answered: one two three"
    assert "price: unknown" in found["usage"].text


def test_a_failing_test_says_why_without_the_key(nia: Agent, stub: Stub) -> None:
    stub.answer = lambda body: refusal(401, f"no such key: {KEY}")
    probed = agents.test(actor=None, agent=nia)
    assert not probed.ok
    [check] = probed.checks
    assert not check.ok and "refused the key" in check.text and KEY not in check.text
    nia.refresh_from_db()
    assert nia.ability["ok"] is False


def test_what_was_found_out_is_forgotten_with_what_it_was_found_out_of(
    nia: Agent, stub: Stub
) -> None:
    stub.answer = able("native")
    for change in ({"secrets": {"api_key": "other-key"}}, {"config": {**nia.config, "retries": 1}}):
        agents.test(actor=None, agent=nia)
        assert Agent.objects.get(pk=nia.pk).tested_at is not None
        nia = agents.change(actor=None, agent=nia, **change)
        assert (nia.ability, nia.tested_at) == ({}, None)
        agents.test(actor=None, agent=nia)
    nia = agents.change(actor=None, agent=nia, name="Nia", description="Counts.")
    assert nia.tested_at is not None


def test_a_test_of_what_changed_meanwhile_is_not_remembered(
    nia: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*given: Any) -> Probed:
        # As another process would.
        import asyncio

        await asyncio.to_thread(lambda: None)
        return Probed([], {"structured": "tool"})

    stale = Agent.objects.get(pk=nia.pk)
    agents.change(actor=None, agent=nia, config={**nia.config, "model": "other"})
    monkeypatch.setitem(PROBES, "llm", slow)
    agents.test(actor=None, agent=stale)
    assert Agent.objects.get(pk=nia.pk).ability == {}


def test_other_kinds_have_nothing_to_test(ada: User) -> None:
    with pytest.raises(NothingToTest):
        agents.test(actor=ada, agent=agents.register(actor=ada, agent_id="b"))


def test_keys_are_kept_encrypted_and_change_one_by_one(nia: Agent, stub: Stub) -> None:
    sealed = bytes(nia.secrets or b"")
    assert sealed and KEY.encode() not in sealed
    assert secrets.reveal(sealed, nia.pk) == {"api_key": KEY}
    assert agents.secret_names(nia) == ["api_key"]
    nia = agents.change(actor=None, agent=nia, name="N.")
    assert bytes(nia.secrets or b"") == sealed
    nia = agents.change(actor=None, agent=nia, secrets={"api_key": " new-key "})
    assert secrets.reveal(nia.secrets, nia.pk) == {"api_key": "new-key"}
    nia = agents.change(actor=None, agent=nia, secrets={"api_key": None})
    assert (nia.secrets, agents.secret_names(nia)) == (None, [])


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"password": "x"}, "secrets.password"),
        ({"api_key": ""}, "secrets.api_key"),
        ({"api_key": 7}, "secrets.api_key"),
        ({"api_key": "schlüssel-4711"}, "secrets.api_key"),
        ({"api_key": "line\nbreak"}, "secrets.api_key"),
        ({"api_key": "x" * 4_001}, "secrets.api_key"),
        (["api_key"], "secrets"),
    ],
)
def test_a_faulty_secret_is_named_and_not_quoted(nia: Agent, given: Any, field: str) -> None:
    new: dict[str, Any] = {"agent_id": "b", "kind": "llm", "config": nia.config, "secrets": given}
    writes: tuple[Callable[[], object], ...] = (
        lambda: agents.change(actor=None, agent=nia, secrets=given),
        lambda: agents.register(actor=None, **new),
    )
    for write in writes:
        with pytest.raises(Invalid) as refusal:
            write()
        assert refusal.value.fields.keys() == {field}
        assert "schlüssel" not in str(refusal.value.fields)
    assert secrets.reveal(Agent.objects.get().secrets, nia.pk) == {"api_key": KEY}


def test_a_key_does_not_follow_its_agent_to_another_address(nia: Agent) -> None:
    moved = {**nia.config, "base_url": "https://evil.example/v1"}
    with pytest.raises(Invalid) as refusal:
        agents.change(actor=None, agent=nia, config=moved)
    assert refusal.value.fields.keys() == {"config.base_url"}
    nia = agents.change(actor=None, agent=nia, config=moved, secrets={"api_key": "for-them"})
    assert secrets.reveal(nia.secrets, nia.pk) == {"api_key": "for-them"}
    nia = agents.change(actor=None, agent=nia, kind="builtin", config={})
    assert nia.secrets is None, "another kind has no use for it"


def test_by_api_keys_go_in_and_only_their_names_come_out(ada: User, stub: Stub) -> None:
    client = APIClient()
    client.force_authenticate(ada)
    body = {
        "agent_id": "nia",
        "kind": "llm",
        "config": {"model": "local-9", "base_url": stub.url},
        "secrets": {"api_key": KEY},
    }
    answer = client.post(URL, body, format="json")
    assert answer.status_code == 201, answer.content
    assert answer.json()["secrets"] == ["api_key"]
    stub.answer = able("tool")
    tested = client.post(f"{URL}nia/test/", {}, format="json")
    assert tested.status_code == 200, tested.content
    assert tested.json()["ok"] is True
    assert tested.json()["ability"]["structured"] == "tool"
    assert {"name", "ok", "text"} == tested.json()["checks"][0].keys()
    for text_ in (tested, client.get(f"{URL}nia/"), client.get(URL), answer):
        assert KEY not in text_.content.decode()
    assert client.get(f"{URL}nia/").json()["ability"]["structured"] == "tool"
    gone = client.patch(f"{URL}nia/", {"secrets": {"api_key": None}}, format="json")
    assert gone.json()["secrets"] == []
    bad = client.patch(f"{URL}nia/", {"secrets": {"pin": "1"}}, format="json")
    assert bad.status_code == 400 and "secrets.pin" in bad.json()["errors"]


def test_by_api_testing_is_for_whoever_registered_it(nia: Agent, ada: User, bo: User) -> None:
    client = APIClient()
    assert client.post(f"{URL}nia/test/").status_code == 401
    client.force_authenticate(bo)
    assert client.post(f"{URL}nia/test/", {}, format="json").status_code == 403
    agents.register(actor=bo, agent_id="b")
    answer = client.post(f"{URL}b/test/", {}, format="json")
    assert (answer.status_code, answer.json()["reason"]) == (409, "nothing_to_test")
    assert client.post(f"{URL}nobody/test/", {}, format="json").status_code == 404


GIVEN = {"agent_id": "nia", "kind": "llm", "model": "local-9", "config": "{}", "api_key": KEY}


def test_by_page_an_agent_is_registered_with_the_fields_of_its_kind(ada: User, stub: Stub) -> None:
    owner = Browser(ada)
    assert 'name="model"' not in owner.get("/new/agent/").content.decode()
    assert 'name="skill"' in owner.get("/new/agent/").content.decode()
    part = owner.get("/fragments/agents/fields/?kind=llm", htmx=True).content.decode()
    assert 'name="model"' in part and 'type="password"' in part and "<html" not in part
    assert 'name="skill"' not in part
    given = GIVEN | {"base_url": stub.url, "instructions": "Be brief.", "config": '{"retries": 1}'}
    refused = owner.post("/new/agent/", given | {"model": ""})
    assert refused.status_code == 400
    page = refused.content.decode()
    assert 'id="id_model_error"' in page and KEY not in page
    bad = owner.post("/new/agent/", given | {"base_url": "nonsense"}).content.decode()
    assert 'id="id_base_url_error"' in bad
    bad = owner.post("/new/agent/", given | {"api_key": "ü"}).content.decode()
    assert 'id="id_api_key_error"' in bad
    assert owner.post("/new/agent/", given)["Location"] == "/agents/nia/"
    agent = Agent.objects.get()
    assert agent.config == {
        "model": "local-9",
        "base_url": stub.url,
        "instructions": "Be brief.",
        "retries": 1,
    }
    assert secrets.reveal(agent.secrets, agent.pk) == {"api_key": KEY}


def test_by_page_a_key_is_kept_replaced_or_forgotten_and_never_shown(nia: Agent, ada: User) -> None:
    owner = Browser(ada)
    page = owner.get("/agents/nia/settings/").content.decode()
    assert KEY not in page and "One is set." in page and 'value="local-9"' in page
    given = {"kind": "llm", "model": "local-9", "base_url": nia.config["base_url"], "config": "{}"}
    for more, left in (
        ({"api_key": ""}, {"api_key": KEY}),
        ({"api_key": "new-key"}, {"api_key": "new-key"}),
        ({"forget_api_key": "on"}, {}),
    ):
        assert owner.post("/agents/nia/settings/", given | more).status_code == 303
        nia.refresh_from_db()
        assert secrets.reveal(nia.secrets, nia.pk) == left


def test_by_page_the_test_button_shows_what_works(
    nia: Agent, ada: User, bo: User, stub: Stub
) -> None:
    owner, other = Browser(ada), Browser(bo)
    assert 'action="/agents/nia/test/"' in owner.get("/agents/nia/").content.decode()
    assert 'action="/agents/nia/test/"' not in other.get("/agents/nia/").content.decode()
    assert other.post("/agents/nia/test/").status_code == 403
    stub.answer = able("native", tools=False)
    part = owner.post("/agents/nia/test/", htmx=True).content.decode()
    assert "<html" not in part and "structured output by JSON schema" in part
    assert "The model answered without the tool." in part
    assert "pieces, the first after" in part and '<p class="muted">works</p>' not in part
    owner.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-CN"
    chinese = owner.get("/agents/nia/").content.decode()
    assert "段，首段用时" in chinese and "pieces, the first after" not in chinese
    del owner.client.defaults["HTTP_ACCEPT_LANGUAGE"]
    assert owner.post("/agents/nia/test/")["Location"] == "/agents/nia/"
    assert "structured output by JSON schema" in owner.get("/agents/nia/").content.decode()
