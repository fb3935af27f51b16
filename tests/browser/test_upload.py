"""Files given with a task: dropped, watched on their way, stopped, left out and refused; and nothing is lost."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Site
from tests.browser.test_journey import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

TASK = "1. Describe the table"
#: Files out of nothing: a table of so many rows, a text under a name that is not accepted.
FILES = """(rows) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File(["day,dues\\n", "2026-01-01,50.00\\n".repeat(rows)], "dues.csv"));
  transfer.items.add(new File(["MZ"], "crane.exe"));
  return transfer;
}"""


def test_files_are_dropped_stopped_refused_and_sent(chromium: Browser, site: Site) -> None:
    # htmx writes of what is stopped or refused into the console, which the common page would take for a fault.
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(15_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    sign_in(page, site)
    page.goto(f"{site.url}/groups/DataPipeline/")
    box = page.locator("#run-box")
    task = box.get_by_label("What should DataPipeline do?")
    task.fill(TASK)
    chips = box.locator(".file-chip")

    # What is too large is left out before a byte is sent, and said.
    box.locator("drop-files").evaluate("each => each.dataset.most = 1024 * 1024")
    files = page.evaluate_handle(FILES, 80_000)
    box.dispatch_event("dragenter", {"dataTransfer": files})
    expect(box).to_have_class(re.compile("is-dropping"))
    box.dispatch_event("drop", {"dataTransfer": files})
    expect(box).not_to_have_class(re.compile("is-dropping"))
    expect(box.get_by_role("alert")).to_have_text(
        "dues.csv is larger than 1.0 MB, and was left out."
    )
    expect(chips).to_have_text([re.compile("crane.exe")])
    box.locator("drop-files").evaluate("each => each.dataset.most = 64 * 1024 * 1024")
    box.dispatch_event("drop", {"dataTransfer": files})
    expect(chips).to_have_count(2)
    expect(box.get_by_role("alert")).to_be_hidden()

    # On a slow line one sees how far it is, and can stop it: nothing was started, all is still there.
    line = context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", slow)
    run = box.get_by_role("button", name="Run", exact=True)
    run.click()
    expect(box.get_by_role("progressbar", name="Sending the files")).to_be_visible()
    expect(box.locator("upload-progress")).to_contain_text(re.compile(r"[KM]?B of 1\.3 MB sent"))
    expect(run).to_be_disabled()
    box.get_by_role("button", name="Cancel").click()
    expect(box.get_by_role("progressbar")).to_be_hidden()
    expect(page.get_by_text("Sending was stopped; nothing was started.")).to_be_visible()
    expect(run).to_be_enabled()
    expect(task).to_be_focused()
    expect(task).to_have_value(TASK)
    expect(chips).to_have_count(2)
    runs = page.request.get(f"{site.url}/api/v1/groups/DataPipeline/runs/?q=Describe+the+table")
    assert TASK not in [each["task"] for each in runs.json()["results"]]

    # What the server refuses is said beside the files; without it the rest goes its way.
    line.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    run.click()
    expect(box.get_by_role("alert")).to_contain_text("crane.exe: only these types can be read")
    expect(task).to_have_value(TASK)
    expect(chips).to_have_count(2)
    box.get_by_role("button", name="Remove crane.exe").click()
    run.click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
    expect(page.locator("run-header")).to_contain_text("dues.csv")
    assert faults == []
    context.close()
