"""Connections and sync of a space: who is connected and how far each has come, and pushes that are kept track of."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from itertools import accumulate
from typing import Any, Final

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from groups.forms.states import beside_fields
from groups.forms.sync import BoardForm, PushForm
from groups.selectors import members_of
from groups.views.refusals import sentence
from groups.views.shell import Request, attempt, goes_to, page
from groups.views.states import webhooks
from groups.views.states.board import Board, board
from groups.views.states.following import Following
from groups.views.states.places import Place, enter, plain
from state import conf
from state.refusals import StateNotFound
from state.sync.tasks.making import may_lead
from state.values import (
    Filters,
    SyncTarget,
    SyncTask,
    SyncTaskType,
    TargetStatus,
    TaskStatus,
)
from state.values.sync import ENDED

#: Tasks on the page, how many of them stand open, and targets of one that are shown each.
TASKS: Final = 30
LAST: Final = 5
TARGETS: Final = 100
#: States to choose from; of more, one writes the id.
STATES: Final = 200
_BAR: Final = [
    TargetStatus(each)
    for each in ("completed", "deferred", "sent", "failed", "cancelled", "pending")
]
_FIELDS: Final = {"target_agents": "agents", "priority": "priority", "state_id": "state"}


@dataclass(frozen=True)
class Shown:
    """A task as the page shows it."""

    task: SyncTask
    can_steer: bool
    following: Following

    @property
    def status(self) -> str:
        """The task's; a word of its own when it ended without having reached all."""
        if self.task.status is not TaskStatus.COMPLETED:
            return self.task.status.value
        if not self.task.targets:
            return "nobody"
        if not self.deferred:
            return self.task.status.value
        return "settled" if self.served else "unserved"

    @property
    def error(self) -> str:
        """Why it failed, in the page's language."""
        return sentence(self.task.error) if self.task.error else ""

    @property
    def is_open(self) -> bool:
        """Whether it can still be cancelled."""
        return self.task.status not in ENDED

    @property
    def can_retry(self) -> bool:
        """Whether somebody was not served."""
        return bool(self.task.status is TaskStatus.FAILED and self.can_steer)

    @property
    def served(self) -> int:
        """Targets that have confirmed."""
        return self._number(TargetStatus.COMPLETED)

    @property
    def deferred(self) -> int:
        """Targets that do not have it because they were not there."""
        return self._number(TargetStatus.DEFERRED)

    @property
    def strangers(self) -> int:
        """Those of them whose agents are here and do not follow the state."""
        return sum(self._word(each) == "stranger" for each in self.task.targets)

    @property
    def waiting(self) -> int:
        """The others."""
        return self.deferred - self.strangers

    def _word(self, target: SyncTarget) -> str:
        if target.status is not TargetStatus.DEFERRED:
            return target.status.value
        found = self.following.of(target.agent, self.task.state_id)
        return found if found in ("stranger", "asks") else target.status.value

    def _number(self, status: TargetStatus) -> int:
        return sum(each.status is status for each in self.task.targets)

    @property
    def parts(self) -> list[tuple[str, int, int]]:
        """The bar: statuses of targets, where the part of each begins, and how many there are."""
        found = Counter(each.status for each in self.task.targets)
        counts = [found[status] for status in _BAR]
        begins = accumulate(counts, initial=0)
        return [part for part in zip(_BAR, begins, counts, strict=False) if part[2]]

    @property
    def targets(self) -> list[tuple[SyncTarget, str, str]]:
        """Those that need attention first, each with how it stands and what went wrong in the page's language."""
        order = [TargetStatus.FAILED, TargetStatus.SENT, TargetStatus.PENDING]
        rank = {status: at for at, status in enumerate(order)}
        found = sorted(self.task.targets, key=lambda each: (rank.get(each.status, 9), each.agent))
        return [
            (each, self._word(each), sentence(each.error) if each.error else "")
            for each in found[:TARGETS]
        ]


@page()
def connections(request: Request, space: str) -> HttpResponse:
    """The page; `?push=<state>` (or nothing) shows the form, and `?webhook` that for webhooks."""
    place = enter(request, space)
    if "push" in request.GET:
        form = _push_form(
            place, initial={"state": request.GET["push"], **_to(request.GET.get("to", ""))}
        )
        return _page(request, place, push_form=form)
    if "webhook" in request.GET:
        return _page(request, place, webhook_form=webhooks.form_of(place))
    return _page(request, place)


@page()
def news(request: Request, space: str) -> HttpResponse:
    """What of the page changes; 204 when it is what `?seen=` names."""
    place = enter(request, space)
    context = _context(request, place)
    html = render_to_string("states/partials/board.html", context, request)
    seen = hashlib.sha256(html.encode()).hexdigest()[:16]
    if seen == request.headers.get("If-None-Match", "").strip('"'):
        return HttpResponse(status=HTTPStatus.NOT_MODIFIED)
    return HttpResponse(html, headers={"ETag": f'"{seen}"', "Cache-Control": "no-store"})


@page("POST")
def push(request: Request, space: str) -> HttpResponse:
    """Make a sync task."""
    place = enter(request, space)
    form = _push_form(place, request.POST)
    said = ""

    def create() -> None:
        nonlocal said
        given = form.cleaned_data
        kind = SyncTaskType(given["type"])
        # Whoever chose all of them need not unmark the others.
        agents = () if kind is SyncTaskType.BROADCAST else tuple(given["agents"])
        with beside_fields(_FIELDS):
            try:
                conf.sync_manager().create_sync_task(
                    place.caller, kind, plain(given["state"]), agents, priority=given["priority"]
                )
            except StateNotFound as error:
                error.fields = {"state": [error.message]}
                raise
        said = _promise(place, kind, plain(given["state"]), agents)

    refused = attempt(form, create)
    if refused:
        return _page(request, place, push_form=form, status=refused)
    notices.success(request, said)
    return goes_to(request, f"{place.url('connections')}#tasks")


