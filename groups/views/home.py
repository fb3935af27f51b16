"""The home page: what needs the person, what runs, all groups, how the installation stands, and who did what."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from groups import live
from groups.forms.home import WantedForm
from groups.overview import activity, cards, health, needs, running, welcome
from groups.services import seed
from groups.services import seen as service
from groups.views.inbox import entries_of
from groups.views.shell import Request, goes_to, page

#: Things that need somebody, of each kind; the rest is in the inbox.
NEEDS_SHOWN = 3


@page()
def home(request: Request) -> HttpResponse:
    """Everything; `?q=`, `only`, `order` and `shown` choose the groups."""
    context = _everything(request) | {"topics": live.DASHBOARD}
    return render(request, "home/page.html", context)


@page()
def parts(request: Request) -> HttpResponse:
    """What changes, for a page that heard a poke."""
    return render(request, "home/partials/parts.html", _everything(request))


@page("POST")
def put_aside(request: Request) -> HttpResponse:
    """Failures until now are known (`what=failures`), or the welcome has been read (`what=welcome`)."""
    what = request.POST.get("what", "")
    if what in ("failures", "welcome"):
        service.put_aside(actor=request.user, **{what: True})
    return goes_to(request, "groups:inbox" if request.POST.get("at") == "inbox" else "groups:home")


@page("POST")
def demo(request: Request) -> HttpResponse:
    """Start the example run, and go where it can be watched."""
    return goes_to(request, "groups:run", seed.start_demo(actor=request.user).id)


def _everything(request: Request) -> dict[str, Any]:
    seen = welcome.seen_by(request.user)
    form = WantedForm(request.GET)
    wanted = form.wanted()
    need = needs.needs_of(request.user, seen)
    return {
        "form": form,
        "wanted": wanted,
        "needs": need,
        "entries": entries_of(need.items[:NEEDS_SHOWN]),
        "more_needs": sum(max(0, len(part) - NEEDS_SHOWN) for part in need),
        "needs_shown": NEEDS_SHOWN,
        "running": running.running(request.user),
        "cards": cards.cards(request.user, wanted, need.by_group()),
        "more": wanted.shown + cards.STEP,
        "health": health.health(),
        "activity": activity.activity(request.user),
        "welcome": welcome.welcome(request.user, seen),
    }
