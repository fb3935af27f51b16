"""A journey through shared states: two pages of one document, live, colliding, and settled."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_journey import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

STATES = "/groups/DevTeam/states/"
PLAN = f"{STATES}of/plan/spring/"
#: One number is larger than JavaScript can count to.
DATA = {"title": "Spring", "budget": {"sails": 70, "berth": 9007199254740993}, "crew": ["wim"]}


def make(page: Page, site: Site) -> None:
    page.goto(f"{site.url}{STATES}new/")
    page.get_by_label("Id").fill("plan/spring")
    page.get_by_label("Document (JSON)").fill(json.dumps(DATA))
    page.get_by_role("button", name="Make the state").click()
    page.wait_for_url(f"**{PLAN}")


def open_editor(page: Page) -> None:
    editor = page.locator("state-editor details")
    if editor.get_attribute("open") is None:
        editor.locator("summary").click()


def edit(page: Page, old: str, new: str) -> None:
    """Change the text in the editor, without saving."""
    open_editor(page)
    area = page.get_by_label("Document (JSON)")
    text = area.input_value()
    assert old in text
    area.fill(text.replace(old, new))


def save(page: Page) -> None:
    page.locator("state-editor").get_by_role("button", name=re.compile("^Save")).click()


def another(page: Page, address: str) -> Page:
    """A second window of the same person."""
    browser = page.context.browser
    assert browser is not None
    window = browser.new_page(viewport={"width": 1280, "height": 900})
    window.set_default_timeout(15_000)
    cookies = [c for c in page.context.cookies() if c["name"] == "sessionid"]
    window.context.add_cookies([{**cookies[0]}])  # type: ignore[typeddict-item]
    window.goto(address)
    return window


def test_two_people_and_one_document(page: Page, site: Site) -> None:
    sign_in(page, site)
    make(page, site)

    # The tree opens and closes by keyboard, and tells who wrote what.
    expect(page.locator('[data-path="/budget/berth"] .tree-value')).to_have_text("9007199254740993")
    page.locator('[data-path="/title"]').focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    expect(page.locator('[data-path="/budget"]')).to_have_attribute("aria-expanded", "false")
    expect(page.locator('[data-path="/budget/sails"]')).to_have_count(0)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator('[data-path="/budget/sails"]')).to_be_focused()
    expect(page.locator('[data-path="/budget/sails"] .tree-blame')).to_contain_text(
        "admin, version 1"
    )

    # What is written elsewhere shows here, where the focus stays.
    other = another(page, f"{site.url}{PLAN}")
    expect(page.locator("live-dot[data-state=open]")).to_be_visible()
    edit(other, '"sails": 70', '"sails": 71')
    save(other)
    expect(other.get_by_text("Saved as version 2.")).to_be_visible()
    expect(page.locator('[data-path="/budget/sails"] .tree-value')).to_have_text("71")
    expect(page.locator('[data-path="/budget/sails"]')).to_be_focused()
    expect(page.locator("#state-head .facts dd").first).to_have_text("2")
    page.locator("state-raw summary").click()
    expect(page.locator("state-raw pre")).to_contain_text('"sails": 71')

    # An untouched editor follows; one in which somebody writes keeps its text.
    open_editor(page)
    expect(page.get_by_label("Document (JSON)")).to_have_value(re.compile('"sails": 71'))
    edit(page, '"Spring"', '"Mine"')
    edit(other, '"Spring"', '"Theirs"')
    save(other)
    expect(
        page.get_by_text("Version 3 by admin has arrived; you are editing version 2.")
    ).to_be_visible()
    expect(page.get_by_label("Document (JSON)")).to_have_value(re.compile('"Mine"'))
    save(page)
    expect(page.locator(".state-sides legend code")).to_have_text(["/title"])
    page.get_by_role("radio", name=re.compile("Mine")).check()
    page.get_by_role("button", name="Save upon version 3").click()
    expect(page.get_by_text("Saved as version 4.")).to_be_visible()
    expect(page.locator('[data-path="/title"] .tree-value')).to_have_text('"Mine"')
    expect(other.locator('[data-path="/title"] .tree-value')).to_have_text('"Mine"')

    # The history compares, and brings the first version back.
    page.get_by_role("link", name="History").click()
    page.get_by_label("Compare from version 1").check()
    page.get_by_role("button", name="Compare the two marked").click()
    expect(page.locator(".state-change h3 code")).to_have_text(["/budget/sails", "/title"])
    page.get_by_role("button", name="Restore version 1").click()
    page.get_by_role("button", name="Bring it back?").click()
    expect(page.get_by_text("Version 1 is back, as version 5.")).to_be_visible()
    expect(other.locator('[data-path="/title"] .tree-value')).to_have_text('"Spring"')
    other.close()


def test_a_conflict_waits_until_somebody_decides(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.goto(f"{site.url}{STATES}new/")
    page.get_by_label("Id").fill("plan/autumn")
    page.get_by_label("Document (JSON)").fill(json.dumps(DATA))
    page.get_by_role("button", name="Make the state").click()
    page.get_by_role("link", name="Policy").click()
    page.get_by_label("What a merge cannot settle").select_option("park")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()

    address = f"{site.url}{STATES}of/plan/autumn/"
    page.goto(address)
    edit(page, '"Spring"', '"Late"')
    inbox = another(page, f"{site.url}/groups/DevTeam/")
    expect(inbox.locator("live-dot[data-state=open]")).to_be_visible()
    other = another(page, address)
    edit(other, '"Spring"', '"Early"')
    save(other)
    expect(other.get_by_text("Saved as version 3.")).to_be_visible()
    save(page)
    expect(page.get_by_text("it waits in the conflicts")).to_be_visible()

    # The group's page counts it as it happens, and leads there.
    expect(inbox.locator("#states-entry .state-alert")).to_contain_text("1")
    inbox.locator("#states-entry").click()
    inbox.get_by_role("link", name="Conflicts wait for somebody").click()
    inbox.get_by_role("link", name="plan/autumn").click()
    expect(inbox.locator(".state-three .state-value")).to_have_text(
        ['"Spring"', '"Early"', '"Late"']
    )
    inbox.get_by_role("radio", name=re.compile("Set aside")).check()
    inbox.get_by_role("button", name="Preview").click()
    expect(inbox.locator("#preview")).to_contain_text('"title": "Late"')
    inbox.get_by_role("button", name="Settle as chosen").click()
    expect(inbox.get_by_text("Nothing collides")).to_be_visible()
    expect(other.locator('[data-path="/title"] .tree-value')).to_have_text('"Late"')
