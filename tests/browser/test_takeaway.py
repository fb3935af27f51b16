"""A run that failed says what likely went wrong, is taken away as a file, and opened again without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_journey import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

REFUSED = "The model 'tide-1' refused the key (HTTP 401): check the secret api_key."
PLAN = [
    {"key": "count", "title": "Count the ships", "assignee": "away-wim"},
    {"key": "ask", "title": "Ask the provider", "assignee": "away-tess"},
]
SCRIPTS: dict[str, dict[str, Any]] = {
    "away-lena": {"kinds": ["plan"], "plan": PLAN},
    "away-wim": {"reply": "**Seven** ships came in."},
    "away-tess": {"fail": REFUSED},
}
#: What somebody put into a file in the place of a result.
HOSTILE = """<h2 onclick="caught=1" style="position:fixed" id="run-file">Seven
<a href="javascript:caught=1">link</a></h2><script>caught=1</script><style>*{display:none}</style>
<img src=x onerror="caught=1"><iframe srcdoc="<script>parent.caught=1</script>"></iframe>
<form action="//evil.example"><svg onload="caught=1"><math><mtext><table><mglyph><style><!--</style>
<img title="--&gt;&lt;img src=1 onerror=caught=1&gt;">"""


def start(page: Page, site: Site) -> str:
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}

    def post(path: str, data: dict[str, Any]) -> dict[str, Any]:
        headers = {"X-CSRFToken": cookies["csrftoken"]}
        answer = page.request.post(f"{site.url}/api/v1/{path}", data=data, headers=headers)
        assert answer.ok, answer.text()
        made: dict[str, Any] = answer.json()
        return made

    post("groups/", {"id": "Away", "name": "Away"})
    for agent, script in SCRIPTS.items():
        role, skill = ("leader", "leader") if agent == "away-lena" else ("worker", "digest")
        config = {"skill": skill, "script": script}
        post("agents/", {"agent_id": agent, "name": agent, "kind": "builtin", "config": config})
        post("groups/Away/members/", {"agent_id": agent, "role": role})
    return str(post("groups/Away/runs/", {"task": "Look at the harbour"})["id"])


def test_a_run_is_taken_away_and_opened_again(page: Page, site: Site, tmp_path: Path) -> None:
    sign_in(page, site)
    page.goto(f"{site.url}/runs/{start(page, site)}/")
    expect(page.locator("run-header .badge")).to_have_attribute(
        "data-status", "completed", timeout=60_000
    )
    cause = page.locator("run-causes .cause")
    expect(cause).to_have_count(1)
    expect(cause).to_contain_text("The provider refused the agent's key.")
    expect(cause.get_by_role("link", name="Open away-tess")).to_have_attribute(
        "href", "/agents/away-tess/"
    )
    expect(page.locator("[data-ref=stop]")).to_have_text("done, but for 1 subtask")

    taken: dict[str, Path] = {}
    for name in ("Report", "JSON"):
        page.get_by_text("Download", exact=True).click()
        with page.expect_download() as download:
            page.locator(".run-download a", has_text=name).click()
        taken[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(taken[name])
        expect(page.locator(".run-download")).not_to_have_attribute("open", "")
    page.get_by_text("Download", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.locator(".run-download")).not_to_have_attribute("open", "")
    told = json.loads(taken["JSON"].read_text())
    assert told["run"]["status"] == "completed"

    # The report stands by itself.
    page.goto(taken["Report"].as_uri())
    expect(page.get_by_role("heading", name="Count the ships", exact=True)).to_be_visible()
    expect(page.locator("strong", has_text="Seven").first).to_be_visible()

    # The page that opens files needs no server any more once it is there.
    page.goto(f"{site.url}/runs/import/")
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    broken = taken["JSON"].read_text()[:200].encode()
    chosen = page.locator("#run-file")
    chosen.set_input_files({"name": "half.json", "mimeType": "", "buffer": broken})
    expect(page.get_by_role("alert").filter(has_text="not all of it")).to_be_visible()
    chosen.set_input_files(taken["JSON"])
    expect(page.locator("run-header .badge")).to_have_attribute("data-status", "completed")
    expect(page.locator("run-causes .cause")).to_have_count(1)
    expect(page.locator("run-log [data-ref=count]")).to_have_text(f"{len(told['events'])}")
    # As on its own page, the report opens by itself.
    expect(page.locator("run-result strong", has_text="Seven").first).to_be_visible()
    page.get_by_role("tab", name="Story").click()
    story = page.locator("run-story")
    expect(story.locator(".turn-result strong").first).to_have_text("Seven")
    facts = page.locator("run-header .facts")
    expect(facts.locator("[data-ref=by]")).to_have_text("admin")
    expect(facts.locator("[data-ref=mode]")).to_have_text("Leader and workers")
    expect(facts.locator("[data-ref=started]")).not_to_be_empty()
    page.get_by_role("tab", name="Report").click()
    report = page.locator("run-result [data-ref=box]")
    expect(report.locator("li").first).to_be_visible()
    page.get_by_role("tab", name="Timeline").click()
    expect(page.locator("run-timeline")).to_contain_text("Ask the provider")
    page.get_by_role("button", name="One event back").click()
    expect(page.locator("run-header .badge")).not_to_have_attribute("data-status", "completed")
    # The graph comes with the file; whoever was without the server then gets it once the server is back.
    page.get_by_role("tab", name="Graph").click()
    expect(page.get_by_role("alert").filter(has_text="did not answer")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("tab", name="Story").click()
    page.get_by_role("tab", name="Graph").click()
    expect(page.locator("run-graph")).to_contain_text("Count the ships")

    # Whoever changed the file gets no further than text; in a tab of its own, for the browser says what it refuses.
    told["rendered"]["subtasks"] = dict.fromkeys(told["rendered"]["subtasks"], HOSTILE)
    tab = page.context.new_page()
    tab.goto(f"{site.url}/runs/import/")
    hostile = json.dumps(told).encode()
    tab.locator("#run-file").set_input_files(
        {"name": "run.json", "mimeType": "", "buffer": hostile}
    )
    tab.get_by_role("tab", name="Story").click()
    result = tab.locator("run-story .turn-result").first
    expect(result.locator("h2")).to_have_text("Seven link")
    names = result.evaluate("at => [...at.querySelectorAll('*')].map(one => one.localName)")
    assert set(names) <= {"h2", "div", "table"}
    given = result.evaluate(
        "at => [...at.querySelectorAll('*')].flatMap(one => one.getAttributeNames())"
    )
    assert set(given) <= {"class", "tabindex"}
    assert tab.evaluate("window.caught") is None
