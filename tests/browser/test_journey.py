"""One real journey: the printed link, a group, a file and a task, workers live, a report that is right."""

from __future__ import annotations

import random
import re
import statistics
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.conftest import Site
from tests.browser.shifts import SHIFTS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

TASK = """Look at the harbour dues:
1. Describe the table
2. Add up the dues per berth
3. Find outliers in the dues
4. Check the spelling of the berths"""


def write_csv(path: Path) -> list[float]:
    """A table of 240 payments at three berths, one of them far too high; gives the payments."""
    chance = random.Random(20_260_304)
    dues = [round(chance.uniform(40, 60), 2) for _ in range(239)] + [9_000.5]
    rows = [
        f"2026-01-{1 + n % 28:02},{('North', 'South', 'West')[n % 3]},{due}"
        for n, due in enumerate(dues)
    ]
    path.write_text("day,berth,dues\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return dues


def sign_in(page: Page, site: Site) -> None:
    """By the printed link, and from then on by the cookie it gave."""
    if site.session:
        cookie = site.session
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": site.url}])
        page.goto(site.url)
    else:
        page.goto(site.link())
        site.session = next(c["value"] for c in page.context.cookies() if c["name"] == "sessionid")
    expect(page.get_by_role("heading", name="Groups")).to_be_visible()


def start_run(page: Page, site: Site, group: str, file: Path | None = None) -> None:
    page.goto(f"{site.url}/groups/{group}/")
    page.get_by_label(f"What should {group} do?").fill(TASK)
    if file:
        page.locator("input[type=file]").set_input_files(file)
        expect(page.locator(".file-chip-name")).to_have_text(file.name)
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))


def server_run(page: Page, site: Site) -> dict[str, Any]:
    """The run on the page, as the API tells it."""
    run_id = page.url.split("?")[0].rstrip("/").rsplit("/", 1)[1]
    found: dict[str, Any] = page.request.get(f"{site.url}/api/v1/runs/{run_id}/").json()
    return found


def test_from_the_link_to_a_report_that_is_right(page: Page, site: Site, tmp_path: Path) -> None:
    dues = write_csv(tmp_path / "dues.csv")
    sign_in(page, site)
    # Other journeys of the same site may have made groups of their own.
    for group in ("DataPipeline", "DevTeam", "SupportTeam"):
        expect(page.locator(f"#group-{group}")).to_be_visible()
    page.locator("#group-DataPipeline").get_by_role("link", name="DataPipeline", exact=True).click()
    start_run(page, site, "DataPipeline", tmp_path / "dues.csv")

    # The plan stands, and several workers are at it at once.
    badge = page.locator("run-header .badge")
    page.get_by_role("tab", name="Timeline").click()
    expect(page.locator(".lane[data-kind=work]")).to_have_count(4)
    expect(page.locator("live-dot[data-state=open]").first).to_be_visible()
    expect(badge).to_have_attribute("data-status", "completed", timeout=90_000)
    # Whoever has chosen a view stays with it, and is shown that the report is there.
    expect(page.get_by_role("tab", name="Timeline")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tab", name="Report")).to_have_class(re.compile("has-news"))

    # The log on the page is the log of the server, to the last event.
    run = server_run(page, site)
    expect(page.locator("run-log [data-ref=count]")).to_have_text(f"{run['last_seq']:,}")
    page.get_by_role("tab", name="Story").click()
    expect(page.locator("story-turn[data-kind=work][data-status=completed]")).to_have_count(4)

    # The report's figures, computed here once more.
    page.get_by_role("tab", name="Report").click()
    report = page.locator("run-result .prose")
    expect(report.locator("h1, h2").first).to_be_visible()
    text = (report.text_content() or "").replace(",", "")
    assert f"{sum(dues):.2f}".rstrip("0").rstrip(".") in text
    assert f"{statistics.median(dues):.3f}".rstrip("0").rstrip(".")[:5] in text
    assert "9000.5" in text
    for berth in ("North", "South", "West"):
        total = sum(due for n, due in enumerate(dues) if ("North", "South", "West")[n % 3] == berth)
        assert f"{total:.2f}".rstrip("0").rstrip(".") in text
    # Reloaded, the same log tells the same, and nothing moves when it comes.
    expect(page).to_have_url(re.compile("view=report"))  # written a moment after it was chosen
    page.add_init_script(SHIFTS)
    page.reload()
    expect(badge).to_have_attribute("data-status", "completed")
    expect(report.locator("table").first).to_be_visible()
    assert page.evaluate("window.shifted") == []


def test_approving_pausing_and_cancelling(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.goto(f"{site.url}/groups/DevTeam/")
    page.get_by_label("What should DevTeam do?").fill("- Sketch the login page\n- Write the API")
    page.get_by_label("Let me approve the plan first").check()
    page.get_by_role("button", name="Run", exact=True).click()

    badge = page.locator("run-header .badge")
    expect(badge).to_have_attribute("data-status", "awaiting_approval")
    titles = page.locator(".plan-edit-row .field-title input")
    expect(titles).to_have_count(2)
    titles.first.fill("")
    page.get_by_role("button", name="Save and approve").click()
    expect(page.locator(".field-title .field-error").first).to_be_visible()
    titles.first.fill("Sketch the harbour page")
    page.get_by_role("button", name="Remove subtask 2").click()
    page.get_by_role("button", name="Save and approve").click()
    page.get_by_role("tab", name="Timeline").click()
    expect(page.locator(".lane[data-kind=work] .lane-title")).to_have_text(
        ["Sketch the harbour page"]
    )
    expect(badge).to_have_attribute("data-status", "completed", timeout=60_000)
    expect(page.get_by_role("link", name="Run again")).to_be_visible()
    page.get_by_role("tab", name="Story").click()
    expect(page.locator(".story-plan-item")).to_have_text(["Sketch the harbour page"])
    expect(page.locator(".story-note", has_text="Plan approved by admin")).to_contain_text(
        "1 subtask changed: Sketch the harbour page · 1 subtask removed"
    )


def test_a_connection_that_loses_frames_and_breaks_costs_nothing(page: Page, site: Site) -> None:
    lost: list[int] = []
    sockets: list[WebSocketRoute] = []

    def unreliable(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        if "/runs/" not in page.url:
            return
        sockets.append(socket)
        first, frames = len(sockets) == 1, 0

        def forward(message: str | bytes) -> None:
            nonlocal frames
            frames += 1
            if first and frames in {4, 7}:
                lost.append(frames)
            elif first and frames == 12:
                socket.close(code=1011)
                server.close()
            else:
                socket.send(message)

        server.on_message(forward)

    page.route_web_socket("**/ws/v1/live/", unreliable)
    sign_in(page, site)
    start_run(page, site, group="SupportTeam")
    expect(page.locator("run-header .badge")).to_have_attribute(
        "data-status", "completed", timeout=60_000
    )
    assert lost and len(sockets) > 1
    last = server_run(page, site)["last_seq"]
    expect(page.locator("run-log [data-ref=count]")).to_have_text(f"{last:,}")
