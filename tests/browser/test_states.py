"""A journey through shared states: two pages of one document, live, colliding, and settled."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Site
from tests.browser.test_journey import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

# A busy machine answers late; what is waited for comes all the same.
expect.set_options(timeout=15_000)

STATES = "/groups/DevTeam/states/"
PLAN = f"{STATES}of/plan/spring/"
#: One number is larger than JavaScript can count to.
DATA = {"title": "Spring", "budget": {"sails": 70, "berth": 9007199254740993}, "crew": ["wim"]}
SCHEMA = {
    "required": ["title"],
    "properties": {
        "title": {"type": "string", "minLength": 3},
        "status": {"enum": ["draft", "ready"]},
    },
}


def make(page: Page, site: Site, state_id: str) -> str:
    """A state, and its address."""
    page.goto(f"{site.url}{STATES}new/")
    page.get_by_label("Id").fill(state_id)
    page.get_by_label("Document (JSON)").fill(json.dumps(DATA))
    page.get_by_role("button", name="Make the state").click()
    page.wait_for_url(f"**{STATES}of/{state_id}/")
    return page.url


def open_editor(page: Page) -> None:
    editor = page.locator("state-editor details")
    if editor.get_attribute("open") is None:
        editor.locator("summary").click()
    expect(page.locator("json-area .json-gutter")).to_be_attached()


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


def at(page: Page, path: str) -> Locator:
    """The line of the document's tree at that path."""
    return page.locator(f'[role=treeitem][data-path="{path}"]')


def test_two_people_and_one_document(page: Page, site: Site) -> None:
    sign_in(page, site)
    address = make(page, site, "plan/spring")

    # The tree opens and closes by keyboard, and tells who wrote what.
    expect(at(page, "/budget/berth").locator(".tree-value")).to_have_text("9007199254740993")
    at(page, "/title").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    expect(at(page, "/budget")).to_have_attribute("aria-expanded", "false")
    expect(at(page, "/budget/sails")).to_have_count(0)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(at(page, "/budget/sails")).to_be_focused()
    expect(at(page, "/budget/sails").locator(".tree-blame")).to_contain_text("admin, version 1")
    about = page.locator("tree-about")
    expect(about.locator("code")).to_have_text("/budget/sails")
    expect(about.get_by_role("link", name="version 1")).to_have_attribute(
        "href", f"{STATES}history/plan/spring/?version=1"
    )

    # What is written elsewhere shows here, with its writer beside it, where the focus stays.
    other = another(page, address)
    expect(page.locator("live-dot[data-state=open]")).to_be_visible()
    edit(other, '"sails": 70', '"sails": 71')
    save(other)
    expect(other.get_by_text("Saved as version 2.")).to_be_visible()
    expect(at(page, "/budget/sails").locator(".tree-value")).to_have_text("71")
    expect(at(page, "/budget/sails")).to_be_focused()
    expect(page.locator("#state-head .facts dd").first).to_have_text("2")
    expect(about.get_by_role("link", name="version 2")).to_be_visible()
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
    # A path that is left open is named, marked and in focus.
    page.get_by_role("button", name="Save upon version 3").click()
    expect(page.locator(".form-error", has_text="Choose Mine or Theirs for /title")).to_be_visible()
    expect(page.get_by_text("Choose one for /title.")).to_be_visible()
    expect(page.get_by_role("radio", name=re.compile("Mine"))).to_be_focused()
    page.get_by_role("radio", name=re.compile("Mine")).check()
    expect(page.get_by_text("Choose one for /title.")).to_be_hidden()
    page.get_by_role("button", name="Save upon version 3").click()
    expect(page.get_by_text("Saved as version 4.")).to_be_visible()
    expect(at(page, "/title").locator(".tree-value")).to_have_text('"Mine"')
    expect(other.locator('[data-path="/title"] .tree-value')).to_have_text('"Mine"')

    # The film goes through the versions, holds each against others, and brings the first back.
    page.get_by_role("link", name="History").click()
    slider = page.get_by_role("slider", name="Version")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^version 4, admin"))
    expect(at(page, "/title")).to_have_attribute("data-change", "changed")
    expect(at(page, "/title").locator(".tree-before")).to_have_text('"Theirs"')
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(at(page, "/title").locator(".tree-before")).to_have_text('"Spring"')
    page.get_by_label("Compare with", exact=True).select_option("chosen")
    page.get_by_label("Changes only").check()
    expect(page.locator("[role=treeitem][data-change]")).to_have_count(2)
    expect(at(page, "/budget/sails").locator(".tree-before")).to_have_text("70")
    expect(page).to_have_url(re.compile(r"\?version=3&with=1$"))
    page.reload()
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^version 3"))
    slider.focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="Restore version 1").click()
    page.get_by_role("button", name="Bring it back?").click()
    expect(page.get_by_text("Version 1 is back, as version 5.")).to_be_visible()
    expect(other.locator('[data-path="/title"] .tree-value')).to_have_text('"Spring"')
    other.close()


