"""Without a mouse: by the palette to a group, a run, the legend, another theme; and talking to an agent."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_journey import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def choose(page: Page, words: str, name: str) -> None:
    """Open the palette, write these words and go to the option of that name, all by keys."""
    page.keyboard.press("Control+k")
    # What is typed at once is written in the palette, though it is still being fetched.
    page.keyboard.type(words)
    box = page.get_by_role("combobox", name="Search and commands")
    expect(box).to_have_value(words)
    option = page.get_by_role("option").filter(has=page.get_by_text(name, exact=True))
    expect(option.first).to_be_visible()
    expect(page.locator(".palette-note")).not_to_be_empty()
    for _ in range(30):
        if option.first.get_attribute("aria-selected") == "true":
            break
        page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", option.first.get_attribute("id") or "")
    page.keyboard.press("Enter")


def test_from_home_to_a_run_and_back_without_a_mouse(page: Page, site: Site) -> None:
    sign_in(page, site)
    choose(page, "datapipe", "DataPipeline")
    page.wait_for_url("**/groups/DataPipeline/")

    page.keyboard.press("n")
    expect(page.locator("#run-box textarea")).to_be_focused()
    page.keyboard.press("Shift+Tab")

    choose(page, "start datap", "Start a run in DataPipeline")
    task = page.locator("#run-box textarea")
    expect(task).to_be_focused()
    page.keyboard.type("- Say? ahoy / g h t n")
    expect(task).to_have_value("- Say? ahoy / g h t n")
    button = page.get_by_role("button", name="Run", exact=True)
    for _ in range(40):
        if button.evaluate("button => button === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/"))

    page.keyboard.press("?")
    legend = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(legend.get_by_text("Go to runs")).to_be_visible()
    page.keyboard.press("t")
    page.keyboard.press("Escape")
    expect(legend).to_be_hidden()
    html = page.locator("html")
    assert html.get_attribute("data-theme") is None, "nothing happens behind a dialog"
    page.keyboard.press("t")
    expect(html).to_have_attribute("data-theme", "light")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/agents/")
    expect(html).to_have_attribute("data-theme", "light")


def test_an_agent_is_talked_to_and_tells_as_it_thinks(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.goto(f"{site.url}/agents/collector/talk/")
    box = page.get_by_label("What you say to collector")
    box.fill("12 ships came")
    box.press("Control+Enter")
    answer = page.locator(".agent-talk-answer[data-status=answered]")
    expect(answer).to_contain_text("figures: 12")
    expect(answer.locator(".prose li").first).to_be_visible()  # rendered, once it is whole
    box.fill("And who are you?")
    box.press("Control+Enter")
    expect(answer).to_have_count(2)
    expect(box).to_be_focused()
    page.get_by_role("button", name="Begin anew").click()
    expect(answer).to_have_count(0)
