"""Pages of states over the sync protocol: changes in place, edits kept, sockets that break, agents that fall behind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect
from websockets.sync.client import ClientConnection, connect

from tests.browser.conftest import Site
from tests.browser.test_journey import sign_in
from tests.browser.test_states import edit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

GROUP = "/groups/DevTeam"
DATA = {"title": "Spring", "budget": {"sails": 70}}


class Agent:
    """A member that speaks the protocol by hand."""

    def __init__(self, socket: ClientConnection, name: str, state: str) -> None:
        self.socket, self.state = socket, state
        self.say("hello", proto=1, agent=name, name="by hand")
        self.hear("welcome")
        self.say("sub", sub=1, states=["plan/*"])
        self.acknowledge(self.hear("mark")["rev"])

    def say(self, t: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"t": t, **fields}))

    def hear(self, kind: str) -> dict[str, Any]:
        """The next frame of that kind."""
        while True:
            frame: dict[str, Any] = json.loads(self.socket.recv(timeout=15))
            if frame["t"] == "hb":
                self.say("hb", n=frame["n"])
            if frame["t"] == kind:
                return frame

    def acknowledge(self, rev: int) -> None:
        self.say("ack", sub=1, rev=rev)

    def set(self, path: str, value: Any) -> int:
        """Write one value; the revision."""
        ops = [{"op": "set", "path": path, "value": value}]
        self.say("write", op_id=f"{path}-{value}", state=self.state, ops=ops)
        answer = self.hear("res")
        assert answer["status"] == 200, answer
        return int(answer["rev"])


@contextmanager
def agent_of(page: Page, site: Site, name: str, state: str) -> Iterator[Agent]:
    """The member, connected in the name of whoever is signed in at the page, which has made that state."""
    page.goto(f"{site.url}{GROUP}/states/new/")
    page.get_by_label("Id").fill(state)
    page.get_by_label("Document (JSON)").fill(json.dumps(DATA))
    page.get_by_role("button", name="Make the state").click()
    page.wait_for_url(f"**{GROUP}/states/of/{state}/")
    [session] = (c["value"] for c in page.context.cookies() if c["name"] == "sessionid")
    address = site.url.replace("http", "ws") + "/ws/v1/spaces/DevTeam/sync"
    with connect(address, additional_headers={"Cookie": f"sessionid={session}"}) as socket:
        yield Agent(socket, name, state)


def test_changes_come_in_place_and_edits_stay(page: Page, site: Site) -> None:
    sockets: list[WebSocketRoute] = []

    def through(route: WebSocketRoute) -> None:
        sockets.append(route)
        route.connect_to_server()

    page.route_web_socket(re.compile("/ws/v1/spaces/"), through)
    sign_in(page, site)
    with agent_of(page, site, "frontend-dev", "plan/one") as agent:
        dot = page.locator("sync-dot")
        expect(dot).to_have_attribute("data-state", "live")
        page.evaluate("window.stays = true")
        # Not one request for the document: what changes comes by the socket.
        documents: list[str] = []
        page.on("request", lambda r: documents.append(r.url) if "/states/data/" in r.url else None)

        agent.set("/budget/sails", 71)
        sails = page.locator('[data-path="/budget/sails"]')
        expect(sails.locator(".tree-value")).to_have_text("71")
        expect(sails).to_have_class(re.compile("is-new"))
        expect(sails.locator(".tree-blame")).to_contain_text("frontend-dev, version 2")
        expect(page.locator("#state-head [data-ref=version]")).to_have_text("2")
        expect(page.locator("#state-head [data-ref=written]")).to_contain_text("frontend-dev")

        # Somebody writes here while something comes: both stay, and the difference is one click away.
        edit(page, '"Spring"', '"Mine"')
        agent.set("/budget/sails", 72)
        news = page.get_by_text("Version 3 by frontend-dev has arrived; you are editing version 2.")
        expect(news).to_be_visible()
        expect(page.get_by_label("Document (JSON)")).to_have_value(re.compile('"Mine"'))
        expect(sails.locator(".tree-value")).to_have_text("72")
        difference = page.get_by_role("link", name="What changed")
        expect(difference).to_have_attribute("href", re.compile(r"/diff/plan/one/\?old=2&new=3$"))

        # The socket breaks, twice; what was written meanwhile is there when it comes back, with nothing said.
        for n in (73, 74):
            sockets[-1].close(code=1011)
            agent.set("/budget/sails", n)
            expect(sails.locator(".tree-value")).to_have_text(str(n))
            expect(dot).to_have_attribute("data-state", "live")
        assert len(sockets) == 3
        expect(page.locator("live-banner")).to_be_hidden()
        expect(page.get_by_label("Document (JSON)")).to_have_value(re.compile('"Mine"'))
        assert page.evaluate("window.stays") and documents == []


def test_without_a_sync_socket_pages_ask(page: Page, site: Site) -> None:
    page.route_web_socket(re.compile("/ws/v1/spaces/"), lambda route: route.close(code=1011))
    sign_in(page, site)
    with agent_of(page, site, "backend-dev", "plan/two") as agent:
        expect(page.locator("sync-dot")).to_have_attribute("data-state", "absent")
        expect(page.locator("live-dot[data-state=open]")).to_be_visible()
        agent.set("/budget/sails", 90)
        expect(page.locator('[data-path="/budget/sails"] .tree-value')).to_have_text("90")


def test_the_list_and_the_table_follow_an_agent(page: Page, site: Site) -> None:
    sign_in(page, site)
    with agent_of(page, site, "qa-engineer", "plan/three") as agent:
        page.goto(f"{site.url}{GROUP}/states/")
        row = page.locator('.state-row[data-state-id="plan/three"]')
        expect(page.locator("live-dot[data-state=open]")).to_be_visible()
        before = int(row.get_attribute("data-version") or 0)
        rev = agent.set("/title", "Summer")
        expect(row).to_have_attribute("data-version", str(before + 1))
        expect(row.locator("[data-ref=written]")).to_contain_text("qa-engineer")
        agent.acknowledge(rev)

        page.goto(f"{site.url}{GROUP}/sync/?agent=qa-engineer&state=plan/three")
        cell = page.locator("#matrix tbody td").first
        expect(cell).to_contain_text("in step")
        page.locator("#legend summary").click()
        expect(page.locator(".sync-who b")).to_have_text(["qa-engineer"])
        # It writes and confirms nothing: it falls behind, and says so; then it catches up.
        agent.set("/title", "Autumn")
        rev = agent.set("/title", "Winter")
        expect(cell).to_contain_text("2 versions behind, on its way")
        expect(page.locator(".sync-facts")).to_contain_text(re.compile(r"plan/three\s+−2"))
        agent.acknowledge(rev)
        expect(cell).to_contain_text("in step")
        # What was opened stays open, however often the table is drawn.
        expect(page.locator("#legend")).to_have_attribute("open", "")

        # A push reaches it, and is done when it confirms.
        page.goto(f"{site.url}{GROUP}/states/of/plan/three/")
        page.get_by_role("link", name="Push").click()
        page.get_by_label("To one agent").check()
        page.get_by_label("qa-engineer").check()
        page.get_by_role("button", name="Push", exact=True).click()
        task = page.locator(".sync-task").first
        expect(task).to_contain_text("unicast")
        agent.acknowledge(rev)
        expect(task.locator(".sync-marks")).to_contain_text("Completed")
        expect(task).to_contain_text("1 of 1")

        # Disconnected, it hears why.
        row = page.locator(".sync-row:not(.sync-task)", has_text="qa-engineer").first
        row.get_by_role("button", name="Disconnect").click()
        row.get_by_role("button", name="Really?").click()
        bye = agent.hear("bye")
        assert (bye["code"], bye["reason"]) == (4409, "disconnected")
        expect(page.get_by_text("Disconnected.")).to_be_visible()
