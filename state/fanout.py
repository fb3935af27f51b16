"""The process's hub: topic -> listeners of this process, one Redis subscription per process (embedded: none).

Messages are hints with data: whoever listens checks continuity and reads what is missing from the database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Outgoing(NamedTuple):
    """One message for one topic. `first` and `last` number what it carries (0: it is not numbered)."""

    topic: str
    payload: bytes
    first: int = 0
    last: int = 0


Listener = Callable[[Outgoing], None]
