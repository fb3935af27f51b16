"""Taking a run away as a file, and looking at such a file again."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext

from groups import access
from groups.downloads import Made
from groups.execution.modes import MODES
from groups.takeaway import take
from groups.views.shell import Request, page


@page()
def export(request: Request, run_id: str) -> HttpResponseBase:
    """The run as a file; `?as=` html, markdown or json."""
    run = access.get_run(request.user, run_id)
    parcel = take(run, request.GET.get("as", "html"))
    return Made(parcel.pieces, filename=parcel.filename, content_type=parcel.content_type)


@page()
def offline(request: Request) -> HttpResponse:
    """The run page for a file: the browser reads it, nothing of it comes here."""
    modes = {name: gettext(mode.words) for name, mode in MODES.items()}
    return render(request, "runs/import.html", {"modes": modes})
