"""Choosing a mode on the page, and seeing how the group voted."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_journey import sign_in

pytestmark = pytest.mark.browser


def test_a_vote_from_the_run_box_to_its_tally(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.goto(f"{site.url}/groups/DevTeam/")
    page.get_by_label("What should DevTeam do?").fill("Which of 3 login pages is the safest?")
    page.locator(".run-options summary").first.click()
    rule, replans = page.get_by_label("How votes are counted"), page.get_by_label("Further plans")
    expect(replans).to_be_visible()
    expect(rule).to_be_hidden()
    page.get_by_role("radio", name="Democratic").check()
    expect(rule).to_be_visible()
    expect(replans).to_be_hidden()
    expect(page.get_by_text("Everyone answers the task")).to_be_visible()
    rule.select_option("ranked")
    # On a phone each field of what is open has the whole width of the box.
    page.get_by_text("Limits", exact=True).click()
    size = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    for field in (rule, page.get_by_label("Tokens at most")):
        found = field.bounding_box()
        assert found is not None and found["width"] > 280
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert size is not None
    page.set_viewport_size(size)
    page.get_by_role("button", name="Run", exact=True).click()
    badge = page.locator("run-header .badge")
    expect(badge).to_have_attribute("data-status", "completed", timeout=60_000)
    votes = page.locator("run-votes")
    expect(votes.locator(".vote[data-won=true]")).to_have_count(1)
    expect(votes).to_contain_text("instant run-off")
    # Nobody chose a view, so what was waited for opens by itself.
    expect(page.get_by_role("tab", name="Report")).to_have_attribute("aria-selected", "true")
    expect(page.locator("run-result .prose")).to_contain_text("How the group decided")
    page.get_by_role("tab", name="Story").click()
    expect(page.locator("story-turn[data-kind=vote]").first).to_be_visible()
