"""Who may talk to an agent outside of any run, and with what (`engine.trial` does it)."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from groups.access import Actor, must_reach_all
from groups.errors import AgentIsPerson
from groups.inbox import HUMAN
from groups.models import Agent
from groups.services.calls import TRIAL
from groups.services.inputs import Faults, message_text
from state import conf, pace
from state.pace import TooFast

#: Turns of a conversation that the agent is told of again, the latest.
TURNS: Final = 20
#: Characters of all of them together.
LONGEST: Final = 200_000
#: Conversations that a web process carries on at once, and of them those of one person: no worker's slots bound them.
AT_ONCE: Final = 32
OF_ONE: Final = 4
#: Seconds after which one is over for certain, though nobody was left to say so.
OVER: Final = TRIAL.total_seconds() + 10


def checked(
    *, actor: Actor, agent: Agent, text: str, earlier: Sequence[tuple[str, str]] = ()
) -> tuple[str, list[tuple[str, str]]]:
    """What the agent is told. It may cost its owner money, as in every group that takes it in, so it is paced.

    Raises AgentIsPerson, Invalid, MessageTooLarge, TooFast, and GroupsRestricted for tokens of certain groups.
    """
    must_reach_all(actor)
    if agent.kind == HUMAN:
        raise AgentIsPerson
    text = message_text("text", text)
    faults = Faults()
    turns = [
        (faults.text("earlier", asked), faults.text("earlier", answered))
        for asked, answered in earlier
    ]
    if sum(len(asked) + len(answered) for asked, answered in turns) > LONGEST:
        faults.add("earlier", f"At most {LONGEST:,} characters; begin the conversation anew.")
    faults.done()
    pace.check(conf.manager().limits, getattr(actor, "pk", None), agent.agent_id)
    return text, turns[-TURNS:]


class Seats:
    """Who talks to an agent in this process now; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Whose it is and since when.
        self._taken: dict[uuid.UUID, tuple[Any, float]] = {}

    def take(self, actor: Actor) -> Callable[[], object]:
        """What gives the seat back. Raises TooFast when there is none for the actor."""
        who, now, seat = getattr(actor, "pk", None), time.monotonic(), uuid.uuid4()
        with self._lock:
            self._taken = {key: each for key, each in self._taken.items() if now - each[1] < OVER}
            own = sum(whose == who for whose, _ in self._taken.values())
            if own >= OF_ONE or len(self._taken) >= AT_ONCE:
                raise TooFast(extra={"retry_after": 5})
            self._taken[seat] = who, now
        return partial(self._free, seat)

    def _free(self, seat: uuid.UUID) -> None:
        with self._lock:
            self._taken.pop(seat, None)


seats = Seats()
