"""Leases on rows: whoever holds one works on the row, and another may when it is over (shared-state 1.12)."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import uuid4

from django.db import Error, close_old_connections, connection, transaction
from django.db.models import Q, QuerySet

from state.models import Connection, SyncTask

M = TypeVar("M", Connection, SyncTask)

logger = logging.getLogger(__name__)

#: How long, unless extended.
LEASE: Final = timedelta(seconds=60)
#: What this process could not give back, for the database was away.
_owed: list[tuple[Connection | SyncTask, dict[str, Any]]] = []
_lock = threading.Lock()


def take(rows: QuerySet[M], now: datetime, **changes: Any) -> M | None:
    """Lease the first of the rows that nobody works on, changing it as told; None when there is none.

    PostgreSQL passes over rows that others are just taking; SQLite has one writer at a time.
    """
    free = rows.filter(Q(lease_until__isnull=True) | Q(lease_until__lte=now))
    if not free.exists():
        return None  # without keeping other writers of an SQLite waiting
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        row = free.select_for_update(skip_locked=skip).first()
        if row is None:
            return None
        changes |= {"lease": uuid4().hex, "lease_until": now + LEASE}
        if not free.filter(pk=row.pk).update(**changes):
            return None
    for name, value in changes.items():
        setattr(row, name, value)
    return row


def extend(row: M, now: datetime, *, lasting: timedelta = LEASE, **changes: Any) -> bool:
    """Keep the lease from now on, changing the row as told; False when it is lost."""
    return _change(row, {"lease_until": now + lasting, **changes})


def release(row: Connection | SyncTask, **changes: Any) -> bool:
    """Give the lease back, changing the row as told; False (and nothing is changed) when it was lost before.

    Does not raise when the database breaks off: it is connected to again, and while it is away the lease is owed until
    `settle`.
    """
    changes = {"lease": "", "lease_until": None, **changes}
    try:
        return _change(row, changes)
    except Error:
        close_old_connections()
    try:
        return _change(row, changes)
    except Error as error:
        logger.warning("a lease is given back later: %s", error, extra={"row": str(row.pk)})
        with _lock:
            _owed.append((row, changes))
        return False


def settle() -> None:
    """Give back what is owed, for the database may be there again. Does not raise for its sake."""
    with _lock:
        owed = _owed.copy()
        _owed.clear()
    for row, changes in owed:
        release(row, **changes)


def _change(row: Connection | SyncTask, changes: dict[str, Any]) -> bool:
    # Who ends or cancels what the row stands for clears the lease.
    return bool(type(row)._default_manager.filter(pk=row.pk, lease=row.lease).update(**changes))
