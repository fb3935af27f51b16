"""Every page of the dashboard, derived from its addresses, so that none that comes can be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.browser.looks.demo import GROUP, Demo

#: Pages that look different by what they show: name -> address, filled from the demo.
VARIANTS: Final = {
    "group-empty": "/groups/Quay/",
    "run-crew": "/runs/{run-crew}/",
    "run-approval": "/runs/{run-approval}/",
    "run-waiting": "/runs/{run-waiting}/",
    "run-failed": "/runs/{run-failed}/",
    "run-votes": "/runs/{run-votes}/",
    "run-timeline": "/runs/{run-crew}/?view=timeline",
    "run-graph": "/runs/{run-crew}/?view=graph",
    "run-log": "/runs/{run-crew}/?view=log",
    "compare": "/runs/compare/?a={run-crew}&b={run-failed}",
    "states-global": "/states/",
    "state_diff": f"/groups/{GROUP}/states/diff/plan/spring/?old=1&new=3",
    "not-found": "/no/such/page/",
}


#: For pages that are looked at: colours on their way from one theme to the other are neither.
STILL: Final = """addEventListener("DOMContentLoaded", () => {
  const style = document.createElement("style");
  style.textContent = "* { transition: none !important; animation: none !important }";
  document.head.append(style);
})"""


def named(
    patterns: list[URLPattern | URLResolver], given: frozenset[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    """(name, parameters) of every address below, those of included ones too."""
    for pattern in patterns:
        found = given | frozenset(pattern.pattern.converters)
        if isinstance(pattern, URLResolver):
            if "space" in pattern.default_kwargs:
                continue  # the same pages again, for the states of the installation
            yield from named(pattern.url_patterns, found)
        elif pattern.name:
            yield pattern.name, found


def addresses(demo: Demo) -> dict[str, str]:
    """Name -> address of all that the dashboard answers to. Raises KeyError for a parameter unknown to the demo."""
    found = {
        name: reverse(f"groups:{name}", kwargs={p: demo.params[p] for p in sorted(parameters)})
        for name, parameters in named(get_resolver("groups.urls").url_patterns, frozenset())
    }
    variants = {name: address.format(**demo.runs) for name, address in VARIANTS.items()}
    return {**found, **variants}


def pages(demo: Demo) -> dict[str, str]:
    """Those that are whole pages: a GET gives a document, neither a fragment nor a way to another page."""
    found, refused = {}, {}
    for name, address in addresses(demo).items():
        answer = demo.client.get(address)
        headers = answer.headers
        if answer.history or "text/html" not in headers["content-type"]:
            continue
        if not answer.is_success and name != "not-found":
            refused[name] = answer.status_code
        elif "content-disposition" not in headers and answer.text.lstrip().startswith(
            "<!doctype html>"
        ):
            found[name] = address
    assert not refused, refused
    return found
