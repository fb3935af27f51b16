"""Rows of shared states to look at in the admin, made as everybody makes them: through the StateManager."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from state import conf
from state.bus.database import DatabaseCursorStore
from state.bus.letters import DeadLetter
from state.manager import Base
from state.models import State
from state.policy import Caller, system
from state.values import (
    ConflictRecord,
    ConsistencyLevel,
    Entry,
    EventType,
    SharedState,
    StateEvent,
)

SPACE = "Harbour"
WIM = Caller(space=SPACE, name="agent:wim")
WES = Caller(space=SPACE, name="agent:wes")


def make_state(state_id: str = "plan", space: str = SPACE, **given: Any) -> State:
    """A state of two versions, in which all members may write; its row."""
    manager, caller = conf.manager(), system(space)
    data = {"a": 1, "b": 1, "c": 1}
    manager.create_state(caller, state_id, owners=["role:leader"], data=data, **given)
    manager.update_state(caller, state_id, {"c": 2}, {"why": "seagulls"}, base=Base(version=1))
    return row_of(state_id, space)


def row_of(state_id: str, space: str = SPACE) -> State:
    return State.objects.get(space=space, key=state_id)


def read(state_id: str = "plan", space: str = SPACE) -> SharedState:
    return conf.manager().get_state(system(space), state_id)


def newest(state_id: str = "plan", space: str = SPACE) -> Entry:
    return conf.manager().history(system(space), state_id, limit=1)[0]


def park(state_id: str = "plan", space: str = SPACE) -> ConflictRecord:
    """wes wrote /a and /b on top of what wim had written meanwhile, and the leader is asked."""
    manager = conf.manager()
    given = {"merge_fallback": "park", "resolver": "role:leader"}
    make_state(state_id, space, **given)
    wim, wes = (Caller(space=space, name=name) for name in (WIM.name, WES.name))
    manager.update_state(wim, state_id, {"a": 2, "b": 2})
    late = {"a": 3, "b": 3, "d": 3}
    manager.update_state(wes, state_id, late, base=Base(version=2))
    [found] = manager.conflicts(system(space), state_id=state_id)
    return found


def bury(number: int = 1, name: str = "mail", space: str = SPACE) -> str:
    """A dead letter of that space; its id."""
    letter_id = f"00000000-0000-7000-8000-{number:012}"
    event = StateEvent(
        type=EventType.STATE_UPDATED,
        timestamp=datetime.now(UTC),
        id=f"{space}:{number}:0",
        space=space,
        state_id="plan",
        metadata={"secret": "seagull"},
    )
    letter = DeadLetter(
        id=letter_id,
        name=name,
        event=event,
        error="ValueError: no",
        attempts=6,
        at=event.timestamp,
    )
    DatabaseCursorStore(conf.manager().store.codec).bury(letter)
    return letter_id


def fill(count: int = 1, *, first: int = 0) -> None:
    """That many spaces with a state, a conflict, an operation in the journal, an audit record and a dead letter."""
    manager = conf.manager()
    for number in range(first, first + count):
        space = f"space-{number}"
        park("plan", space)
        manager.create_state(
            system(space), "slow", owners=["a"], consistency=ConsistencyLevel.EVENTUAL
        )
        manager.update_state(system(space), "slow", {"x": 1}, op_id=f"op-{number}")
        bury(number + 1, space=space)


def page(browser: Client, model: str, row: Any) -> str:
    """What the page of the row says."""
    answer = browser.get(reverse(f"admin:state_{model}_change", args=[row.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def act(browser: Client, model: str, action: str, *pks: Any, confirmed: bool = True) -> str:
    """Carry out an action on the selected rows; the messages that the list then shows."""
    data = {"action": action, "_selected_action": pks} | ({"post": "yes"} if confirmed else {})
    answer = browser.post(reverse(f"admin:state_{model}_changelist"), data, follow=True)
    assert answer.status_code == 200
    return said(answer)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def send(browser: Client, model: str, what: str, row: Any, **data: Any) -> HttpResponse:
    """Send the form `what` about the row."""
    url = reverse(f"admin:state_{model}_{what}", args=[row.pk])
    return browser.post(url, data, follow=True)  # type: ignore[return-value]
