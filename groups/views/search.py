"""The page of a search, which needs no script; the palette asks REST for the same."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from groups.search import FEW, LAST_PAGE, MANY, Kind, path_of, search, words_of
from groups.views.shell import Request, page

TITLES: Final[dict[Kind, Any]] = {
    Kind.GROUPS: _("Groups"),
    Kind.AGENTS: _("Agents"),
    Kind.RUNS: _("Runs"),
    Kind.STATES: _("States"),
    Kind.MESSAGES: _("Messages"),
}


@page()
def results(request: Request) -> HttpResponse:
    """What was found for `?q=`, the first of every kind, or with `kind` page by page."""
    query = request.GET.get("q", "").strip()
    chosen = request.GET.get("kind", "")
    one = chosen in set(Kind)
    number = request.GET.get("page", "1")
    known = number.isascii() and number.isdigit() and len(number) < 9
    at = max(1, min(int(number), LAST_PAGE)) if known else 1
    found = search(
        request.user,
        query,
        kinds=(Kind(chosen),) if one else tuple(Kind),
        page=at if one else 1,
        size=MANY if one else FEW,
    )
    parts = [
        {
            "kind": kind.value,
            "title": TITLES[kind],
            "hits": [(hit, path_of(hit)) for hit in hits.hits],
            "more": hits.more,
        }
        for kind, hits in found.items()
        if hits.hits
    ]
    context = {
        "query": query,
        "words": words_of(query),
        "parts": parts,
        "kinds": [(kind.value, TITLES[kind]) for kind in Kind],
        "chosen": chosen if one else "",
        "at": at,
        "next": at + 1,
        "previous": at - 1 if one else 0,
    }
    return render(request, "search/page.html", context)
