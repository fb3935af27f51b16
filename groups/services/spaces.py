"""What happens to a space's states when members and groups go."""

from __future__ import annotations

import logging

from state import conf
from state.errors import StarsError
from state.manager import Base
from state.policy import canonical, system
from state.refusals import StateNotFound
from state.values import Filters, SharedState, StateType

logger = logging.getLogger(__name__)

#: Who inherits what a member owned alone.
HEIR = "role:leader"


def member_left(group_id: str, agent_id: str) -> None:
    """After commit: the agent's own states go unless they are to be kept; what else it owned alone is the leader's."""
    manager, caller, name = conf.manager(), system(group_id), f"agent:{agent_id}"
    after = ""
    try:
        while True:
            page = manager.list_states(
                caller, Filters(owners=(name, agent_id)), limit=500, after=after
            )
            for state in page.states:
                _let_go(state, name)
            if not page.next:
                return
            after = page.next
    except StarsError:
        logger.exception("states of a member that left were not seen to", extra={"agent": agent_id})


def _let_go(state: SharedState, name: str) -> None:
    manager, caller = conf.manager(), system(state.space)
    others = tuple(owner for owner in state.owners if canonical(owner) != name)
    try:
        if state.type is StateType.AGENT and not others and not state.keep:
            manager.delete_state(caller, state.id, base=Base(blind=True), reason="left")
        else:
            manager.configure(caller, state.id, {"owners": list(others or (HEIR,))})
    except StateNotFound:
        pass


def group_removed(group_id: str) -> None:
    """After commit: the space goes with its group."""
    try:
        conf.manager().drop_space(system(group_id))
    except StarsError:
        logger.exception("the space of a removed group stays", extra={"group": group_id})
