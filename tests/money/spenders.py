"""Agents that call a model which costs something, as often as their purse lets them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from groups.agents.base import Answered, Request, Usage
from groups.agents.surroundings import Allowance
from tests.engine.scripted import Said


@dataclass
class Spender:
    """An act of `calls` calls, each of `tokens` and `cost_usd` (None: unknown), or less if the purse says so."""

    calls: int = 1
    tokens: int = 100
    cost_usd: float | None = 0.0
    #: Seconds that a call takes.
    takes: float = 0.0
    allowed: list[Allowance] = field(default_factory=list)
    #: The most tokens that calls under way at once were allowed, all together.
    most_at_once: int = 0
    _under_way: int = 0

    async def __call__(self, request: Request) -> AsyncIterator[Said]:
        """Call until all calls are made, or the last that is allowed."""
        assert request.purse is not None
        for _ in range(self.calls):
            allowance = await request.purse.ask()
            self.allowed.append(allowance)
            most = self.tokens if allowance.tokens is None else min(self.tokens, allowance.tokens)
            self._under_way += most
            self.most_at_once = max(self.most_at_once, self._under_way)
            await asyncio.sleep(self.takes)
            self._under_way -= most
            yield Usage(input_tokens=most, requests=1, cost_usd=self.cost_usd, model="dear-1")
            if allowance.last:
                break
        yield Answered(f"{request.title} after {len(self.allowed)} calls. {request.wrap_up}")