@page("POST")
def webhook(request: Request, space: str) -> HttpResponse:
    """Add a webhook, and show its secret this once."""
    place = enter(request, space)
    form, made, refused = webhooks.make(request, place)
    if made is None:
        return _page(request, place, webhook_form=form, status=refused)
    answer = _page(request, place, made=made)
    answer["Cache-Control"] = "no-store"
    return answer


@page("POST")
def disconnect(request: Request, space: str, connection_id: str) -> HttpResponse:
    """End a connection."""
    place = enter(request, space)
    conf.sync_manager().disconnect_agent(place.caller, f"s_{connection_id.removeprefix('s_')}")
    notices.success(request, _("Disconnected."))
    return goes_to(request, place.url("connections"))


@page("POST")
def cancel(request: Request, space: str, task_id: str) -> HttpResponse:
    """End a task between two targets."""
    place = enter(request, space)
    conf.sync_manager().cancel_sync_task(place.caller, task_id)
    notices.success(request, _("The push is cancelled."))
    return goes_to(request, f"{place.url('connections')}#tasks")


@page("POST")
def retry(request: Request, space: str, task_id: str) -> HttpResponse:
    """Push once more to those whom a task did not reach: a new task, which the old one stays beside."""
    place = enter(request, space)
    manager = conf.sync_manager()
    old = manager.get_sync_task(place.caller, task_id)
    left = tuple(each.agent for each in old.targets if each.status is TargetStatus.FAILED)
    kind = old.type
    if kind is SyncTaskType.BROADCAST and left:
        kind = SyncTaskType.MULTICAST
    metadata = {**old.metadata, "retries": old.id}
    manager.create_sync_task(
        place.caller, kind, old.state_id, left, priority=old.priority, metadata=metadata
    )
    notices.success(request, _("The push is on its way again."))
    return goes_to(request, f"{place.url('connections')}#tasks")


def _page(
    request: Request, place: Place, *, status: HTTPStatus | None = None, **shown: object
) -> HttpResponse:
    context = _context(request, place)
    asked = request.GET.copy()
    for name in ("push", "to", "webhook"):
        asked.pop(name, None)
    context |= {"asked": asked.urlencode(), **shown}
    return render(request, "states/connections.html", context, status=status)


def _context(request: Request, place: Place) -> dict[str, Any]:
    form = BoardForm(request.GET)
    if not form.is_valid():
        form = BoardForm({})
        form.full_clean()
    number, after = request.GET.get("page", ""), request.GET.get("after", "")
    at = int(number) if number.isdecimal() and len(number) < 4 else 0
    found = board(place, form, page=at, after=after if after.isprintable() else "")
    query = request.GET.copy()
    for name in ("page", "after", "push", "to", "webhook"):
        query.pop(name, None)
    tasks = _tasks(place, Following(found.every))
    return place.context(
        home=place.url("connections"),
        form=form,
        board=found,
        tasks=tasks[:LAST],
        earlier_tasks=tasks[LAST:],
        open_tasks=sum(each.is_open for each in tasks),
        filters=query.urlencode(),
        narrowed=any(query.values()),
        page_number=at,
        after=after,
        can_push=not place.caller.read_only,
        columns=_widths(found),
    )


def _widths(found: Board) -> str:
    """Few columns have room for their names; of many the names stand upright, and of very many all stands close."""
    count = len(found.states)
    return "wide" if count <= 12 else "narrow" if count <= 25 else "close"


def _tasks(place: Place, following: Following) -> list[Shown]:
    leads = may_lead(place.caller) and not place.caller.read_only
    return [
        Shown(each, leads or each.created_by == place.caller.name, following)
        for each in conf.sync_manager().list_sync_tasks(place.caller, limit=TASKS)
    ]


def _push_form(place: Place, *args: Any, **kwargs: Any) -> PushForm:
    found = place.manager.list_states(place.caller, Filters(), limit=STATES)
    states = None if found.next else [each.id for each in found.states]
    return PushForm(*args, known=_agents(place), states=states, **kwargs)


def _to(agent: str) -> dict[str, Any]:
    """What a push to one agent begins with."""
    return {"type": SyncTaskType.UNICAST, "agents": [agent]} if agent else {}


def _promise(place: Place, kind: SyncTaskType, state: str, agents: Collection[str]) -> str:
    """What can be said of a push that was made just now."""
    if not may_lead(place.caller):
        return _("The push is made; below you see who has it.")  # others' connections are not shown
    every = conf.sync_manager().list_agent_connections(place.caller, with_states=False)
    following = Following(every)
    if kind is SyncTaskType.BROADCAST or not agents:
        agents = {each.agent for each in every}
        agents = {each for each in agents if following.of(each, state) in ("here", "away")}
        if not agents:
            return _("Nobody follows this state now: the push reaches nobody.")
    here = sum(following.of(each, state) == "here" for each in agents)
    if not here:
        return _("No agent of the push is here to take it; it waits for them.")
    if here < len(agents):
        text = _("The push is on its way to %(here)s of %(total)s agents; it waits for the others.")
        return text % {"here": here, "total": len(agents)}
    return _("The push is on its way.")


def _agents(place: Place) -> list[tuple[str, str]]:
    """Whom a push can name: members of the group, and others that are connected."""
    every = conf.sync_manager().list_agent_connections(place.caller, with_states=False)
    found = {each.agent for each in every if each.agent.startswith("agent:")}
    if place.group is not None:
        found |= {f"agent:{each.agent.agent_id}" for each in members_of(place.group)}
    return [(each, each.removeprefix("agent:")) for each in sorted(found)]
