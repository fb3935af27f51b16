"""Guessing passwords is slow: wrong ones are counted by address and name, at whichever door they were tried."""

from __future__ import annotations

import hashlib
import logging
from typing import Any, Final, Protocol

from django.conf import settings
from django.core.cache import cache

logger = logging.getLogger(__name__)

#: Wrong passwords from one address, for one name and for any, before it must wait, and how long (seconds).
ATTEMPTS: Final = 10
ATTEMPTS_ANY: Final = 100
WINDOW: Final = 300


class Asking(Protocol):
    """A request of Django or of its REST framework."""

    META: dict[str, Any]


def client_address(request: Asking) -> str:
    """The address of whoever asks, of which a client may claim nothing.

    Only the proxy in front of an https site is believed to pass it on: the last one it names is the one it saw.
    """
    passed_on = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.STARS_HTTPS else ""
    return passed_on.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))


def are_too_many(request: Asking, name: str) -> bool:
    """Whether this address must wait before it tries a password for that name, be it the right one."""
    one, any_name = _keys(request, name)
    try:
        counts = cache.get_many([one, any_name])
    except Exception:
        # Redis is away. Nobody signs in for that long, or somebody guesses: the latter does less harm.
        logger.exception("wrong passwords are not counted")
        return False
    return bool(counts.get(one, 0) >= ATTEMPTS or counts.get(any_name, 0) >= ATTEMPTS_ANY)


def count(request: Asking, name: str) -> None:
    """A password was wrong."""
    for key in _keys(request, name):
        try:
            cache.add(key, 0, WINDOW)
            cache.incr(key)
        except ValueError:
            # It expired in between: the count begins anew.
            cache.set(key, 1, WINDOW)
        except Exception:
            logger.exception("a wrong password was not counted")


def forget(request: Asking, name: str) -> None:
    """The right one was found; what was tried for other names still counts."""
    try:
        cache.delete(_keys(request, name)[0])
    except Exception:
        logger.exception("wrong passwords were not forgotten")


def _keys(request: Asking, name: str) -> tuple[str, str]:
    """The cache keys of this address and name, and of the address; hashed, since a name may hold what a key may not."""
    address = client_address(request)
    texts = (f"{address}|{name.strip().lower()}", address)
    one, any_name = (
        "guesses:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        for text in texts
    )
    return one, any_name
