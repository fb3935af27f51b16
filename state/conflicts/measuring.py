"""Calling what others have added: within a budget, and with every failure told under its name."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeVar

from state.errors import StarsError

logger = logging.getLogger(__name__)

#: Seconds that finding a conflict, and settling one, may take.
RULE_BUDGET: Final = 0.1
RESOLVER_BUDGET: Final = 1.0

T = TypeVar("T")


def failed(kind: str, name: str, what: str) -> StarsError:
    """The error (500) of a rule or resolver that did not do its part."""
    return StarsError(f"The {kind} {name!r} {what}; nothing was written.", extra={kind: name})


def measured(
    clock: Callable[[], float], kind: str, name: str, budget: float, call: Callable[[], T]
) -> T:
    """What `call` answers. Raises StarsError (500), naming it, when it raises or takes longer than `budget` seconds.

    It is not interrupted: rules are pure and short, and an answer that came late is thrown away.
    """
    started = clock()
    try:
        answer = call()
    except Exception as error:
        raise failed(kind, name, "failed") from error
    took = clock() - started
    if took > budget:
        logger.warning("The %s %r took %.0f ms of %.0f", kind, name, took * 1e3, budget * 1e3)
        raise failed(kind, name, "took too long")
    return answer
