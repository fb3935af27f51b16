"""What can be read by address: the report of a run, and a shared state."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote

import msgspec

from groups import access, selectors
from groups.doors.common import door
from groups.execution.statuses import SubtaskKind
from groups.identity import Identity, must_have
from groups.models import Run, Scope
from state import conf
from state.errors import NotFound
from state.threads import in_thread

#: The newest runs that are listed.
LISTED: Final = 30
RUN: Final = "stars://runs/{run}"
STATE: Final = "stars://groups/{group}/states/{state}"
_RUN: Final = re.compile(r"stars://runs/([^/]+)")
_STATE: Final = re.compile(r"stars://groups/([^/]+)/states/(.+)")


class NoResource(NotFound):
    """There is nothing at this address; runs are at stars://runs/…, states at stars://groups/…/states/…"""


class Listed(NamedTuple):
    """A resource in a list."""

    uri: str
    name: str
    media_type: str


class Content(NamedTuple):
    """What a resource holds."""

    media_type: str
    text: str


@in_thread
def listed(who: Identity) -> list[Listed]:
    """The reports of the newest runs that the caller may see. Raises ScopeMissing."""
    must_have(who.user, Scope.READ)
    rows: Iterable[Any] = selectors.recent_runs(who.user)[:LISTED]  # with what it annotates
    return [
        Listed(f"stars://runs/{run.id}", f"{run.group_id}: {run.task_brief[:60]}", "text/markdown")
        for run in rows
    ]


@in_thread
def read(who: Identity, uri: str) -> Content:
    """The resource. Raises NoResource, ScopeMissing, RunNotFound, SpaceNotFound, and what reading a state refuses."""
    must_have(who.user, Scope.READ)
    if found := _RUN.fullmatch(uri):
        run = access.get_run(who.user, door.run_key(found[1]))
        return Content("text/markdown", _report(selectors.in_full(run)))
    if found := _STATE.fullmatch(uri):
        caller = conf.directory().caller(who.user, unquote(found[1]))
        state = conf.manager().get_state(caller, unquote(found[2]))
        return Content("application/json", msgspec.json.encode(state.data).decode())
    raise NoResource


def state_uri(group_id: str, state_id: str) -> str:
    """The address of a state."""
    return STATE.format(group=quote(group_id, safe=""), state=quote(state_id))


def _report(run: Run) -> str:
    parts = [f"# {run.task.splitlines()[0][:120]}", f"Run {run.id} of {run.group_id}: {run.status}"]
    if run.error:
        parts.append(f"**Failed:** {run.error}")
    if run.result:
        parts.append(run.result)
    for row in run.subtasks.all():
        if row.kind == SubtaskKind.WORK:
            said = row.result or row.error or row.question
            parts.append(f"## {row.title} ({row.agent_id or row.assignee}: {row.status})\n\n{said}")
    return "\n\n".join(parts) + "\n"
