"""What the processes of the installation say of themselves, so that pages can tell who lives and what is free."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from groups.models import Process, ProcessKind

#: Seconds between two words of a process.
EVERY: Final = 5.0
#: One that ended without a word is told of for so long, then forgotten.
FORGOTTEN: Final = timedelta(minutes=15)


def heard(
    *,
    kind: ProcessKind,
    name: str,
    started_at: datetime,
    slots: int = 0,
    free: int = 0,
    swept_at: datetime | None = None,
) -> None:
    """The process lives and stands like this; what has long been silent is forgotten on the way."""
    now = timezone.now()
    stands = {"slots": slots, "free": free, "heard_at": now, "started_at": started_at}
    if swept_at is not None:
        stands["swept_at"] = swept_at
    known = Process.objects.filter(kind=kind, name=name)
    if not known.update(**stands):
        Process.objects.filter(heard_at__lt=now - FORGOTTEN).delete()
        Process.objects.update_or_create(kind=kind, name=name, defaults=stands)


def gone(*, kind: ProcessKind, name: str) -> None:
    """The process ends in order: nobody is to look for it."""
    Process.objects.filter(kind=kind, name=name).delete()
