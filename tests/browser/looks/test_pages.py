"""One walk over all pages: axe finds nothing serious, keys get everywhere, Chinese is Chinese, phones fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from groups.services import seed
from tests.browser.conftest import Site
from tests.browser.looks.demo import CREW, Demo
from tests.browser.looks.keyboard import tab_through, unreached
from tests.browser.looks.walk import STILL, pages
from tests.browser.looks.words import CHINESE
from tests.js.node import HERE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

WIDE: Final[ViewportSize] = {"width": 1280, "height": 900}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
AXE: Final = HERE.parent.parent / "node_modules" / "axe-core" / "axe.min.js"
#: What axe finds under a theme. In the dark only colours can be other than in the light.
FAULTS: Final = """async (theme) => {
  document.documentElement.dataset.theme = theme;
  const rules = theme === "dark" ? {runOnly: ["color-contrast"]} : {};
  const found = await axe.run(document, {resultTypes: ["violations"], ...rules});
  return found.violations
    .filter(({impact, id}) => ["serious", "critical"].includes(impact) || id === "page-has-heading-one")
    // What is drawn beside a star is a legend, not its name; the rule is an experiment of axe's.
    .map((each) => each.id === "label-content-name-mismatch"
      ? {...each, nodes: each.nodes.filter(({html}) => !html.startsWith("<g "))} : each)
    .flatMap(({id, nodes}) =>
      nodes.map(({html, any}) => [theme, id, html.slice(0, 200), any[0]?.message ?? ""].join(" | ")));
}"""
#: Words in Latin letters that a person sees, hovers over or hears. What agents and people wrote, and code, is theirs.
LATIN: Final = """() => {
  const code = "code, pre, textarea, script, style, noscript, template";
  const theirs = `${code}, [lang=en], [translate=no], .prose, .agent-name, .avatar`;
  const words = new Set();
  const take = (text) => {
    const known = text.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|https?:\\S+/g, " ");
    for (const [word] of known.matchAll(/[A-Za-z][A-Za-z'-]+/g)) words.add(word);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest(theirs)) take(walker.currentNode.data);
  }
  for (const element of document.querySelectorAll("[title], [aria-label], [placeholder], [alt]")) {
    if (element.closest(theirs)) continue;
    for (const name of ["title", "aria-label", "placeholder", "alt"]) take(element.getAttribute(name) ?? "");
  }
  take(document.title);
  return [...words];
}"""
#: How wide the page is on a phone, and what stands out of it.
WIDTH: Final = """() => {
  const wide = document.documentElement.scrollWidth;
  const sticks = (each) => each.getBoundingClientRect().right > innerWidth + 1;
  const out = [...document.querySelectorAll("main *")].filter(sticks);
  return wide > innerWidth ? [`${wide} px`, ...out.slice(0, 4).map(({outerHTML}) => outerHTML.slice(0, 120))] : [];
}"""
#: Links and buttons that a phone's reader could not say: their words are there on wider windows only.
NAMELESS: Final = """() => [...document.querySelectorAll("a[href], button, summary")]
  .filter((each) => each.checkVisibility() && !each.closest("[aria-hidden=true]"))
  .filter((each) => !(each.ariaLabel ?? each.getAttribute("aria-labelledby") ?? "") && !each.innerText.trim()
    && !each.title && !each.querySelector("[role=img][aria-label], img[alt], svg title"))
  .map((each) => `no name: ${each.outerHTML.slice(0, 160)}`)"""
#: Pages through which Tab is pressed from the first stop to the last; one of each kind.
TABBED: Final = ("home", "group", "run-approval", "state", "conflict", "settings")
WORD: Final = re.compile(r"[A-Za-z][A-Za-z'-]+")
#: Names, units, keys, ids of the demo, and what is written in Latin letters in Chinese as well.
NAMES: Final = """
    Stars admin Harbour Quay DevTeam DataPipeline SupportTeam English laptop library decides
    API REST JSON CSV TSV NDJSON Parquet Markdown HTML JavaScript SQL Redis Webhook Web Prometheus Schema
    ID URL HTTP HTTPS SSE MCP A2A AG-UI LLM OpenAI Anthropic Google Ollama Token Tokens UTC UTF-8 webhook
    KB MB GB TB ms min USD Ctrl Esc Enter Shift Tab Alt Cmd Home End Space
    plan spring title owner berths north south crew notes weather harbours dues csv run
"""
#: What the built-in agents say in their reports and plans; they speak English.
REPORTS: Final = (
    "Findings Found found by comma separated has failure Scripted Context Rule-based rule-based list items one each "
    "subtask subtasks single step task This adds its own judgement no repeats workers"
)
#: What pages show of code: names of tools and skills, ids, policies, addresses as examples.
CODE: Final = {
    "home": f"{REPORTS} config system",
    "compare": REPORTS,
    "run-approval": REPORTS,
    "run-crew": REPORTS,
    "run-failed": REPORTS,
    "agent_new": "digest leader agents docs md",
    "agent_settings": "digest leader agents docs md",
    "agents": "digest leader",
    "agent_tools": "ask attachment calculator create example fetch list mcp merge message org person query send "
    "state web write",
    "connections": "spaces sync ws",
    "metrics": "metrics vm",
    "state_new": "plans x-stars-merge",
    "state_policy": "ada append atomic budget counter delete granular human leader map max merge min modify night "
    "park prefer role set tag text x-stars-merge Wes Wim id stock",
    "states-global": "config Configuration system",
    "tokens": "Authorization Bearer",
    "tool_server": "example mcp null org https",
    "tool_server_new": "example mcp null org https",
    "tool_servers": "example mcp org https tools",
}
#: Pages of one template and the same words as another: they need no second look. The styleguide names classes.
SAME: Final = frozenset(
    {"run", "run-votes", "run-waiting", "run-timeline", "run-log", "group-empty", "styleguide"}
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A site of its own, whose people and agents write Chinese."""
    site = Site(tmp_path_factory.mktemp("looks") / "data")
    try:
        with Demo(site, CHINESE) as made:
            yield made.make()
    finally:
        site.stop()


def known(demo: Demo) -> set[str]:
    """The words in Latin letters that the demo and the examples that come with Stars put on pages."""
    told = [
        NAMES,
        *CHINESE.names,
        *CHINESE.names.values(),
        *(tag for *_, tags, _ in CREW for tag in tags),
    ]
    told += [f"{scene.group_id} {scene.description}" for scene in seed.SCENES] + [seed.TASK]
    told += [
        " ".join((p.agent_id, p.name, p.description, *p.tags))
        for scene in seed.SCENES
        for p in scene.cast
    ]
    return {word for text in told for word in WORD.findall(text)} | {*demo.params.values()}


def look(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_function(
        "!document.querySelector('run-header') || document.querySelector('run-header .badge[data-status] span')"
    )


def test_every_page(demo: Demo, chromium: Browser) -> None:
    walk = pages(demo)
    assert len(walk) > 40
    session, url = demo.site.session, demo.site.url
    # The policy of our pages lets nobody in, axe not either.
    context = chromium.new_context(viewport=WIDE, bypass_csp=True, reduced_motion="reduce")
    context.add_init_script(STILL)
    page = context.new_page()
    axe = AXE.read_text()
    findings: dict[str, list[str]] = {}
    # Whoever has not signed in sees one page.
    for name, address in {"login": "/login/", **walk}.items():
        look(page, url + address)
        beyond = unreached(page)
        page.evaluate(axe)
        faults = [*page.evaluate(FAULTS, "light"), *page.evaluate(FAULTS, "dark")]
        findings[name] = [*beyond, *faults]
        if name == "login":
            context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
    context.add_cookies([{"name": "django_language", "value": "zh-hans", "url": url}])
    page.set_viewport_size(PHONE)
    allowed = known(demo)
    for name, address in walk.items():
        if name in SAME:
            continue
        look(page, url + address)
        words = set(page.evaluate(LATIN)) - allowed - set(CODE.get(name, "").split())
        findings[f"{name} in Chinese"] = sorted(words)
        findings[f"{name} on a phone"] = [*page.evaluate(WIDTH), *page.evaluate(NAMELESS)]
    context.close()
    assert {name: found for name, found in findings.items() if found} == {}


def test_tab_goes_through_whole_pages_and_is_seen_all_the_way(
    demo: Demo, chromium: Browser
) -> None:
    context = chromium.new_context(viewport=WIDE, bypass_csp=True, reduced_motion="reduce")
    context.add_init_script(STILL)
    context.add_cookies([{"name": "sessionid", "value": demo.site.session, "url": demo.site.url}])
    page = context.new_page()
    walk = pages(demo)
    findings = {}
    for name in TABBED:
        look(page, demo.site.url + walk[name])
        page.wait_for_load_state("networkidle")
        findings[name] = tab_through(page)
    context.close()
    assert {name: found for name, found in findings.items() if found} == {}


def test_the_looks_at_the_keyboard_see_what_is_wrong(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content("""<style>.point {cursor: pointer} button:focus {outline: none}</style>
        <a href="#here">fine</a> <span class="point">click</span> <b role="button">press</b>
        <div role="tablist"><button role="tab">one</button><button role="tab">two</button></div>
        <label class="point"><input type="checkbox">fine as well</label> <i tabindex="2">first</i>""")
    assert [each.partition(" <")[0] for each in unreached(page)] == [
        "only a pointer uses",
        "no key gets to",
        "2 stops in",
        "out of order:",
    ]
    assert [each.partition(" <")[0] for each in tab_through(page)].count(
        "no focus to be seen:"
    ) == 2
    page.set_content("""<a href="#">in</a><input id="trap"><a href="#">out</a>""")
    page.evaluate("() => { trap.onkeydown = (event) => event.preventDefault(); }")
    found = tab_through(page)
    assert found[0].startswith("holds the focus: <input"), found
    assert found[-1] == "Tab never leaves the page, which has 3 stops"
    page.close()