def test_unsaved_text_survives_a_reload_and_a_server_that_does_not_answer(
    page: Page, site: Site
) -> None:
    sign_in(page, site)
    address = make(page, site, "plan/summer")
    page.get_by_role("link", name="Policy").click()
    page.get_by_label("Schema (JSON Schema 2020-12)").fill(json.dumps(SCHEMA))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()

    # The schema makes a form of it; what does not suit is said beside the field before anything is sent.
    page.goto(address)
    page.locator("state-editor summary").click()
    page.get_by_label("title").fill("No")
    expect(page.locator('[data-field="/title"] .field-error')).to_contain_text("too short")
    page.get_by_label("status").select_option("ready")
    save(page)
    expect(page.get_by_text("Mend what is marked first; nothing was saved.")).to_be_visible()

    page.on("dialog", lambda dialog: dialog.accept())  # leaving with unsaved text is asked about
    page.reload()
    page.get_by_role("button", name="Take it up again").click()
    expect(page.get_by_label("status")).to_have_value('"ready"')
    page.get_by_label("title").fill("Now")

    page.route("**/states/check/**", lambda route: route.abort())
    save(page)
    expect(page.get_by_text("your text is kept here")).to_be_visible()
    expect(page.get_by_label("title")).to_have_value("Now")
    page.unroute("**/states/check/**")
    save(page)
    expect(page.get_by_text("Saved as version 3.")).to_be_visible()
    expect(at(page, "/status").locator(".tree-value")).to_have_text('"ready"')
    expect(page.locator("[data-ref=draft]")).to_be_hidden()


def test_a_session_that_ends_while_one_writes_costs_no_word(page: Page, site: Site) -> None:
    sign_in(page, site)
    make(page, site, "plan/winter")
    edit(page, '"Spring"', '"Winter"')
    page.context.clear_cookies()
    save(page)
    refused = page.locator("state-editor [data-ref=refused]")
    expect(refused).to_contain_text("Nothing was saved; your text is kept here.")
    expect(page.get_by_label("Document (JSON)")).to_have_value(re.compile('"Winter"'))
    with page.context.expect_page() as opened:
        refused.get_by_role("link", name="Sign in in another tab").click()
    expect(opened.value.get_by_role("button", name="Sign in")).to_be_visible()
    opened.value.close()

    # Who signs in has another session and another token; the page that was open goes on with them.
    cookies = {"sessionid": site.session, "csrftoken": "n" * 32}
    page.context.add_cookies([{"name": n, "value": v, "url": site.url} for n, v in cookies.items()])
    save(page)
    expect(page.get_by_text("Saved as version 2.")).to_be_visible()
    expect(at(page, "/title").locator(".tree-value")).to_have_text('"Winter"')
    # So do its other forms.
    page.context.add_cookies([{"name": "csrftoken", "value": "m" * 32, "url": site.url}])
    page.locator(".menu .avatar").click()
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")


def test_a_conflict_is_settled_by_the_keyboard_alone(page: Page, site: Site) -> None:
    sign_in(page, site)
    address = make(page, site, "plan/autumn")
    page.get_by_role("link", name="Policy").click()
    page.get_by_role("radio", name="let somebody decide").check()
    # What the settings would do is seen before they are saved.
    expect(page.locator(".policy-verdict")).to_contain_text("set aside until somebody decides")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()

    page.goto(address)
    edit(page, '"Spring"', '"Late"')
    edit(page, '"sails": 70', '"sails": 69')
    inbox = another(page, f"{site.url}/groups/DevTeam/")
    expect(inbox.locator("live-dot[data-state=open]")).to_be_visible()
    other = another(page, address)
    edit(other, '"Spring"', '"Early"')
    edit(other, '"sails": 70', '"sails": 71')
    save(other)
    expect(other.get_by_text("Saved as version 3.")).to_be_visible()
    save(page)
    expect(page.get_by_text("it waits in the conflicts")).to_be_visible()

    # The group's page counts it as it happens, and leads there.
    expect(inbox.locator("#states-entry .state-alert")).to_contain_text("1")
    inbox.locator("#states-entry").click()
    inbox.get_by_role("link", name="Conflicts wait for somebody").click()
    inbox.wait_for_url("**/conflicts/")
    expect(inbox.locator("a[data-row]")).to_have_count(1)
    inbox.keyboard.press("j")
    inbox.keyboard.press("Enter")
    inbox.wait_for_url(re.compile("/conflicts/.+/$"))
    expect(inbox.get_by_text("2 paths are still open")).to_be_visible()
    onlooker = another(inbox, inbox.url)
    expect(onlooker.locator("live-dot[data-state=open]")).to_be_visible()
    expect(inbox.locator('[data-path="/title"] .state-side .state-value')).to_have_text(
        ['"Spring"', '"Early"', '"Late"']
    )
    inbox.keyboard.press("1")  # /budget/sails as it was, and on to the next path
    inbox.keyboard.press("e")
    inbox.keyboard.type('"Harvest')
    expect(inbox.locator('[data-path="/title"] [data-fault]')).to_contain_text("not JSON")
    inbox.keyboard.type('"')
    inbox.keyboard.press("Escape")
    inbox.keyboard.press("p")
    expect(inbox.locator("#preview")).to_contain_text('"title": "Harvest"')
    expect(inbox.get_by_text("Every path is chosen")).to_be_visible()
    inbox.keyboard.press("s")
    expect(inbox.get_by_text("Nothing collides")).to_be_visible()
    expect(other.locator('[data-path="/title"] .tree-value')).to_have_text('"Harvest"')
    expect(other.locator('[data-path="/budget/sails"] .tree-value')).to_have_text("70")
    # Whoever was about to settle it, too, is told.
    expect(onlooker.locator("#conflict-standing")).to_contain_text("admin has settled this.")
    expect(onlooker.get_by_role("button", name="Settle as chosen")).to_be_disabled()
