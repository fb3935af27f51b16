"""What the actor may see, so asked that the newest of it are found by an index on time and not by sorting it all."""

from __future__ import annotations

from typing import Final, TypeVar

from django.contrib.auth.models import User
from django.db.models import Exists, Model, OuterRef, QuerySet

from groups.access import sees_all, visible_groups
from groups.execution.statuses import RUN_ENDED, RunStatus

M = TypeVar("M", bound=Model)

#: In the order in which the index of runs under way names them: SQLite uses a partial index only for its own words.
ENDED: Final = [status for status in RunStatus if status in RUN_ENDED]


def seen(rows: QuerySet[M], actor: User) -> QuerySet[M]:
    """Of rows that have a `group` those of groups that the actor may see."""
    if sees_all(actor):
        return rows
    return rows.filter(Exists(visible_groups(actor).filter(pk=OuterRef("group"))))
