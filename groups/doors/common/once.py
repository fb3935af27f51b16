"""Starting a run once, however often a client asks for it with the same key."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.db import IntegrityError

from groups import access
from groups.identity import Identity
from groups.models import Level, Run
from groups.services import runs
from state import conf, pace

_NAMES: Final = uuid.UUID("7a3f4c7e-52a6-4c0e-9a55-3d2e6f0b81aa")


def name_of(text: str) -> uuid.UUID:
    """A name of fixed length for any text, the same each time (RFC 9562, version 5)."""
    return uuid.uuid5(_NAMES, text)


def started(who: Identity, group_id: str, key: str, **fields: Any) -> Run:
    """The run that the caller began in this group with that key, or (no key, or a new one) a new run of `fields`.

    Raises GroupNotFound, LevelTooLow, TooFast, and what `services.runs.start` raises.
    """
    group = access.get_group(who.user, group_id, Level.OPERATOR)
    # The run's id is made from the key, so that a second one cannot be stored.
    found_id = name_of(f"{who.user.pk}\n{group.id}\n{key}") if key else None
    if found_id and (found := Run.objects.filter(id=found_id).first()):
        return found
    pace.check(conf.manager().limits, who.user.pk, "")
    try:
        return runs.start(actor=who.user, group=group, id=found_id, **fields)
    except IntegrityError:
        # Its twin came first.
        if found_id and (found := Run.objects.filter(id=found_id).first()):
            return found
        raise
