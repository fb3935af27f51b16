"""Where the pages of states stand: who looks, in which space, and what every one of these pages shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from groups import access
from groups.models import Group
from groups.spaces import GroupDirectory
from groups.views.shell import Request
from state import conf
from state.manager import GLOBAL_SPACE, StateManager
from state.policy import Caller, Right, rights
from state.refusals import StateNotFound
from state.sync import tokens
from state.sync.filters import filter_of
from state.values import SharedState, SpaceInfo, StateType


@dataclass(frozen=True)
class Place:
    """A space, seen by somebody; `group` is None in the space of the whole installation."""

    space: str
    caller: Caller
    group: Group | None

    @property
    def manager(self) -> StateManager:
        """This process's."""
        return conf.manager()

    @property
    def can_create(self) -> bool:
        """Whether the caller may make states here."""
        return not self.caller.read_only and (self.group is not None or self.caller.admin)

    @property
    def kinds(self) -> list[StateType]:
        """The types that states of this space may have, the most usual one first."""
        if self.group is None:
            return [StateType.GLOBAL]
        rest = (StateType.SESSION, StateType.WORKFLOW, StateType.TASK, StateType.AGENT)
        return [StateType.RESOURCE, *rest]

    def url(self, name: str, **names: object) -> str:
        """The address of one of these pages in this space."""
        return reverse(f"groups:{name}", kwargs={"space": self.space, **names})

    def state(self, state_id: str, *, with_status: bool = False) -> SharedState:
        """The state as it stands. Raises StateNotFound, also for what no state can be called."""
        return self.manager.get_state(self.caller, plain(state_id), with_status=with_status)

    def stands(self) -> SpaceInfo:
        """Where the space stands; read before what is shown, pages lose nothing when they go on from there."""
        return self.manager.space(self.caller)

    def following(
        self, info: SpaceInfo, patterns: Iterable[str], mode: str = "all"
    ) -> dict[str, Any]:
        """From where a page that shows these states goes on by the sync protocol, without a snapshot."""
        hashed = tokens.filter_hash(filter_of(patterns), self.caller, mode)
        token = tokens.Token(info.epoch, info.revision, hashed)
        return {"token": tokens.encode(token), "revision": info.revision}

    def context(self, **more: Any) -> dict[str, Any]:
        """What every template of these pages is given."""
        shown = {"space": self.space, "group": self.group, "can_create": self.can_create}
        return {**shown, "topics": conf.space_topic(self.space), **more}

    def about(self, state: SharedState, **more: Any) -> dict[str, Any]:
        """The same for a page about one state, with what the caller may do with it."""
        has = rights(state, self.caller)
        may = {
            "can_write": Right.WRITE in has and not state.frozen and not state.deleted,
            "can_delete": Right.DELETE in has,
            "can_admin": Right.ADMIN in has,
        }
        return self.context(state=state, run_id=run_of(state), **may, **more)


def enter(request: Request, space: str) -> Place:
    """The space, if the person may look into it. Raises SpaceNotFound."""
    caller = GroupDirectory().caller(request.user, space)
    group = None if space == GLOBAL_SPACE else access.get_group(request.user, space)
    return Place(space, caller, group)


def plain(state_id: str) -> str:
    """The id, if a store can be asked for it at all. Raises StateNotFound."""
    if not state_id.isprintable():
        raise StateNotFound
    return state_id


def run_of(state: SharedState) -> str:
    """The id of the run that this state belongs to, or nothing."""
    head, _, run_id = state.id.partition("/")
    return run_id if state.type is StateType.WORKFLOW and head == "run" else ""
