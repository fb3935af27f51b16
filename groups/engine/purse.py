"""The brakes on money for an agent at work: asked before each call of a model, told what each has used.

Caps and what was used are read afresh each time, so that a raised cap counts at once, whichever process raised it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from groups.agents.base import BudgetExhausted, Usage
from groups.agents.surroundings import Allowance
from groups.events import BudgetUnpriced
from groups.execution import budget
from groups.execution.budget import Account, Busy, Reached, Spent
from groups.services import spending
from groups.services.subtasks import Work
from state.threads import in_thread

#: Seconds between two looks while other calls hold all that is left.
LOOK_AGAIN: Final = 0.2
#: Seconds that an attempt which ended is remembered; by then what it used has long been stored.
REMEMBERED: Final = 300.0

#: The attempts of this process that call models. Only the event loop's thread touches them.
_accounts: list[Account] = []


class AgentPurse:
    """See `agents.surroundings.Purse`. Of what is left, an attempt holds its share while its call is under way."""

    def __init__(self, work: Work, note: Callable[[BudgetUnpriced], None]) -> None:
        """`note` logs, in the attempt's name, that a cap in money cannot see what a model costs."""
        self._work, self._note = work, note
        self._account: Account | None = None
        self._caps_money = False
        self._wrapped_up = False

    async def ask(self) -> Allowance:
        """See `agents.surroundings.Purse`. Waits while calls of other attempts hold all that is left."""
        if self._work.request.wrap_up and not self._wrapped_up:
            # The one turn that is allowed beyond the cap, or nobody would tell what has been done.
            self._wrapped_up = True
            return Allowance(last=True)
        mine = self._open()
        mine.release()
        while True:
            known = dict.fromkeys(_accounts)
            standing = await in_thread(spending.standing)(
                run_id=self._work.run_id,
                agent_id=self._work.request.agent_id,
                group_id=self._work.request.group_id,
                without=[account.attempt for account in known],
            )
            came = [account for account in _accounts if account not in known]
            self._caps_money = any(cap.max_cost_usd is not None for cap, _ in standing)
            # There is no await between that look and this: no other attempt is granted the same.
            match budget.grant(mine, standing, [*known, *came]):
                case Reached() if mine.shares(came, standing):
                    continue  # what those used who came in meanwhile may have been counted twice
                case Reached(scope, limit, text):
                    raise BudgetExhausted(text, scope=scope, limit=limit)
                case Busy():
                    await asyncio.sleep(LOOK_AGAIN)
                case granted:
                    return Allowance(
                        tokens=granted.tokens, cost_usd=granted.cost_usd, last=granted.last
                    )

    def take(self, usage: Usage) -> None:
        """A call has ended; what it used counts from now on, before it is stored."""
        unpriced = usage.cost_usd is None
        tokens = max(0, usage.input_tokens) + max(0, usage.output_tokens)
        self._open().take(Spent(tokens, max(0.0, usage.cost_usd or 0.0), int(unpriced)))
        if unpriced and self._caps_money:
            self._note(BudgetUnpriced(model=usage.model))

    def _open(self) -> Account:
        if self._account is None:
            now = time.monotonic()
            _accounts[:] = [
                account
                for account in _accounts
                if account.ended_at is None or account.ended_at > now - REMEMBERED
            ]
            request = self._work.request
            owners = {
                "run": str(self._work.run_id),
                "agent": request.agent_id,
                "group": request.group_id,
                "site": "",
            }
            self._account = Account(self._work.token, owners)
            _accounts.append(self._account)
            task = asyncio.current_task()
            assert task is not None  # attempts are tasks
            task.add_done_callback(self._close)
        return self._account

    def _close(self, _: object) -> None:
        assert self._account is not None  # it was opened
        self._account.release()
        self._account.ended_at = time.monotonic()
