"""The star map: its facts, the card of a member, what passed between two."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from groups.execution.statuses import RunStatus
from groups.models import DialIn, Group, Member, Run
from groups.services import credentials, membership, messaging
from groups.services.ledger import opened
from tests.dashboard.conftest import Browser
from tests.factories import make_agent, make_group, make_run

PATH = "/groups/Harbour/stars/"


def facts(browser: Browser) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(browser.get(PATH).content)
    return found


def test_the_facts(
    harbour: Group, viewer: Browser, working: Run, guarded: Callable[..., None]
) -> None:
    guarded("get", PATH)
    found = facts(viewer)
    assert [(m["id"], m["role"], m["tags"]) for m in found["members"]] == [
        ("lena", "leader", ["steady"]),
        ("wim", "worker", ["steady"]),
        ("wes", "worker", ["steady"]),
    ]
    [run] = found["runs"]
    assert (run["id"], run["status"], run["seq"]) == (str(working.id), "running", working.last_seq)
    [active] = found["active"]
    assert (active["agent"], active["status"], active["run"]) == ("wim", "running", str(working.id))
    assert [m["load"] for m in found["members"]] == [0, 1, 0]
    assert (found["lines"], found["news"]) == ([], [])


def test_what_passes_between_members_is_counted(harbour: Group, viewer: Browser) -> None:
    messaging.send(actor=None, group=harbour, sender="wim", to="wes", text="Rope?")
    messaging.send(actor=None, group=harbour, sender="wes", to="wim", text="Here.")
    messaging.broadcast(actor=None, group=harbour, sender="lena", text="Cast off.")
    messaging.broadcast(actor=None, group=harbour, sender="wim", text="Aye, @wes hold.")
    messaging.broadcast(actor=None, group=harbour, sender="wes", text="Aye.")
    messaging.broadcast(actor=None, group=harbour, text="A person, to @wim.")
    found = facts(viewer)
    lines = {tuple(each["between"]): each["messages"] for each in found["lines"]}
    assert lines == {("wes", "wim"): 3, ("lena", "wim"): 1, ("lena", "wes"): 2}
    newest = found["news"][0]
    assert (newest["from"], newest["to"]) == ("system", ["wim"])


def test_who_fails_and_who_is_away(harbour: Group, viewer: Browser, working: Run) -> None:
    agent = make_agent(agent_id="dora", kind="connected")
    membership.join(actor=None, group=harbour, agent_id="dora")
    subtask = working.subtasks.get(status="running")
    assert subtask.lease_token is not None
    with opened(working.id) as machine:
        machine.fail(subtask.id, subtask.lease_token, "No rope.", transient=False)
    found = {m["id"]: m for m in facts(viewer)["members"]}
    assert [name for name in found if found[name]["failing"]] == ["wim"]
    assert [name for name in found if found[name]["away"]] == ["dora"]
    credential = credentials.make(actor=None, agent=agent)[0]
    dial = DialIn.objects.create(agent=agent, credential=credential, seen_at=timezone.now())
    assert not any(m["away"] for m in facts(viewer)["members"])
    DialIn.objects.filter(pk=dial.pk).update(seen_at=timezone.now() - timedelta(minutes=1))
    assert facts(viewer)["members"][-1]["away"]


def taken_by(browser: Browser, path: str) -> int:
    """How many queries the address takes."""
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path, htmx=True).status_code == 200
    return len(captured)


def test_facts_and_cards_cost_the_same_for_any_number(
    harbour: Group, owner: Browser, working: Run
) -> None:
    make_agent(agent_id="dora", kind="connected")
    membership.join(actor=None, group=harbour, agent_id="dora")
    messaging.send(actor=None, group=harbour, sender="wim", to="wes", text="First")
    paths = (PATH, f"{PATH}wim/", f"{PATH}wim/wes/")
    few = [taken_by(owner, path) for path in paths]
    for n in range(12):
        agent = make_agent(agent_id=f"m{n}", kind="connected" if n % 2 else "builtin")
        Member.objects.create(group=harbour, agent=agent, role="worker", tags=["new"])
        make_run(group=harbour, task=f"Trip {n}", status=RunStatus.RUNNING, events=2)
        messaging.send(actor=None, group=harbour, sender="wim", to="wes", text=f"{n}")
    assert [taken_by(owner, path) for path in paths] == few
    assert max(few) <= 14, few


def test_a_card_tells_what_a_member_is_at_and_lets_owners_change_it(
    harbour: Group, owner: Browser, viewer: Browser, working: Run, guarded: Callable[..., None]
) -> None:
    path = f"{PATH}wim/"
    guarded("get", path)
    page = viewer.get(path, htmx=True).content.decode()
    subtask = working.subtasks.get(status="running")
    assert f'href="/runs/{working.id}/#subtask-{subtask.id}">Count the ships</a>' in page
    assert "member-form" not in page and "data-write-to" not in page
    page = owner.get(path, htmx=True).content.decode()
    assert "member-form" in page and 'data-write-to="wim"' in page
    assert viewer.get(f"{PATH}ghost/").status_code == 404
    # Of other groups nothing is told.
    other = make_group(group_id="Elsewhere", leader="olga", workers=("wim",))
    assert viewer.get("/groups/Elsewhere/stars/wim/").status_code == 404
    make_run(group=other, task="Elsewhere")
    assert "Elsewhere" not in viewer.get(path, htmx=True).content.decode()


def test_a_line_tells_what_passed_between_two(
    harbour: Group, viewer: Browser, guarded: Callable[..., None]
) -> None:
    path = f"{PATH}wes/wim/"
    guarded("get", path)
    assert "have not written" in viewer.get(path, htmx=True).content.decode()
    messaging.send(actor=None, group=harbour, sender="wim", to="wes", text="Rope <b>?")
    messaging.send(actor=None, group=harbour, sender="lena", to="wes", text="Not for wim.")
    messaging.broadcast(actor=None, group=harbour, sender="wes", text="For all.")
    page = viewer.get(path, htmx=True).content.decode()
    assert "Rope &lt;b&gt;?" in page and "For all." in page
    assert "Not for wim." not in page
    assert viewer.get(f"{PATH}wes/ghost/").status_code == 404
