"""What the processes of the installation say of themselves, so that pages can tell who lives and what is free."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from groups.models import Process, ProcessKind

#: Seconds between two words of a process.
EVERY: Final = 5.0
#: One that ended without a word is told of for so long, then forgotten.
FORGOTTEN: Final = timedelta(minutes=3)


def heard(
    *,
    kind: ProcessKind,
    name: str,
    started_at: datetime,
    slots: int = 0,
    free: int = 0,
    swept_at: datetime | None = None,
) -> None:
    """The process lives and stands like this; with its first word, those that it replaces and those that have long
    been silent are forgotten."""
    now = timezone.now()
    stands = {"slots": slots, "free": free, "heard_at": now, "started_at": started_at}
    if swept_at is not None:
        stands["swept_at"] = swept_at
    known = Process.objects.filter(kind=kind, name=name)
    if not known.update(**stands):
        others = Process.objects.values_list("name", flat=True).distinct()
        replaced = Q(name__in=list(filter(dead_here(name), others)))
        Process.objects.filter(replaced | Q(heard_at__lt=now - FORGOTTEN)).delete()
        Process.objects.update_or_create(kind=kind, name=name, defaults=stands)


def gone(*, kind: ProcessKind, name: str) -> None:
    """The process ends in order: nobody is to look for it."""
    Process.objects.filter(kind=kind, name=name).delete()


def dead_here(owner: str) -> Callable[[str], bool]:
    """Tells of an owner's name whether it was a process of this machine (and pid namespace) that has ended."""
    home = owner.rpartition("/")[0]

    def is_dead(name: str) -> bool:
        where, _, pid = name.rpartition("/")
        if where != home or not pid.isdigit() or name == owner:
            return False
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    return is_dead
