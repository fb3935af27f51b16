"""Best-effort events of syncing: a bus that is full or closed must not fail what stands."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from state.errors import StarsError
from state.values import EventType, StateEvent

logger = logging.getLogger(__name__)

Publish = Callable[[StateEvent], None]


def tell(
    publish: Publish,
    kind: EventType,
    at: datetime,
    *,
    space: str,
    agent: str = "",
    state: str = "",
    **metadata: Any,
) -> None:
    """Pass an event on, or log that it was not."""
    event = StateEvent(
        type=kind,
        timestamp=at,
        space=space,
        agent_id=agent,
        state_id=state,
        metadata=metadata,
    )
    try:
        publish(event)
    except StarsError as error:
        logger.warning("an event was not delivered: %s", error, extra={"type": kind})
