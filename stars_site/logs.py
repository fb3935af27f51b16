"""What no log may show: the addresses at which agents' programs answer once, for whoever knows one may answer."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from daphne.access import AccessLogGenerator

_ADDRESS: Final = re.compile(r"(/api/v1/callbacks/)[^/\s\"']+")


def hidden(text: str) -> str:
    """The text without the tokens in such addresses."""
    return _ADDRESS.sub(r"\1***", text)


class Formatter(logging.Formatter):
    """Lines without them, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging."""
        return hidden(super().format(record))


def install() -> None:
    """Have Daphne's log of requests be without them, whoever starts it."""
    AccessLogGenerator.write_entry = _hiding(AccessLogGenerator.write_entry)


def _hiding(write: Callable[..., None]) -> Callable[..., None]:
    @wraps(write)
    def write_entry(log: Any, *, request: str, **entry: Any) -> None:
        write(log, request=hidden(request), **entry)

    return write_entry
