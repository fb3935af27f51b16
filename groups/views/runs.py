"""Runs: starting one, its live page, what people do to it, and the fragments that show results."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django_htmx.http import replace_url

from groups import access, live, selectors
from groups import pulse as pulses
from groups.downloads import Download
from groups.execution.modes import get_mode
from groups.execution.plan import ANYONE
from groups.execution.statuses import RUN_ENDED
from groups.forms import ROLES
from groups.forms.run_filter import RunFilterForm, query_of
from groups.forms.runs import RunForm
from groups.models import Group, Level, Member, Role, Run
from groups.services import run_states
from groups.services import runs as service
from groups.views.boxes import run_box, runs_shown
from groups.views.shell import Request, attempt, goes_to, json_body, page, wants_json
from state.errors import Invalid

#: Runs on one page of the list over all groups.
PAGE = 50


@page("GET", "HEAD", "POST")
def runs(request: Request, group_id: str) -> HttpResponse:
    """GET: the group's runs as a fragment, as far as `?status=`, `?q=` and `?shown=` say.

    POST (multipart): start one and go to its page.
    """
    if request.method != "POST":
        group = access.get_group(request.user, group_id)
        if not request.htmx:
            # Where a browser is left whose task was refused.
            return redirect("groups:group", group.id)
        context = {"group": group, **runs_shown(request, group)}
        return render(request, "groups/partials/runs.html", context)
    group = access.get_group(request.user, group_id, Level.OPERATOR)
    form = RunForm(request.POST, request.FILES)
    started: list[Run] = []
    refused = attempt(form, lambda: started.append(_start(request, group, form)))
    if refused:
        template = "groups/partials/run_box.html" if request.htmx else "groups/run_refused.html"
        return render(request, template, run_box(group, form), status=refused)
    return goes_to(request, "groups:run", started[0].id)


@page()
def recent(request: Request) -> HttpResponse:
    """Runs of all visible groups, newest first, that are as `?q=`, `status`, `group` and `mode` say;
    `?before=<run id>` pages on."""
    form = RunFilterForm(request.GET)
    like = form.wanted()
    asked = query_of(like)
    found = like.of(selectors.recent_runs(request.user))
    wanted = request.GET.get("before")
    if wanted:
        last = access.get_run(request.user, wanted)
        same_time = Q(created_at=last.created_at, id__lt=last.id)
        found = found.filter(Q(created_at__lt=last.created_at) | same_time)
    rows = list(found[: PAGE + 1])
    context = {
        "runs": rows[:PAGE],
        "older": rows[PAGE - 1].id if len(rows) > PAGE else None,
        "asked": asked,
        "topics": live.DASHBOARD,
    }
    if request.htmx:
        answer = render(request, "runs/partials/recent.html", context)
        return replace_url(answer, f"{request.path}?{asked}" if asked else request.path)
    choice = {"form": form, "groups": selectors.groups_to_choose(request.user)}
    return render(request, "runs/list.html", context | choice)


@page()
def detail(request: Request, run_id: str) -> HttpResponse:
    """The run page; drawn in the browser from the event log."""
    run = access.get_run(request.user, run_id)
    level = access.level_in(request.user, run.group_id) or Level.VIEWER
    members = list(selectors.members_of(run.group))
    context = {
        "run": run,
        "attachments": list(selectors.attachments_of(run)),
        "about": _about(run, members, level),
        "can_operate": level >= Level.OPERATOR,
        "ended": run.status in RUN_ENDED,
        "state_id": run_states.state_id(run.id),
        "mode": gettext(get_mode(run.mode).words),
    }
    return render(request, "runs/detail.html", context)


@page()
def result(request: Request, run_id: str) -> HttpResponse:
    """The run's result as sanitised HTML."""
    run = access.get_run(request.user, run_id)
    return render(request, "runs/partials/result.html", {"text": run.result})


@page()
def subtask_result(request: Request, run_id: str, subtask_id: str) -> HttpResponse:
    """A subtask's result as sanitised HTML."""
    run = access.get_run(request.user, run_id)
    subtask = access.get_subtask(run, subtask_id)
    return render(request, "runs/partials/result.html", {"text": subtask.result})


@page()
def pulse(request: Request, run_id: str) -> HttpResponse:
    """When the workers at the run's subtasks were last heard of, for the page's header."""
    return JsonResponse(pulses.pulse(access.get_run(request.user, run_id)))


@page()
def attachment(request: Request, run_id: str, attachment_id: str) -> HttpResponseBase:
    """An attachment, always as a download: what people upload is never shown as a page of ours."""
    run = access.get_run(request.user, run_id)
    found = access.get_attachment(run, attachment_id)
    answer = Download(
        found.file.open("rb"),
        as_attachment=True,
        filename=found.name,
        content_type=found.media_type,
    )
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@page("POST")
def plan(request: Request, run_id: str) -> HttpResponse:
    """Replace the plan that awaits approval."""
    run = access.get_run(request.user, run_id, Level.OPERATOR)
    sent = json_body(request)
    seen = _seen(sent)
    edited = service.edit_plan(actor=request.user, run=run, plan=sent.get("plan"), seen=seen)
    return _done(request, edited)


