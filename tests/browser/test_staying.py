"""The page stays with whoever looks: through a killed server, in a second tab, in another language, on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site, until
from tests.browser.test_journey import sign_in
from tests.upping import start_up

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

#: What a log on a page holds, event by event, whichever view shows it.
LOG = (
    "document.querySelector('stars-run').store.events.map(({seq, type, data}) => [seq, type, data])"
)
#: Remembers for how long at most the banner that speaks of a lost connection was to be seen.
WATCH_BANNER = """() => {
  const banner = document.querySelector("live-banner");
  window.banner = {shown: 0, waited: null};
  let lost = 0;
  document.addEventListener("stars:live", ({detail}) => { if (detail.state === "lost") lost ||= performance.now(); });
  new MutationObserver(() => {
    if (banner.hidden) return;
    window.banner.shown += 1;
    window.banner.waited ??= performance.now() - lost;
  }).observe(banner, {attributes: true, attributeFilter: ["hidden"]});
}"""


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Site]:
    """A site that nobody has seen yet, and that may be killed."""
    running = Site(tmp_path / "data")
    yield running
    running.stop()


def kill_and_start_again(site: Site, data: Path) -> None:
    site.process.kill()
    site.process.wait()
    site.process = start_up(data, int(site.url.rpartition(":")[2]), site.log)


def server_log(page: Page, site: Site) -> list[list[object]]:
    run = page.url.partition("?")[0].rstrip("/").rpartition("/")[2]
    events: list[list[object]] = []
    address = f"{site.url}/api/v1/runs/{run}/events/?after=0&limit=500"
    while address:
        found = page.request.get(address).json()
        events += [[e["seq"], e["type"], e["data"]] for e in found["results"]]
        address = found["next"]
    return events


def test_a_newcomer_watches_the_example_through_a_killed_server(
    chromium: Browser, newcomer: Site, tmp_path: Path
) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(15_000)
    faults: list[str] = []
    context.on("weberror", lambda fault: faults.append(str(fault.error)))
    # The printed link shows a run that is under way.
    sign_in(page, newcomer)
    page.locator("main a[href^='/runs/']").first.click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
    badge = page.locator("run-header .badge")
    expect(page.locator("live-dot[data-state=open]").first).to_be_visible()
    second = context.new_page()
    second.goto(page.url)
    expect(second.locator("live-dot[data-state=open]").first).to_be_visible()

    # The server dies under both, without a word, and comes back.
    page.evaluate(WATCH_BANNER)
    page.evaluate("window.same = true")
    until(page, "document.querySelector('stars-run').store.position > 10")
    kill_and_start_again(newcomer, tmp_path / "data")
    expect(page.locator("live-dot[data-state=lost]").first).to_be_visible()
    expect(page.locator("live-dot[data-state=open]").first).to_be_visible(timeout=60_000)
    expect(page.locator("live-banner")).to_be_hidden()
    banner = page.evaluate("window.banner")
    # A short break passes in silence; one that lasts is told of after three seconds, not before.
    assert banner["waited"] is None or banner["waited"] >= 3_000, banner

    # In mid-run one tab is loaded anew; then all ends well, and nothing is missing or double anywhere.
    second.reload()
    expect(badge).to_have_attribute("data-status", "completed", timeout=90_000)
    other = second.locator("run-header .badge")
    expect(other).to_have_attribute("data-status", "completed", timeout=15_000)
    assert page.evaluate("window.same") is True
    stored = server_log(page, newcomer)
    assert [seq for seq, *_ in stored] == list(range(1, len(stored) + 1))
    for tab in (page, second):
        until(tab, f"document.querySelector('stars-run').store.position === {len(stored)}")
        assert tab.evaluate(LOG) == stored
    assert faults == []
    context.close()


def test_a_phone_changes_its_language_and_loses_nothing(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in(page, site)
    page.goto(f"{site.url}/groups/SupportTeam/?note=1")

    # A task half written, an option chosen in a fold, a message begun.
    page.get_by_label("What should SupportTeam do?").fill("1. 读取工单\n2. 汇总")
    page.locator(".run-options summary").first.tap()
    page.get_by_text("Let me approve the plan first").tap()
    page.locator(".menu .avatar").tap()
    page.get_by_role("button", name="简体中文").tap()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    assert page.url.endswith("/groups/SupportTeam/?note=1")
    task = page.get_by_label("要让 SupportTeam 做什么？")
    expect(task).to_have_value("1. 读取工单\n2. 汇总")
    expect(page.get_by_label("先由我批准计划")).to_be_checked()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    # It goes on from there by touch, in Chinese.
    page.get_by_role("button", name="运行", exact=True).tap()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    badge = page.locator("run-header .badge")
    expect(badge).to_have_text("待批准")
    page.get_by_role("button", name="批准计划").tap()
    expect(badge).to_have_text("已完成", timeout=60_000)
    # The view that is open is part of the address, and stays.
    page.get_by_role("tab", name="时间线").tap()
    expect(page).to_have_url(re.compile("view=timeline"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".menu .avatar").tap()
    page.get_by_role("button", name="English").tap()
    expect(page.get_by_role("tab", name="Timeline")).to_have_attribute("aria-selected", "true")
    assert complaints == []
    context.close()
