"""A plan that is edited as a graph by keyboard alone and carried out as edited; then the run's own graph, and beside
another run."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Site
from tests.browser.test_journey import server_run, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

TASK = "- Sketch the mole\n- Price the stones\n- Paint the lighthouse"


def send(page: Page, url: str, value: object) -> Any:
    """What the server answers to that JSON, sent as a script of the page would."""
    token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    headers = {"X-CSRFToken": token, "Accept": "application/json", "Referer": url}
    answer = page.request.post(url, data=value, headers=headers)
    assert answer.ok, answer.text()
    return answer.json()


def start(page: Page, site: Site) -> str:
    """A run of TASK whose plan awaits approval, and its page; its id."""
    url = f"{site.url}/api/v1/groups/DevTeam/runs/"
    run = send(page, url, {"task": TASK, "approve_plan": True})
    page.goto(f"{site.url}/runs/{run['id']}/")
    expect(page.locator("run-header .badge")).to_have_attribute("data-status", "awaiting_approval")
    return str(run["id"])


def node(graph: Locator, title: str) -> Locator:
    return graph.locator(".graph-node").filter(has_text=title)


def draw_line(page: Page, start: Locator, end: Locator) -> None:
    """Drag from the dot of one node to another."""
    start.locator(".graph-port").hover()
    page.mouse.down()
    end.locator(".graph-title").hover()
    page.mouse.up()


def test_a_plan_edited_by_keyboard_in_its_graph(page: Page, site: Site) -> None:
    sign_in(page, site)
    start(page, site)
    page.get_by_role("tab", name="List").press("ArrowRight")
    graph, told = page.locator("plan-graph"), page.locator(".graph-told")
    expect(graph.locator(".graph-node")).to_have_count(3)

    # The second is to wait for the first, and the first may then not wait for the second.
    keys = page.keyboard
    node(graph, "Sketch").focus()
    for key in ("c", "ArrowDown", "Enter"):
        keys.press(key)
    expect(told).to_have_text("“Price the stones” now waits for “Sketch the mole”.")
    node(graph, "Price").focus()
    for key in ("c", "ArrowLeft", "Enter"):
        keys.press(key)
    circle = "Price the stones → Sketch the mole → Price the stones"
    expect(told).to_contain_text(circle)
    expect(graph.locator(".graph-edge")).to_have_count(1)

    # The same by pointer, from the dot at the second's right: refused likewise, and from the first: taken back.
    draw_line(page, node(graph, "Price"), node(graph, "Sketch"))
    expect(told).to_contain_text(circle)
    draw_line(page, node(graph, "Sketch"), node(graph, "Price"))
    expect(told).to_have_text("“Price the stones” no longer waits for “Sketch the mole”.")
    draw_line(page, node(graph, "Sketch"), node(graph, "Price"))
    expect(graph.locator(".graph-edge")).to_have_count(1)

    # One goes, one comes after the second; its title is written where the keyboard already is.
    node(graph, "Paint").focus()
    keys.press("Delete")
    node(graph, "Price").focus()
    keys.press("n")
    keys.type("Order the stones")
    expect(node(graph, "Order the stones")).to_be_visible()
    expect(graph.locator(".graph-edge")).to_have_count(2)
    page.get_by_role("tab", name="Graph").first.press("ArrowLeft")
    expect(page.locator("#plan-list .plan-edit-row")).to_have_count(3)
    expect(page.locator("#plan-list .need").last).to_contain_text("Price the stones")

    # Somebody else changes the plan: what was edited stays until one of the two is chosen.
    theirs = server_run(page, site)["plan"]
    theirs["subtasks"][0]["title"] = "Sketch the pier"
    send(page, f"{page.url.split('?')[0]}plan/", {"plan": theirs})
    approve = page.get_by_role("button", name="Save and approve")
    expect(page.locator("#plan-met")).to_contain_text("Changed: Sketch the pier.")
    expect(approve).to_be_disabled()
    page.get_by_role("button", name="Keep mine").press("Enter")
    approve.press("Enter")

    badge = page.locator("run-header .badge")
    expect(badge).to_have_attribute("data-status", "completed", timeout=60_000)
    run = server_run(page, site)
    work = {s["key"]: s for s in run["subtasks"] if s["kind"] == "work"}
    titles = {key: subtask["title"] for key, subtask in work.items()}
    assert sorted(titles.values()) == ["Order the stones", "Price the stones", "Sketch the mole"]
    waits = {titles[s["key"]]: [titles[k] for k in s["depends_on"]] for s in work.values()}
    assert waits["Price the stones"] == ["Sketch the mole"]
    assert waits["Order the stones"] == ["Price the stones"]

    # The run's graph: plan, three in a row, summary; what is chosen here is chosen everywhere.
    page.locator("run-tabs").get_by_role("tab", name="Graph").click()
    drawn = page.locator("run-graph")
    expect(drawn.locator(".graph-node[data-state=completed]")).to_have_count(5)
    expect(drawn.locator(".graph-edge[data-state=done]")).to_have_count(4)
    node(drawn, "Plan the task").focus()
    for _ in range(2):
        keys.press("ArrowRight")
    keys.press("Enter")
    chosen = drawn.locator(".graph-node.is-chosen")
    expect(chosen).to_contain_text("Price the stones")
    expect(drawn.locator(".graph-card-side")).to_contain_text("Sketch the mole")
    page.wait_for_url(f"**subtask={work_id(work, 'Price the stones')}**")
    page.reload()
    expect(chosen).to_contain_text("Price the stones")

    # Beside another run of the same task.
    other = start(page, site)
    page.get_by_role("link", name="Compare with…").click()
    page.locator(".run-row-link").filter(has_text="same task").first.click()
    expect(page.locator(".compare-mark[data-mark=onlyB]").first).to_be_visible()
    row = page.locator(".compare-row").filter(has_text="Order the stones")
    expect(row.locator("[data-side=A]")).to_contain_text("not there")
    page.locator("[data-ref=slider]").fill("0")
    expect(page.locator("[data-side=b] .badge")).to_have_attribute("data-status", "queued")
    # Nothing is left for other journeys to wait for.
    send(page, f"{site.url}/api/v1/runs/{other}/cancel/", {})


def work_id(work: dict[str, dict[str, str]], title: str) -> str:
    return next(subtask["id"] for subtask in work.values() if subtask["title"] == title)
