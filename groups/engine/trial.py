"""Trying an agent by talking to it, outside of any run: nothing is kept of it but what it used.

It works in the web process that was asked. The agent has no group, so it has neither states nor tools nor messages;
what it may use in a month is asked and counted as in runs.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from django.conf import settings
from django.utils import timezone

from groups.agents import base, registry
from groups.agents.surroundings import Allowance, Secrets
from groups.engine.attempt import MAX_OUTPUT
from groups.engine.line import AgentLine
from groups.execution import budget
from groups.execution.budget import Account, Busy, Reached, Spent
from groups.execution.statuses import SubtaskKind, WaitsFor
from groups.models import Agent
from groups.services import calls, secrets, spending
from groups.services.calls import Offered
from groups.services.subtasks import Work
from state.threads import in_thread

logger = logging.getLogger(__name__)

#: Seconds that an answer may take.
LIMIT: Final = calls.TRIAL.total_seconds()
#: What the agent is told of where it is.
NOWHERE: Final = "test"


class Said(NamedTuple):
    """A further piece of its answer."""

    text: str


class Used(NamedTuple):
    """It begins to use a tool of its own (`done` false), or has used it."""

    tool: str
    done: bool


class Ended(NamedTuple):
    """How it ended: answered, asks (a question for people), handed_over or failed. `text` is the whole of it."""

    status: str
    text: str
    input_tokens: int
    output_tokens: int
    #: US dollars; None when the price is unknown.
    cost_usd: float | None
    seconds: float


Heard: TypeAlias = Said | Used | Ended


async def converse(
    agent: Agent,
    text: str,
    earlier: Sequence[tuple[str, str]] = (),
    over: Callable[[], object] = lambda: None,
) -> AsyncGenerator[Heard, None]:
    """What the agent answers, after what was said `earlier` (by the person, by the agent). Ends with one Ended; however
    it ends, `over` is called.

    Whoever listens may leave at any time: it is over for them at once. A call that will cost something is heard until
    it says how much, and no other is begun.
    """
    talk = _Talk(_work(agent, text, earlier))
    task = asyncio.create_task(talk.carry_on())
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    try:
        while True:
            heard = await talk.heard.get()
            yield heard
            if isinstance(heard, Ended):
                return
    finally:
        over()
        talk.purse.is_deserted = True
        if not talk.purse.is_open:
            task.cancel()


#: Tasks of conversations; the loop itself would let go of them.
_under_way: Final[set[asyncio.Task[None]]] = set()


class _Talk:
    """The agent at its answer, whoever listens."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._used: list[base.Usage] = []
        self._length = 0
        self.heard = asyncio.Queue[Heard]()
        self.purse = _Purse(work, self._used)

    async def carry_on(self) -> None:
        """Have the agent answer; deserted, it stops at the end of a call. Counts what was used."""
        began = time.monotonic()
        status, told = "failed", "The agent ended without an answer."
        try:
            async with (
                asyncio.timeout(LIMIT),
                aclosing(_performed(self._work, self.purse)) as items,
            ):
                async for item in items:
                    outcome = self._take(item)
                    if self.purse.is_deserted and not self.purse.is_open:
                        break
                    status, told = outcome or (status, told)
        except base.AgentError as error:
            status, told = "failed", error.message
        except TimeoutError:
            status, told = "failed", f"It took longer than {LIMIT:g} s."
        except Exception as error:
            logger.exception("agent failed unexpectedly when it was tried")
            status, told = "failed", f"{type(error).__name__}: {error}"
        finally:
            if self._used:
                agent_id, token = self._work.request.agent_id, self._work.token
                await asyncio.shield(in_thread(spending.note)(agent_id, token, self._used))
        priced = [usage.cost_usd for usage in self._used]
        ended = Ended(
            status,
            told,
            sum(usage.input_tokens for usage in self._used),
            sum(usage.output_tokens for usage in self._used),
            None if None in priced else sum(cost or 0.0 for cost in priced),
            round(time.monotonic() - began, 2),
        )
        self.heard.put_nowait(ended)

    def _take(self, item: base.AgentEvent | base.Outcome) -> tuple[str, str] | None:
        """Tell of it; how it ended, if it did."""
        match item:
            case base.TextDelta(piece):
                self._length += len(piece)
                if self._length > MAX_OUTPUT:
                    raise base.AgentError("The answer is too long.")
                self.heard.put_nowait(Said(piece))
            case base.ToolStarted():
                self.heard.put_nowait(Used(item.tool, False))
            case base.ToolFinished():
                self.heard.put_nowait(Used(item.tool, True))
            case base.Usage():
                self._used.append(item)
                self.purse.is_open = False
            case _:
                return _ended(item)
        return None


