"""What an error of a database driver says of the work it interrupted."""

from __future__ import annotations

import sqlite3
from typing import Final

from django.db import DatabaseError, InterfaceError, OperationalError

#: What the drivers raise when the server is away, busy or has stopped us.
AWAY: Final = (OperationalError, InterfaceError)

# Classes of SQLSTATE (PostgreSQL, appendix A).
_CONNECTION: Final = ("08", "57P")
_ROLLED_BACK: Final = "40"


def _sqlstate(error: BaseException) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)


def _sqlite_code(error: BaseException) -> int | None:
    """The primary result code of SQLite; None: the error is another database's."""
    cause = error.__cause__
    if not isinstance(cause, sqlite3.Error):
        return None
    return int(getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def is_gone(error: BaseException) -> bool:
    """Whether the connection broke, so that another one may do."""
    if _sqlite_code(error) is not None:
        return False
    state = _sqlstate(error)
    return state is None or state.startswith(_CONNECTION)


def is_lost(error: BaseException) -> bool:
    """Whether a COMMIT that failed like this may have taken place all the same."""
    code = _sqlite_code(error)
    return code == sqlite3.SQLITE_IOERR if code is not None else is_gone(error)


def is_passing(error: BaseException) -> bool:
    """Whether the same work may succeed at once: on a new connection, or where it no longer stands in a circle of
    locks."""
    return is_gone(error) or (_sqlstate(error) or "").startswith(_ROLLED_BACK)


def is_deadlock(error: BaseException) -> bool:
    """Whether the server broke a circle of locks here; what precedes the savepoint still stands."""
    return _sqlstate(error) == "40P01"


def is_mistake(error: BaseException) -> bool:
    """Whether the statement is wrong: SQLite says so with the error it also uses for a server that is away."""
    return _sqlite_code(error) == sqlite3.SQLITE_ERROR


def is_damage(error: DatabaseError) -> bool:
    """Whether the file of the database is not what it should be."""
    return _sqlite_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_missing_table(error: DatabaseError) -> bool:
    """Whether the database has not been migrated."""
    return _sqlstate(error) == "42P01" or "no such table" in str(error)
