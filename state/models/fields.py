"""Fields that behave alike on PostgreSQL and SQLite."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import uuid_utils.compat
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    import uuid

    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField


class WordField(_CharField):
    """A name, of any length, in the order of its code points wherever it is kept.

    PostgreSQL would otherwise sort by the language of its installation, and pages of lists would differ from those
    of all other stores.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """Adds the collation that SQLite has anyway."""
        parameters: Any = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


def new_id() -> uuid.UUID:
    """A UUID version 7 (RFC 9562, 5.7): ordered by time, so that new rows lie together."""
    return uuid_utils.compat.uuid7()


def choices(enum: type[StrEnum]) -> list[tuple[str, str]]:
    """An enum's values as a field takes them."""
    return [(item.value, item.value) for item in enum]
