"""A run stops at its cap in a browser: the page says why, a person raises the cap, and the rest is done."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_inbox import post
from tests.browser.test_journey import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

USAGE = {"input_tokens": 900, "output_tokens": 100, "requests": 1, "model": "dear-1"}


def test_a_stopped_run_is_raised_and_resumed(page: Page, site: Site) -> None:
    sign_in(page, site)
    script = {"script": {"kinds": ["work"], "usage": USAGE, "reply": "Counted."}}
    post(page, "agents/", {"agent_id": "lena", "kind": "builtin"})
    post(page, "agents/", {"agent_id": "wim", "kind": "builtin", "config": script})
    post(page, "groups/", {"id": "till", "name": "Till"})
    for agent_id, role in (("lena", "leader"), ("wim", "worker")):
        post(page, "groups/till/members/", {"agent_id": agent_id, "role": role})
    page.goto(f"{site.url}/groups/till/")
    page.get_by_label("What should Till do?").fill("- count the ships\n- then count the barges")
    page.get_by_text("Limits", exact=True).click()
    page.get_by_label("Tokens at most").fill("1000")
    page.get_by_role("button", name="Run").click()

    why = page.locator("run-budget .run-budget-why")
    expect(why).to_have_text("The run's cap of 1,000 tokens is reached.", timeout=20_000)
    expect(page.locator("run-header .badge")).to_contain_text("Completed")
    used = page.locator("run-header [data-ref=tokens]")
    expect(used).to_have_text("1,000")
    expect(page.locator("run-header [data-ref=cost]")).to_have_text("price unknown")
    stopped = page.locator("run-header [data-ref=stop]")
    expect(stopped).to_have_text("The run's cap of 1,000 tokens is reached.")
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    tokens = page.get_by_label("Cap in tokens")
    expect(tokens).to_have_value("1000")
    tokens.fill("5000")
    page.get_by_role("button", name="Raise and resume").click()
    expect(page.locator("run-budget")).to_be_hidden()
    expect(page.locator("run-header .badge")).to_contain_text("Completed", timeout=20_000)
    expect(used).to_have_text("2,000")
    expect(stopped).to_have_text("all work was done")

    page.goto(f"{site.url}/groups/till/settings/")
    panel = page.locator("#budget")
    expect(panel).to_contain_text("2,000 tokens")
    panel.get_by_label("Tokens a month").fill("8000")
    panel.get_by_role("button", name="Set").click()
    expect(page.locator("#budget meter")).to_have_attribute("value", "2000")
