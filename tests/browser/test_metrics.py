"""The page of metrics in a browser: it renews itself, and keeps what it shows when the server is away."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_journey import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def write(page: Page, state_id: str) -> None:
    """Make a state by the API, as the page's person."""
    status = page.evaluate(
        """async (id) => {
            const token = document.querySelector("meta[name=csrf-token]").content;
            const headers = {"Content-Type": "application/json", "X-CSRFToken": token};
            const body = JSON.stringify({id});
            const answer = await fetch("/api/v1/spaces/_global/states/", {method: "POST", headers, body});
            return answer.status;
        }""",
        state_id,
    )
    assert status == 201


def test_the_page_of_metrics_keeps_itself_fresh(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.goto(f"{site.url}/states/")
    page.get_by_role("link", name="Metrics").first.click()
    expect(page.get_by_role("heading", name="Metrics")).to_be_visible()
    writes = page.locator("article", has=page.get_by_role("heading", name="Writes", exact=True))
    total = writes.locator("dd")
    before = int(total.inner_text().replace(",", ""))

    # A write elsewhere shows without a reload.
    page.evaluate("window.same = true")
    write(page, "metrics/one")
    expect(total).not_to_have_text(f"{before:,}", timeout=12_000)
    assert page.evaluate("window.same") is True
    expect(writes.locator(".series .line")).to_have_count(1)
    expect(writes.locator(".series .dot")).to_have_count(59)
    image = writes.get_by_role("img")
    expect(image).to_have_accessible_name(re.compile("^Writes: Commits of states per second. Now "))

    # While the server does not answer it says so and keeps the figures; then it goes on.
    stale = page.get_by_text("The server does not answer. These are the last figures that came.")
    expect(stale).to_be_hidden()
    page.route("**/states/metrics/figures/", lambda route: route.abort())
    expect(stale).to_be_visible(timeout=12_000)
    expect(total).to_be_visible()
    expect(page.locator(".notice")).to_have_count(0)
    page.unroute("**/states/metrics/figures/")
    expect(stale).to_be_hidden(timeout=12_000)

    # On a phone nothing sticks out.
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
