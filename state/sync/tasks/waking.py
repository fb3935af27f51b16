"""Has a worker look when something is new to a webhook, without asking the database at every commit."""

from __future__ import annotations

import logging
import time
from typing import Final

from django.db import DatabaseError

from state import queue
from state.models import Connection

logger = logging.getLogger(__name__)

#: Seconds for which it is remembered which spaces have webhooks; beat rings meanwhile for those that are new.
REMEMBERED: Final = 5.0


class Waking:
    """Of one process. Thread-safe: at worst it looks twice."""

    def __init__(self) -> None:
        self._spaces: frozenset[str] = frozenset()
        self._looked_at = float("-inf")

    def changed(self, space: str) -> None:
        """A commit of the space stands. Does not raise: beat rings as well."""
        if time.monotonic() - self._looked_at > REMEMBERED:
            self._looked_at = time.monotonic()
            try:
                self._spaces = _with_webhooks()
            except DatabaseError as error:
                logger.warning("webhooks are told of changes a little later: %s", error)
        if space in self._spaces:
            queue.ring()


def _with_webhooks() -> frozenset[str]:
    rows = Connection.objects.filter(ended_at__isnull=True).exclude(address="").order_by()
    return frozenset(rows.values_list("space", flat=True).distinct())
