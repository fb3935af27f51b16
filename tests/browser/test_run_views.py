"""A run's views: they show one moment of one log, light up together what is looked at, and live in the address."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_journey import server_run, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

LIT = re.compile(r"\bis-lit\b")
PLAN = [
    {"key": "count", "title": "Count the ships", "assignee": "views-wim"},
    {"key": "tide", "title": "Measure the tide", "assignee": "views-ada"},
    {"key": "ask", "title": "Ask the master", "assignee": "views-bob"},
]
SCRIPTS: dict[str, dict[str, Any]] = {
    "views-lena": {"kinds": ["plan"], "plan": PLAN},
    "views-wim": {"reply": "Seven ships came in."},
    "views-ada": {"reply": "The tide is low.", "fail_times": 1},
    "views-bob": {"reply": "It was the {answer} berth.", "ask": "Which berth?"},
}


def start(page: Page, site: Site) -> str:
    """A run in which one tries again and one asks; its id."""
    headers = {
        "X-CSRFToken": next(
            cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken"
        )
    }

    def post(path: str, data: dict[str, Any]) -> dict[str, Any]:
        answer = page.request.post(f"{site.url}/api/v1/{path}", data=data, headers=headers)
        assert answer.ok, answer.text()
        made: dict[str, Any] = answer.json()
        return made

    post("groups/", {"id": "Views", "name": "Views"})
    for agent, script in SCRIPTS.items():
        skill = "leader" if agent.endswith("lena") else "digest"
        config = {"skill": skill, "script": script}
        post("agents/", {"agent_id": agent, "name": agent, "kind": "builtin", "config": config})
        role = "leader" if skill == "leader" else "worker"
        post("groups/Views/members/", {"agent_id": agent, "role": role})
    return str(post("groups/Views/runs/", {"task": "Look at the harbour"})["id"])


def test_one_log_four_views_and_any_moment_of_it(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.goto(f"{site.url}/runs/{start(page, site)}/")
    badge = page.locator("run-header .badge")
    story, log = page.locator("run-story"), page.locator("run-log")

    # The story: a failed try and the next one are turns; the question is answered where it stands.
    tide = story.locator("story-turn", has_text="Measure the tide")
    expect(tide).to_have_count(2)
    expect(tide.first).to_have_attribute("data-status", "retrying")
    asking = story.locator("story-turn", has_text="Ask the master")
    asking.get_by_role("textbox").fill("northern")
    asking.get_by_role("button", name="Answer").click()
    expect(badge).to_have_attribute("data-status", "completed", timeout=60_000)
    expect(asking.first.locator(".turn-answer")).to_have_text("admin: northern")
    last = server_run(page, site)["last_seq"]
    expect(log.locator("[data-ref=count]")).to_have_text(f"{last}")

    # What is chosen in one view is lit in the others.
    page.get_by_role("tab", name="Timeline").click()
    lane = page.locator(".lane", has_text="Measure the tide")
    expect(lane.locator(".bar[data-state=failed]")).to_have_text("1/3")
    expect(lane.locator(".bar[data-state=backoff]")).to_have_count(1)
    lane.get_by_role("button").click()
    expect(lane).to_have_class(LIT)
    expect(log.locator(".log-row.is-lit", has_text="views-ada").first).to_be_visible()
    page.keyboard.press("1")
    expect(tide.first).to_have_class(LIT)

    # The log finds by word, by the keyboard alone, and shows an event as it is.
    page.keyboard.press("l")
    page.keyboard.press("f")  # also from within the log
    page.keyboard.type("seven ships")
    expect(log.locator(".log-row").first).to_contain_text("Seven ships came in.")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(log.locator(".log-detail code")).to_contain_text('"text": "Seven ships came in."')

    # The past: everything is as it was just before the question was asked, and says that it is the past.
    asked = next(
        event["seq"]
        for event in page.request.get(
            f"{site.url}/api/v1/runs/{server_run(page, site)['id']}/events/?limit=500"
        ).json()["results"]
        if event["type"] == "subtask.waiting"
    )
    page.locator("run-replay input[type=range]").fill(str(asked - 1))
    expect(page.get_by_text("You see the past")).to_be_visible()
    expect(badge).to_have_attribute("data-status", "running")
    expect(asking).to_have_attribute("data-status", "running")
    expect(page.get_by_role("link", name="Run again")).to_be_hidden()
    page.keyboard.press(".")
    expect(asking).to_have_attribute("data-status", "waiting")
    expect(asking.get_by_role("textbox")).to_have_count(0)

    # The address says it all: reloaded, or opened by someone else, it shows the same.
    expect(page).to_have_url(re.compile(rf"at={asked}&q=seven"))
    page.reload()
    expect(asking).to_have_attribute("data-status", "waiting")
    expect(log.get_by_role("searchbox")).to_have_value("seven ships")
    expect(log.locator(".log-detail code")).to_contain_text('"text": "Seven ships came in."')

    # Played to its end, the film is the present again.
    page.get_by_label("Speed").select_option("20")
    page.get_by_role("button", name="Play the run as a film").click()
    expect(page.get_by_text("You see the past")).to_be_hidden()
    expect(badge).to_have_attribute("data-status", "completed")
    expect(page).not_to_have_url(re.compile(r"[?&]at="))
