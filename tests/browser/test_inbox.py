"""The inbox in a browser: what waits appears without a reload and is answered in place; a program dials in too."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Final

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Site
from tests.browser.test_journey import sign_in
from tests.dialin.process import EXAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PARTS: Final = "**/fragments/inbox/"
POKE: Final = "document.body.dispatchEvent(new CustomEvent('stars:poke:inbox'))"


def post(page: Page, path: str, body: dict[str, object]) -> dict[str, object]:
    """Call the API as the page's person."""
    answer = page.evaluate(
        """async ([path, body]) => {
            const token = document.querySelector("meta[name=csrf-token]").content;
            const headers = {"Content-Type": "application/json", "X-CSRFToken": token};
            const answer = await fetch("/api/v1/" + path, {method: "POST", headers, body});
            return [answer.status, await answer.text()];
        }""",
        [path, json.dumps(body)],
    )
    assert answer[0] in (200, 201, 202), answer
    found: dict[str, object] = json.loads(answer[1])
    return found


def told(page: Page, site: Site) -> int:
    """How much the number beside the inbox's name tells of; other journeys of this site left failures and conflicts."""
    found = re.search(r">(\d+)<", page.request.get(f"{site.url}/inbox/count/").text())
    return int(found[1]) if found else 0


def test_a_colleague_answers_in_the_inbox_and_a_program_works_beside(
    page: Page, site: Site
) -> None:
    sign_in(page, site)
    for agent_id, kind in (("ida", "builtin"), ("colleague", "human"), ("dora", "connected")):
        post(page, "agents/", {"agent_id": agent_id, "kind": kind})
    post(page, "groups/", {"id": "desk", "name": "Desk"})
    for agent_id, role in (("ida", "leader"), ("colleague", "worker"), ("dora", "worker")):
        post(page, "groups/desk/members/", {"agent_id": agent_id, "role": role})

    # What other journeys of this site left waiting is put away.
    for item in page.request.get(f"{site.url}/api/v1/inbox/").json()["results"]:
        post(page, f"runs/{item['run']}/cancel/", {})

    # The credential is made on the agent's page, and shown there once.
    page.goto(f"{site.url}/agents/dora/credentials/")
    page.get_by_role("button", name="Make a credential").click()
    credential = page.locator(".credential-new code").inner_text()
    program = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "dial_in.py"), site.url.replace("http", "ws"), "dora"],
        env={"STARS_CREDENTIAL": credential},
    )
    try:
        page.goto(f"{site.url}/inbox/")
        item, badge = page.locator(".inbox-item"), page.locator("#inbox-count")
        expect(item).to_have_count(0)
        before = told(page, site)
        page.evaluate("window.same = true")
        task = "- @colleague: count the ships\n- @dora: tell the master"
        run = post(page, "groups/desk/runs/", {"task": task})["id"]
        expect(item).to_contain_text("count the ships")
        expect(badge).to_contain_text(f"{before + 1}")
        assert page.evaluate("window.same") is True

        # What else comes takes away neither what somebody is writing nor what was wrong with it.
        first = item.first
        first.locator("form").evaluate("form => form.submit()")
        expect(first.get_by_role("alert")).to_be_visible()
        first.get_by_label("Answer").fill("Seven ships.")
        other = post(page, "groups/desk/runs/", {"task": "@colleague: count the barges"})["id"]
        expect(item).to_have_count(2)
        expect(first.get_by_label("Answer")).to_have_value("Seven ships.")
        expect(first.get_by_role("alert")).to_be_visible()
        post(page, f"runs/{other}/cancel/", {})
        expect(item).to_have_count(1)
        item.get_by_role("button", name="Answer").click()
        expect(item).to_have_count(0)
        expect(badge).to_contain_text(f"{before}" if before else "")
        page.goto(f"{site.url}/runs/{run}/")
        expect(page.get_by_role("main")).to_contain_text(re.compile("Completed"), timeout=20_000)
    finally:
        program.kill()
        program.wait()
    expect(page.get_by_role("main")).to_contain_text("TELL THE MASTER")
    expect(page.get_by_role("main")).to_contain_text("Seven ships.")

    # On a phone nothing sticks out.
    page.goto(f"{site.url}/inbox/")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_news_that_overtake_an_approval_do_not_break_it(page: Page, site: Site) -> None:
    sign_in(page, site)
    given = {"task": "- list the tests\n- list the ships", "approve_plan": True}
    page.goto(f"{site.url}/inbox/")
    expect(page.locator("live-dot[data-state=open]").first).to_be_visible()
    run = post(page, "groups/DevTeam/runs/", given)["id"]
    item = page.locator(f"#inbox-{run}")

    def late(route: Route) -> None:
        # The answer comes long after the poke that tells of the approval.
        answer = route.fetch()
        expect(item).to_have_count(0)
        route.fulfill(response=answer)

    page.route("**/approve/", late)
    with page.expect_response("**/approve/"):
        item.get_by_role("button", name="Approve").click()
    expect(item).to_have_count(0)


