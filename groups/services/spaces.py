"""What happens to a space's states when members and groups go."""

from __future__ import annotations

import logging
from typing import Final

from state import conf
from state.errors import Conflict, NotFound, StarsError
from state.manager import Base
from state.policy import canonical, system
from state.values import Filters, StateType

logger = logging.getLogger(__name__)

#: Who inherits what a member owned alone.
HEIR: Final = "role:leader"
#: How often a state that others are changing is tried.
TRIES: Final = 5


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
                _let_go(state.space, state.id, name)
            if not page.next:
                return
            after = page.next
    except StarsError:
        logger.exception("states of a member that left were not seen to", extra={"agent": agent_id})


def _let_go(space: str, state_id: str, name: str) -> None:
    """Take the agent from the owners as they stand, or the state with it; tried again when others change it."""
    manager, caller = conf.manager(), system(space)
    for _ in range(TRIES):
        try:
            state = manager.get_state(caller, state_id)
            others = tuple(owner for owner in state.owners if canonical(owner) != name)
            base = Base(version=state.version, exact=True)
            if state.type is StateType.AGENT and not others and not state.keep:
                manager.delete_state(caller, state.id, base=base, reason="left")
            elif others != state.owners:
                manager.configure(caller, state.id, {"owners": list(others or (HEIR,))}, base=base)
        except NotFound:
            return
        except Conflict:
            continue
        except StarsError:
            logger.exception("a state stays with a member that left", extra={"state": state_id})
        return


def group_removed(group_id: str) -> None:
    """After commit: the space goes with its group."""
    try:
        conf.manager().drop_space(system(group_id))
    except StarsError:
        logger.exception("the space of a removed group stays", extra={"group": group_id})
