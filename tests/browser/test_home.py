"""The home page, kept open: what happens elsewhere comes to it; and the styleguide, in both themes."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.shifts import SHIFTS
from tests.browser.test_journey import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

#: Come back when nothing is changing any more; what goes round and round is not waited for.
SETTLED: Final = """() => Promise.all(
  document.getAnimations()
    .filter((each) => each.effect.getComputedTiming().endTime !== Infinity)
    .map((each) => each.finished.catch(() => null))
).then(() => document.getAnimations().filter((each) => each.playState === "running").length)"""
#: Texts with less than 4.5:1 on what is painted behind them; colours are read back from a canvas, as they are painted.
POOR: Final = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (colour) => {
    if (!known.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
  const behind = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3]) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const poor = [];
  let seen = 0;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !node.checkVisibility({ visibilityProperty: true })) continue;
    if (node.closest(".visually-hidden, script, style, .skip, noscript")) continue;
    const ground = behind(node);
    const ink = over(rgba(getComputedStyle(node).color), ground);
    const [dark, bright] = [luminance(ink), luminance(ground)].sort((a, b) => a - b);
    const contrast = (bright + 0.05) / (dark + 0.05);
    seen += 1;
    const text = texts.currentNode.data.trim().slice(0, 40);
    if (contrast < 4.5) poor.push(`${text}: ${contrast.toFixed(2)} (${node.className})`);
  }
  return { seen, poor };
}"""


def elsewhere(page: Page, site: Site, path: str, **body: object) -> Any:
    """What a program does by REST, and not this page."""
    [token] = (c["value"] for c in page.context.cookies() if c["name"] == "csrftoken")
    answer = page.request.post(
        f"{site.url}/api/v1/{path}", data=body, headers={"X-CSRFToken": token, "Referer": site.url}
    )
    assert answer.ok, answer.text()
    return answer.json()


def test_what_happens_elsewhere_comes_to_the_page_that_is_open(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.evaluate("window.unloaded = true")
    search = page.get_by_label("Search groups")
    search.fill("devt")
    expect(page.locator(".group-card")).to_have_count(1)
    assert page.url.endswith("/?q=devt")
    task = "Count the stars\n- of the plough\n- of the swan"
    run = elsewhere(page, site, "groups/DevTeam/runs/", task=task, approve_plan=True)["id"]
    expect(page.locator(f"#running-{run}")).to_be_visible()
    expect(page.locator(f"#running-{run} elapsed-time")).to_have_text(re.compile(r"\d"))
    expect(page.locator("#home-needs")).to_contain_text("Approve the plan")
    # What is being typed goes on: the box has kept focus, text and cursor.
    expect(search).to_be_focused()
    page.keyboard.type("eam")
    expect(search).to_have_value("devteam")
    elsewhere(page, site, f"runs/{run}/approve/")
    ended = page.locator(f'.activity a[href="/runs/{run}/"]').first
    expect(ended).to_be_visible()
    expect(page.locator(f"#running-{run}")).to_have_count(0, timeout=60_000)
    expect(page.locator("#home-activity .activity-line").first).to_contain_text("Completed:")
    expect(page.locator("#group-DevTeam .group-card-gist")).not_to_be_empty()
    expect(search).to_be_focused()
    assert page.evaluate("window.unloaded") is True

    search.fill("no such group")
    expect(page.get_by_text("No group is like that")).to_be_visible()
    search.fill("")
    expect(page.locator("#group-DataPipeline")).to_be_visible()
    page.get_by_label("Order").select_option("name")
    expect(page).to_have_url(re.compile(r"\?order=name$"))


def test_health_is_told_by_the_processes_themselves(page: Page, site: Site) -> None:
    sign_in(page, site)
    health = page.locator("#home-health")
    expect(health).to_have_attribute("data-level", "good", timeout=20_000)
    expect(health).to_contain_text(re.compile(r"1 alive, \d+ of 64 slots taken"))
    expect(health.locator("beat-age")).to_be_visible()
    found: dict[str, Any] = page.request.get(f"{site.url}/api/v1/health/").json()
    assert [each["kind"] for each in found["processes"]] == ["web", "worker"]
    assert (found["standing"], found["embedded"], found["workers"]["slots"]) == ("good", True, 64)


def test_the_styleguide_can_be_read_in_both_themes_and_stands_still(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.add_init_script(SHIFTS)
    pictures = []
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{site.url}/styleguide/")
        assert page.evaluate("window.shifted") == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(reduced_motion="reduce")
    for theme in ("light", "dark"):
        for _ in range(3):
            if page.evaluate("document.documentElement.dataset.theme") == theme:
                break
            page.locator("theme-toggle button").click()
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == theme
        # Colours change within no time where motion is not wanted, and nothing goes round and round.
        assert page.evaluate(SETTLED) == 0
        found = page.evaluate(POOR)
        assert found["seen"] > 400
        assert found["poor"] == []
        pictures.append(page.screenshot())
    assert pictures[0] != pictures[1] and min(map(len, pictures)) > 30_000


def test_the_home_page_stands_still_and_can_be_read(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.add_init_script(SHIFTS)
    page.emulate_media(reduced_motion="reduce")
    themes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for theme in themes:
        page.emulate_media(color_scheme=theme)
        page.goto(site.url)
        expect(page.locator("live-dot[data-state=open]")).to_be_visible()
        assert page.evaluate("window.shifted") == []
        assert page.evaluate(POOR)["poor"] == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(site.url)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
