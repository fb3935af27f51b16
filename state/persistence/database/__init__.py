"""States in the database of the site, PostgreSQL or SQLite: the same statements on both."""

from __future__ import annotations

from state.persistence.database.layer import DatabasePersistence

__all__ = ["DatabasePersistence"]
