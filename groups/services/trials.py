"""Who may talk to an agent outside of any run, and with what (`engine.trial` does it)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from groups.access import Actor, must_reach_all
from groups.errors import AgentIsPerson
from groups.inbox import HUMAN
from groups.models import Agent
from groups.services.inputs import Faults, message_text
from state import conf, pace

#: Turns of a conversation that the agent is told of again, the latest.
TURNS: Final = 20
#: Characters of all of them together.
LONGEST: Final = 200_000


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
