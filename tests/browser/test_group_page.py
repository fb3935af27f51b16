"""A group's page: stars that come and go in another tab while a run goes on, lines, mentions by keyboard, a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site
from tests.browser.test_inbox import post
from tests.browser.test_journey import sign_in

pytestmark = pytest.mark.browser


def made(page: Page, site: Site, group: str) -> None:
    """A group of that id with a leader and one worker, and a third agent outside; its page is open."""
    post(page, "groups/", {"id": group, "name": group.title()})
    for name, role in (("lead", "leader"), ("mate", "worker"), ("cook", "")):
        post(page, "agents/", {"agent_id": f"{group}-{name}", "description": "At sea"})
        if role:
            member: dict[str, object] = {
                "agent_id": f"{group}-{name}",
                "role": role,
                "tags": ["deck"],
            }
            post(page, f"groups/{group}/members/", member)
    page.goto(f"{site.url}/groups/{group}/")
    expect(page.locator("[data-agent]")).to_have_count(2)


def test_stars_come_and_go_in_every_tab_while_a_run_goes_on(
    page: Page, site: Site, chromium: Browser
) -> None:
    sign_in(page, site)
    made(page, site, "brig")
    other = chromium.new_page(viewport={"width": 1280, "height": 900})
    sign_in(other, site)
    other.goto(f"{site.url}/groups/brig/")
    for tab in (page, other):
        expect(tab.locator("live-dot[data-state=open]").first).to_be_visible()
    task = {"task": "- Rig the sails\n- Swab the deck", "approve_plan": True}
    post(page, "groups/brig/runs/", task)
    leader = other.locator("[data-agent=brig-lead]")
    expect(leader).to_have_attribute("data-at", "waiting")
    expect(leader).to_have_attribute("aria-label", "brig-lead, leader, needs a person, #deck")

    # One who joins, chosen by searching, shines in the other tab.
    page.get_by_text("Add members").click()
    page.get_by_label("Agents", exact=True).first.fill("brig-")
    expect(page.locator(".candidate.is-inside")).to_have_count(2)
    page.get_by_role("checkbox", name="brig-cook").check()
    page.get_by_role("button", name="Add", exact=True).click()
    cook = other.locator("[data-agent=brig-cook]")
    expect(cook).to_be_visible()
    expect(leader).to_have_attribute("data-at", "waiting")

    # By keyboard: arrows lead from star to star, Enter opens the card.
    leader.focus()
    other.keyboard.press("ArrowLeft")
    other.keyboard.press("Enter")
    chosen = other.locator(".star.is-chosen")
    expect(other.locator(".star-card .muted", has_text="brig-")).to_be_visible()
    other.keyboard.press("Escape")
    expect(other.locator(".star-card")).to_have_count(0)
    expect(chosen).to_have_count(0)

    # Who is taken out is gone everywhere, after having been asked for twice.
    cook.press("Enter")
    other.get_by_text("Change this member").click()
    remove = other.locator(".star-card ask-first button")
    remove.click()
    expect(other.locator("[data-agent=brig-cook]")).to_be_visible()
    remove.click()
    for tab in (page, other):
        expect(tab.locator("[data-agent=brig-cook]")).to_have_count(0)


def test_mentions_are_completed_by_keyboard_and_a_line_tells_what_passed(
    page: Page, site: Site
) -> None:
    sign_in(page, site)
    made(page, site, "sloop")
    expect(page.locator("live-dot[data-state=open]").first).to_be_visible()
    box = page.get_by_role("combobox", name="Message")
    box.click()
    page.keyboard.type("Ready @sloop-m")
    offered = page.get_by_role("listbox", name="Whom to mention")
    expect(offered.get_by_role("option")).to_have_count(1)
    expect(offered).to_contain_text("@sloop-mate")
    assert box.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    expect(offered).to_be_hidden()
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    page.keyboard.type(" @tag:d")
    expect(offered.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(box).to_have_value("Ready @sloop @tag:deck ")
    page.keyboard.type("now?")
    page.keyboard.press("Control+Enter")
    message = page.locator("#chat .message").first
    expect(message).to_contain_text("Ready @sloop @tag:deck now?")
    expect(message.locator("b").first).to_have_text("admin")
    # Both members bear the tag, so both answer; the mark follows without a reload.
    expect(message.locator(".mark[data-mark=answered]").first).to_have_text("2 answered")

    post(
        page,
        "groups/sloop/messages/",
        {"from": "sloop-lead", "to": "sloop-mate", "text": "Hoist the jib."},
    )
    line = page.locator("[data-line='sloop-lead sloop-mate']")
    expect(line).to_have_class("line is-used")
    line.press("Enter")
    card = page.get_by_role("article", name="Between sloop-lead and sloop-mate")
    expect(card).to_contain_text("Hoist the jib.")
    # What a person wrote passed between neither of them.
    expect(card.locator(".message-head b", has_text="admin")).to_have_count(0)


def test_states_come_into_the_group_page_by_themselves_and_take_no_focus(
    page: Page, site: Site
) -> None:
    sign_in(page, site)
    page.goto(f"{site.url}/groups/SupportTeam/")
    expect(page.locator("live-dot[data-state=open]").first).to_be_visible()
    expect(page.locator("#states-lately")).to_be_visible()
    page.evaluate("window.same = true")
    post(page, "spaces/SupportTeam/states/", {"id": "notes/tide", "data": {"high": "04:12"}})
    rows = page.locator("#states-lately li")
    expect(rows.first).to_contain_text("notes/tide")
    expect(rows.first).to_contain_text("version 1 · admin")
    rows.first.get_by_role("link").focus()
    for n, high in enumerate(("04:13", "04:14"), start=2):
        ops = {"ops": [{"op": "set", "path": "/high", "value": high}], "base_version": n - 1}
        post(page, "spaces/SupportTeam/states/notes/tide/ops/", ops)
        expect(rows.first).to_contain_text(f"version {n} · admin")
    expect(rows.first.get_by_role("link")).to_be_focused()
    # Another that changes is put before it, which keeps the keyboard.
    post(page, "spaces/SupportTeam/states/", {"id": "notes/wind", "data": {}})
    expect(rows.first).to_contain_text("notes/wind")
    expect(page.get_by_role("link", name="notes/tide")).to_be_focused()
    assert page.evaluate("window.same") is True


def test_on_a_phone_one_part_at_a_time(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site.url}/groups/SupportTeam/#part-stars")
    expect(page.get_by_role("tab", name="Stars")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#run-box")).to_be_hidden()
    # The list says in words what the map shows.
    expect(page.locator("#member-supervisor member-state")).to_have_text("idle")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Map").click()
    page.locator("[data-agent=supervisor]").click()
    page.get_by_role("button", name="Write to").click()
    expect(page.get_by_role("tab", name="Talk")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#id_to")).to_have_value("supervisor")
    page.get_by_role("tab", name="Talk").press("ArrowRight")
    expect(page.get_by_role("tab", name="Runs")).to_be_focused()
    expect(page.locator("#runs-filter")).to_be_visible()