def test_a_poke_while_the_list_is_being_fetched_is_not_lost(page: Page, site: Site) -> None:
    sign_in(page, site)
    answers: list[Route] = []
    before = told(page, site)
    page.goto(f"{site.url}/inbox/")
    expect(page.locator("live-dot[data-state=open]").first).to_be_visible()
    page.route(PARTS, lambda route: answers.append(route), times=1)
    page.evaluate(POKE)
    while not answers:
        page.wait_for_timeout(50)
    # The server has said what it knew; then something comes, and only then does the answer arrive.
    old = answers[0].fetch()
    run = post(page, "groups/DevTeam/runs/", {"task": "- wait", "approve_plan": True})["id"]
    expect(page.locator("#inbox-count")).to_contain_text(f"{before + 1}")
    answers[0].fulfill(response=old)
    expect(page.locator(f"#inbox-{run}")).to_be_visible()
    post(page, f"runs/{run}/cancel/", {})


def test_a_busy_site_neither_holds_the_inbox_back_nor_takes_the_focus(
    page: Page, site: Site
) -> None:
    sign_in(page, site)
    run = post(page, "groups/DevTeam/runs/", {"task": "- wait", "approve_plan": True})["id"]
    page.goto(f"{site.url}/inbox/")
    expect(page.locator("live-dot[data-state=open]").first).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    # Runs change all the time, here and elsewhere.
    page.evaluate(f"window.busy = setInterval(() => {POKE.replace('inbox', 'runs')}, 300)")
    approve = page.locator(f"#inbox-{run}").get_by_role("button", name="Approve")
    approve.focus()

    # Of a conflict nobody tells this page: it looks by itself.
    states = "spaces/DevTeam/states/"
    made: dict[str, object] = {
        "id": "inbox/held",
        "data": {"n": 1},
        "resolution": "custom",
        "resolver": "park",
    }
    post(page, states, made)
    for value in (2, 3):
        ops = [{"op": "set", "path": "/n", "value": value}]
        post(page, f"{states}inbox/held/ops/", {"ops": ops, "base_version": 1})
    conflict = page.get_by_role("link", name="Conflict in inbox/held")
    expect(conflict).to_be_visible(timeout=20_000)
    expect(approve).to_be_focused()
    assert any(url.endswith("/inbox/count/") for url in asked)

    # Nor when what stands above is taken away.
    conflict.focus()
    post(page, f"runs/{run}/cancel/", {})
    expect(approve).to_have_count(0)
    expect(conflict).to_be_focused()
    page.evaluate("clearInterval(window.busy)")

    # A page without htmx knows the number, too.
    page.goto(f"{site.url}/runs/import/")
    expect(page.locator("#inbox-count .inbox-number")).to_be_visible()