@page("POST")
def approve(request: Request, run_id: str) -> HttpResponse:
    """Approve the plan, or the one sent in its place."""
    run = access.get_run(request.user, run_id, Level.OPERATOR)
    sent = json_body(request) if wants_json(request) else {}
    plan, seen = sent.get("plan"), _seen(sent)
    return _done(request, service.approve(actor=request.user, run=run, plan=plan, seen=seen))


def _seen(sent: dict[str, Any]) -> int | None:
    """Up to which event whoever sent this knows the log. Raises Invalid."""
    seen = sent.get("seen")
    if seen is not None and (type(seen) is not int or not 0 <= seen < 2**63):
        raise Invalid(fields={"seen": ["This is the number of an event."]})
    return seen


@page("POST")
def budget(request: Request, run_id: str) -> HttpResponse:
    """Change the run's own caps, and with `resume` take up again what was left undone."""
    run = access.get_run(request.user, run_id, Level.OPERATOR)
    sent = json_body(request)
    run = service.raise_budget(
        actor=request.user,
        run=run,
        max_tokens=sent.get("max_tokens", service.KEEP),
        max_cost_usd=sent.get("max_cost_usd", service.KEEP),
        resume=sent.get("resume") is True,
    )
    return _done(request, run)


@page("POST")
def answer(request: Request, run_id: str, subtask_id: str) -> HttpResponse:
    """Answer a waiting subtask's question."""
    run = access.get_run(request.user, run_id, Level.OPERATOR)
    subtask = access.get_subtask(run, subtask_id)
    text = json_body(request).get("text") if wants_json(request) else request.POST.get("text", "")
    if not isinstance(text, str):
        raise Invalid(fields={"text": ["This must be text."]})
    return _done(request, service.answer(actor=request.user, run=run, subtask=subtask, text=text))


def _action(act: Callable[..., Run]) -> Callable[..., HttpResponseBase]:
    """A view that does one thing to a run and needs nothing else."""

    @page("POST")
    def view(request: Request, run_id: str) -> HttpResponse:
        run = access.get_run(request.user, run_id, Level.OPERATOR)
        return _done(request, act(actor=request.user, run=run))

    return view


cancel = _action(service.cancel)
pause = _action(service.pause)
resume = _action(service.resume)
retry = _action(service.retry)


def _done(request: Request, run: Run) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"status": run.status, "last_seq": run.last_seq}, status=HTTPStatus.OK)
    return goes_to(request, "groups:run", run.id)


def _start(request: Request, group: Group, form: RunForm) -> Run:
    return service.start(
        actor=request.user,
        group=group,
        attachments=form.cleaned_data["attachments"],
        **form.settings(),
    )


def _about(run: Run, members: list[Member], level: Level) -> dict[str, Any]:
    """What the run page's scripts need and the log does not say."""
    args = [run.id]
    actions = ("cancel", "pause", "resume", "retry", "approve", "plan", "result")
    urls = {name: reverse(f"groups:{name}", args=args) for name in actions}
    urls["budget"] = reverse("groups:run_budget", args=args)
    urls["pulse"] = reverse("groups:run_pulse", args=args)
    # Where what stopped a run is set right.
    urls["agent"] = reverse("groups:agent", args=["AGENT"])
    urls["group"] = reverse("groups:group", args=[run.group_id])
    urls["settings"] = reverse("groups:settings", args=[run.group_id])
    urls["tools"] = reverse("groups:tool_servers")
    urls["subtask_result"] = reverse("groups:subtask_result", args=[run.id, "SUBTASK"])
    urls["answer"] = reverse("groups:answer", args=[run.id, "SUBTASK"])
    tags = sorted(
        {tag for m in members if m.role in (Role.WORKER, Role.SPECIALIST) for tag in m.tags}
    )
    roles = dict(ROLES)
    return {
        "id": str(run.id),
        "task": run.task,
        "mode": run.mode,
        "now": timezone.now().isoformat(),
        "caps": {"tokens": run.max_tokens, "cost": run.max_cost_usd},
        "can_steer": level >= Level.OPERATOR,
        "reported": bool(run.result),
        "urls": urls,
        "assignees": [
            *(
                {"value": m.agent.agent_id, "label": f"{m.agent.agent_id} ({roles[Role(m.role)]})"}
                for m in members
                if m.role != Role.OBSERVER
            ),
            {"value": ANYONE, "label": gettext("anyone free for it")},
            *({"value": tag, "label": f"#{tag}"} for tag in tags),
        ],
    }
