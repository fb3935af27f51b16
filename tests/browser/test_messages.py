"""The messages of a group on its page: the newest is in sight, when it is opened and when one comes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Site
from tests.browser.test_inbox import post
from tests.browser.test_journey import sign_in

pytestmark = pytest.mark.browser


def test_the_newest_message_is_in_sight(page: Page, site: Site) -> None:
    sign_in(page, site)
    post(page, "groups/", {"id": "quay", "name": "Quay"})
    for number in range(12):
        post(page, "groups/quay/messages/", {"text": f"Ship {number}\nhas come in."})
    page.goto(f"{site.url}/groups/quay/")
    expect(page.locator("live-dot[data-state=open]").first).to_be_visible()
    page.get_by_role("button", name="Send").scroll_into_view_if_needed()
    chat = page.locator("#chat .message")
    expect(chat.last).to_contain_text("Ship 11")
    expect(chat.last).to_be_in_viewport(ratio=1)
    expect(chat.first).not_to_be_in_viewport()

    post(page, "groups/quay/messages/", {"text": "The last one."})
    expect(chat.last).to_contain_text("The last one.")
    expect(chat.last).to_be_in_viewport(ratio=1)


def test_an_answer_quotes_what_it_answers_within_its_column(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.goto(f"{site.url}/groups/DevTeam/")
    expect(page.locator("live-dot[data-state=open]").first).to_be_visible()
    post(page, "groups/DevTeam/messages/", {"to": "tech-lead", "text": "How do you plan? " * 9})
    answer = page.locator("#chat .message-reply", has_text="How do you plan?")
    expect(answer.locator(".message-answer")).to_contain_text("rule-based", timeout=20_000)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 844})
        chat = page.locator("#chat")
        assert chat.evaluate("element => element.scrollWidth - element.clientWidth") <= 0


def test_what_comes_before_the_page_listens_is_not_missed(
    page: Page, site: Site, chromium: Browser
) -> None:
    other = chromium.new_page()
    sign_in(other, site)
    sign_in(page, site)
    page.goto(f"{site.url}/groups/SupportTeam/")

    def late(route: Route) -> None:
        # The page has been made; a message comes; only then do its scripts start.
        post(other, "groups/SupportTeam/messages/", {"text": "While you were coming in."})
        route.continue_()

    page.route("**/js/app.js", late, times=1)
    page.reload(wait_until="commit")
    expect(page.locator("#chat")).to_contain_text("While you were coming in.")
