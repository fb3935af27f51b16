"""Money brakes in numbers: what several caps leave, and what of it one call may use while others are under way. Pure.

Tokens are those in and out together, money is US dollars. A call of unknown price counts in tokens only.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

#: What one call is taken to need at most: no call holds more back from the others.
MOST_TOKENS: Final = 200_000
MOST_USD: Final = 5.0
#: Dollars; less than this is nothing.
DUST: Final = 1e-9

#: How a refusal names what has the cap.
WHOSE: Final = {
    "run": "The run's",
    "agent": "The agent's monthly",
    "group": "The group's monthly",
    "site": "The installation's monthly",
}


class Cap(NamedTuple):
    """What may be used; None is no cap. `scope` is run, agent, group or site."""

    scope: str
    max_tokens: int | None = None
    max_cost_usd: float | None = None


class Spent(NamedTuple):
    """What was used. `cost_usd` is that of the calls with a known price, `unpriced` counts the others."""

    tokens: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0

    def plus(self, other: Spent) -> Spent:
        """The sum."""
        return Spent(
            self.tokens + other.tokens,
            self.cost_usd + other.cost_usd,
            self.unpriced + other.unpriced,
        )


class Reached(NamedTuple):
    """A cap is reached: `limit` is tokens, cost or time, `text` a sentence for people."""

    scope: str
    limit: str
    text: str


class Granted(NamedTuple):
    """What the next call may use (None: as much as it likes); `last` when a further one would find too little."""

    tokens: int | None
    cost_usd: float | None
    last: bool


class Busy(NamedTuple):
    """All that is left is held for calls under way: ask again when one of them has ended."""


Answer: TypeAlias = Reached | Granted | Busy


@dataclass(eq=False)
class Account:
    """One attempt's: what it has said it used, and what is held for its call under way."""

    attempt: uuid.UUID
    #: Scope -> whose, such as "group" -> its id.
    owners: dict[str, str]
    said: Spent = field(default_factory=Spent)
    held_tokens: int = 0
    held_usd: float = 0.0
    calling: bool = False
    #: Tokens and dollars of its largest call.
    largest: int = 0
    dearest: float = 0.0
    #: When it ended, in the clock of whoever keeps the till.
    ended_at: float | None = None

    def take(self, used: Spent) -> None:
        """A call has ended and used this."""
        self.said = self.said.plus(used)
        self.largest = max(self.largest, used.tokens)
        self.dearest = max(self.dearest, used.cost_usd)
        self.release()

    def shares(self, others: Sequence[Account], standing: Sequence[tuple[Cap, Spent]]) -> bool:
        """Whether one of these caps stands over any of the others too."""
        scopes = [cap.scope for cap, _ in standing]
        return any(
            other.owners.get(scope) == self.owners[scope] for other in others for scope in scopes
        )

    def release(self) -> None:
        """No call is under way."""
        self.held_tokens, self.held_usd, self.calling = 0, 0.0, False


def reached(cap: Cap, spent: Spent) -> Reached | None:
    """Which of the cap's limits is used up, tokens first; None while something is left."""
    if cap.max_tokens is not None and spent.tokens >= cap.max_tokens:
        return Reached(cap.scope, "tokens", _told(cap, f"{cap.max_tokens:,} tokens"))
    if cap.max_cost_usd is not None and cap.max_cost_usd - spent.cost_usd < DUST:
        return Reached(cap.scope, "cost", _told(cap, f"${dollars(cap.max_cost_usd)}"))
    return None


def grant(mine: Account, standing: Sequence[tuple[Cap, Spent]], all_: Sequence[Account]) -> Answer:
    """Answer an attempt that is about to call, and hold for it what it is granted.

    `standing` are the caps with what was used under each as stored, the attempts of `all_` left out; `all_` are the
    attempts of this process, `mine` among them. Those about to call share what is left evenly, so that several
    together use no more than there is as long as each keeps to what it was granted.
    """
    mine.release()
    tokens: int | None = None
    usd: float | None = None
    last = False
    for cap, stored in standing:
        ours = [a for a in all_ if a.owners.get(cap.scope) == mine.owners[cap.scope]]
        spent = stored
        for account in ours:
            spent = spent.plus(account.said)
        if found := reached(cap, spent):
            return found
        rivals = sum(not account.calling and account.ended_at is None for account in ours) or 1
        if cap.max_tokens is not None:
            rest = cap.max_tokens - spent.tokens
            share = -(-(rest - sum(account.held_tokens for account in ours)) // rivals)
            tokens = share if tokens is None else min(tokens, share)
            last = last or rest < 2 * mine.largest
        if cap.max_cost_usd is not None:
            money = cap.max_cost_usd - spent.cost_usd
            part = (money - sum(account.held_usd for account in ours)) / rivals
            usd = part if usd is None else min(usd, part)
            last = last or money < 2 * mine.dearest
    if (tokens is not None and tokens <= 0) or (usd is not None and usd < DUST):
        return Busy()
    tokens = None if tokens is None else min(tokens, MOST_TOKENS)
    usd = None if usd is None else min(usd, MOST_USD)
    mine.held_tokens, mine.held_usd, mine.calling = tokens or 0, usd or 0.0, True
    return Granted(tokens, usd, last)


def _told(cap: Cap, amount: str) -> str:
    return f"{WHOSE[cap.scope]} cap of {amount} is reached."


def dollars(amount: float, places: int = 6) -> str:
    """Cents, and as many further places as it has, up to `places`."""
    whole, _, rest = f"{amount:,.{places}f}".partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"
