"""Groups: one group's page, making, changing and removing one, and who may do what in it."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from groups import access as doors
from groups import live, selectors
from groups.forms import AccessForm, GroupForm, GroupSettingsForm, JoinForm, MessageForm
from groups.forms.runs import RunForm
from groups.models import Group, Level, Run
from groups.services import groups as service
from groups.views.boxes import MESSAGES_SHOWN, chat, run_box, runs_shown
from groups.views.shell import Request, attempt, goes_to, page
from state.conf import space_topic
from state.errors import NotFound


@page("GET", "HEAD", "POST")
def new(request: Request) -> HttpResponse:
    """Make a group."""
    form = GroupForm(request.POST or None)
    if request.method != "POST":
        return render(request, "groups/new.html", {"form": form})
    made: list[Group] = []

    def create() -> None:
        data = form.cleaned_data
        group = service.create(
            actor=request.user,
            name=data["name"],
            group_id=data["group_id"] or None,
            description=data["description"],
        )
        made.append(group)

    refused = attempt(form, create)
    if refused:
        return render(request, "groups/new.html", {"form": form}, status=refused)
    return goes_to(request, "groups:group", made[0].id)


@page()
def detail(request: Request, group_id: str) -> HttpResponse:
    """One group: run box, star map, conversation, runs, states. `?again=<run>` fills in that run's task."""
    group = doors.get_group(request.user, group_id)
    level = doors.level_in(request.user, group.id) or Level.VIEWER
    members = list(selectors.members_of(group))
    history = list(selectors.messages_of(group)[: MESSAGES_SHOWN + 1])
    box = RunForm(initial=_again(request, group))
    context = {
        **(run_box(group, box) if level >= Level.OPERATOR else {}),
        **runs_shown(request, group),
        "group": group,
        "can_operate": level >= Level.OPERATOR,
        "can_own": level >= Level.OWNER,
        "members": members,
        "has_leader": any(member.role == "leader" for member in members),
        "chat": chat(history[:MESSAGES_SHOWN]),
        "older": history[MESSAGES_SHOWN - 1].id if len(history) > MESSAGES_SHOWN else None,
        "message_form": MessageForm(members=members),
        "join_form": JoinForm(),
        "topics": f"{live.group_topic(group.id)} {space_topic(group.id)}",
    }
    return render(request, "groups/detail.html", context)


@page("GET", "HEAD", "POST")
def settings(request: Request, group_id: str) -> HttpResponse:
    """Name and description, access, removal; for owners."""
    group = doors.get_group(request.user, group_id, Level.OWNER)
    form = GroupSettingsForm(
        request.POST or None, initial={"name": group.name, "description": group.description}
    )
    if request.method == "POST":
        refused = attempt(
            form, lambda: service.change(actor=request.user, group=group, **form.cleaned_data)
        )
        if not refused:
            notices.success(request, _("Saved."))
            return goes_to(request, "groups:settings", group.id)
        return _settings(request, group, form, AccessForm(), refused)
    return _settings(request, group, form, AccessForm(), HTTPStatus.OK)


@page("POST")
def access(request: Request, group_id: str) -> HttpResponse:
    """Give a user a level in the group, or take it away."""
    group = doors.get_group(request.user, group_id, Level.OWNER)
    form = AccessForm(request.POST)

    def change() -> None:
        user = selectors.user_named(form.cleaned_data["username"])
        if user is None:
            raise NotFound(fields={"username": [_("There is no user by that name.")]})
        if form.cleaned_data["level"]:
            level = form.cleaned_data["level"]
            service.grant(actor=request.user, group=group, user=user, level=level)
        else:
            service.revoke(actor=request.user, group=group, user=user)

    refused = attempt(form, change)
    if refused:
        form_of_group = GroupSettingsForm(
            initial={"name": group.name, "description": group.description}
        )
        return _settings(request, group, form_of_group, form, refused)
    if doors.level_in(request.user, group.id) != Level.OWNER:
        return goes_to(request, "groups:home")
    return goes_to(request, "groups:settings", group.id)


@page("POST")
def remove(request: Request, group_id: str) -> HttpResponse:
    """Remove the group with all its runs and messages."""
    group = doors.get_group(request.user, group_id, Level.OWNER)
    service.remove(actor=request.user, group=group)
    notices.success(request, _("The group %(name)s is gone.") % {"name": group.name})
    return goes_to(request, "groups:home")


def _settings(
    request: Request,
    group: Group,
    form: GroupSettingsForm,
    access_form: AccessForm,
    status: HTTPStatus,
) -> HttpResponse:
    context = {
        "group": group,
        "form": form,
        "access_form": access_form,
        "people": selectors.access_of(group),
        "busy": service.is_busy(group),
    }
    return render(request, "groups/settings.html", context, status=status)


def _again(request: Request, group: Group) -> dict[str, object]:
    """What the run named by `?again=` was started with, so that it can be run once more."""
    wanted = request.GET.get("again")
    if not wanted:
        return {}
    run: Run = doors.get_run(request.user, wanted)
    if run.group_id != group.id:
        return {}
    return RunForm.initial_of(run)
