"""Templates of runs: the run box filled with one, keeping what is in it, removing one."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import render

from groups import access, selectors
from groups.forms.runs import RunForm
from groups.models import Group, Level, RunTemplate
from groups.services import templates as service
from groups.views.boxes import run_box
from groups.views.shell import Request, attempt, goes_to, page


@page("GET", "HEAD", "POST")
def templates(request: Request, group_id: str) -> HttpResponse:
    """GET: the empty run box, or with `?part=list` the list alone.

    POST: keep the task and options of the run box under a name; answers with the box.
    """
    group = access.get_group(request.user, group_id, Level.OPERATOR)
    if request.method != "POST":
        return _list(request, group) if "part" in request.GET else _box(request, group, RunForm())
    form = RunForm(request.POST)
    kept: list[RunTemplate] = []

    def keep() -> None:
        name = form.cleaned_data["keep_as"]
        kept.append(service.create(actor=request.user, group=group, name=name, **form.settings()))

    return _answer(request, group, form, attempt(form, keep), kept)


@page("GET", "HEAD", "POST")
def template(request: Request, group_id: str, template_id: str) -> HttpResponse:
    """GET: the run box filled with the template. POST: change the template to what is in the box."""
    group = access.get_group(request.user, group_id, Level.OPERATOR)
    found = access.get_template(group, template_id)
    if request.method != "POST":
        return _box(request, group, RunForm(initial=RunForm.initial_of(found)), found)
    form = RunForm(request.POST)

    def change() -> None:
        name = form.cleaned_data["keep_as"]
        service.change(actor=request.user, template=found, name=name, **form.settings())

    return _answer(request, group, form, attempt(form, change), [found])


@page("POST")
def remove(request: Request, group_id: str, template_id: str) -> HttpResponse:
    """Forget the template; what is in the box stays. Answers with the list."""
    group = access.get_group(request.user, group_id, Level.OPERATOR)
    service.remove(actor=request.user, template=access.get_template(group, template_id))
    if not request.htmx:
        return goes_to(request, "groups:group", group.id)
    return _list(request, group)


def _list(request: Request, group: Group) -> HttpResponse:
    context = {"group": group, "templates": selectors.templates_of(group)}
    return render(request, "groups/partials/templates_list.html", context)


def _answer(
    request: Request,
    group: Group,
    form: RunForm,
    refused: HTTPStatus | None,
    kept: list[RunTemplate],
) -> HttpResponse:
    if refused:
        return _box(request, group, form, status=refused, found=kept[0] if kept else None)
    if not request.htmx:
        return goes_to(request, "groups:group", group.id)
    return _box(request, group, RunForm(initial=RunForm.initial_of(kept[0])), kept[0], saved=True)


def _box(
    request: Request,
    group: Group,
    form: RunForm,
    found: RunTemplate | None = None,
    *,
    status: int = HTTPStatus.OK,
    saved: bool = False,
) -> HttpResponse:
    context = run_box(group, form, template=found) | {"saved": saved}
    refused = bool(form.is_bound)
    context |= {"templates_open": refused or saved}
    page_of_its_own = "groups/run_refused.html"
    template = "groups/partials/run_box.html" if request.htmx else page_of_its_own
    return render(request, template, context, status=status)