def _ended(outcome: object) -> tuple[str, str]:
    match outcome:
        case base.Answered(text):
            return "answered", text
        case base.Waiting(waits_for=WaitsFor.REMOTE):
            return "failed", "The agent wants to answer later, which it can in a run only."
        case base.Waiting():
            return "asks", outcome.question
        case base.HandedOver():
            return "handed_over", f"{outcome.to}: {outcome.text}"
    return "failed", "The agent answered with what was not asked for."


async def _performed(
    work: Work, purse: _Purse
) -> AsyncGenerator[base.AgentEvent | base.Outcome, None]:
    """Raises AgentError."""
    opened = await in_thread(secrets.reveal)(work.sealed, work.agent_pk) if work.sealed else {}
    request = msgspec.structs.replace(
        work.request,
        secrets=Secrets(opened),
        purse=purse,
        line=_Line(work),
        outside=_Outside(),
    )
    async with aclosing(registry.runtime(work.kind).perform(request)) as items:  # type: ignore[type-var]
        async for item in items:
            yield item


def _work(agent: Agent, text: str, earlier: Sequence[tuple[str, str]]) -> Work:
    ids = [uuid.uuid4() for _ in range(3)]
    request = base.Request(
        kind=SubtaskKind.REPLY,
        run_id=str(ids[0]),
        subtask_id=str(ids[1]),
        group_id=NOWHERE,
        agent_id=agent.agent_id,
        config=agent.config,
        task=text,
        title="Answer the message",
        instructions=text,
        turn=str(ids[1]),
        earlier=tuple(earlier),
        ability=agent.ability,
        time_limit=LIMIT,
    )
    until: datetime = timezone.now() + timedelta(seconds=LIMIT)
    sealed = bytes(agent.secrets) if agent.secrets else None
    return Work(ids[0], ids[1], ids[2], until, agent.kind, request, LIMIT, sealed, agent.pk)


class _Purse:
    """See `agents.surroundings.Purse`. Caps of the agent and the site hold; calls elsewhere at this moment are counted
    when they have ended."""

    def __init__(self, work: Work, used: Sequence[base.Usage]) -> None:
        owners = {"agent": work.request.agent_id, "run": "", "group": "", "site": ""}
        self._work, self._used, self._account = work, used, Account(work.token, owners)
        #: Whether a call was granted that has not said yet what it used.
        self.is_open = False
        #: Whether nobody listens any more: nothing is granted then.
        self.is_deserted = False

    async def ask(self) -> Allowance:
        """See `agents.surroundings.Purse`."""
        standing = await in_thread(spending.standing)(
            run_id=self._work.run_id, agent_id=self._work.request.agent_id, group_id=""
        )
        # Looked at last: they may have left meanwhile. A call that failed and is repeated yields nothing before it.
        if self.is_deserted:
            raise base.AgentError("Nobody listens any more.")
        self._account.said = Spent()
        for each in self._used:
            spent = Spent(each.input_tokens + each.output_tokens, each.cost_usd or 0.0, 0)
            self._account.take(spent)
        match budget.grant(self._account, standing, [self._account]):
            case Reached(scope, limit, told):
                raise base.BudgetExhausted(told, scope=scope, limit=limit)
            case Busy():
                raise base.AgentError("Nothing is left of a cap.")
            case granted:
                self.is_open = True
                return Allowance(
                    tokens=granted.tokens, cost_usd=granted.cost_usd, last=granted.last
                )


class _Outside:
    """See `agents.surroundings.Outside`."""

    @property
    def allowed(self) -> Sequence[str]:
        """See `agents.surroundings.Outside`."""
        allowed: list[str] = settings.STARS_WEBHOOK_ALLOWED
        return allowed

    async def callback(self, patience: float) -> None:
        """Nobody would wait for it."""


class _Line(AgentLine):
    """See `agents.surroundings.Line`. The call belongs to no subtask."""

    async def _offered(self, request: Mapping[str, Any], asked: tuple[str, int]) -> Offered:
        return await in_thread(calls.offer_trial)(
            agent_pk=self._work.agent_pk, token=self._work.token, request=request
        )
