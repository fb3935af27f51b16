"""INSERT of many rows at once, put together once per table: Django builds every statement anew, which costs more time
than a database needs to carry it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, Final

from django.db import models

#: Values in one statement; SQLite takes up to 32,766.
MOST: Final = 30_000
#: How PostgreSQL reads the rows of each table from arrays.
_UNNEST: Final[dict[type[models.Model], str]] = {}


@cache
def _columns(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """What is written of a row: all but a number that the database gives."""
    return [
        field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)
    ]


@cache
def _sql(
    model: type[models.Model], key: tuple[str, ...], change: tuple[str, ...], back: tuple[str, ...]
) -> tuple[str, str]:
    """What stands before and after the values."""
    names = ", ".join(_quoted(str(field.column)) for field in _columns(model))
    before = f'INSERT INTO "{model._meta.db_table}" ({names}) '
    after = ""
    if key:
        after = f" ON CONFLICT ({', '.join(map(_quoted, key))}) DO "
        sets = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in change)
        after += f"UPDATE SET {sets}" if change else "NOTHING"
    if back:
        after += f" RETURNING {', '.join(map(_quoted, back))}"
    return before, after


def _quoted(name: str) -> str:
    return f'"{name}"'


def insert(
    connection: Any,
    model: type[models.Model],
    rows: Iterable[Mapping[str, Any]],
    *,
    key: tuple[str, ...] = (),
    change: tuple[str, ...] = (),
    back: tuple[str, ...] = (),
) -> list[tuple[Any, ...]]:
    """Insert the rows; one whose `key` there is already changes these columns of the other, or nothing.

    Rows give a value for every column. Gives the columns `back` of each row inserted or changed.
    """
    before, after = _sql(model, key, change, back)
    values = _values if connection.vendor == "sqlite" else _arrays
    found: list[tuple[Any, ...]] = []
    rows = list(rows)
    size = MOST // len(_columns(model))
    for start in range(0, len(rows), size):
        sql, parameters = values(connection, model, rows[start : start + size])
        with connection.cursor() as cursor:
            cursor.execute(before + sql + after, parameters)
            if back:
                found += cursor.fetchall()
    return found


def _values(
    connection: Any, model: type[models.Model], rows: Sequence[Mapping[str, Any]]
) -> tuple[str, list[Any]]:
    """The rows as SQLite takes them."""
    columns = _columns(model)
    place = f"({', '.join(['%s'] * len(columns))})"
    return "VALUES " + ", ".join([place] * len(rows)), [
        field.get_db_prep_save(row[field.attname], connection) for row in rows for field in columns
    ]


def _arrays(
    connection: Any, model: type[models.Model], rows: Sequence[Mapping[str, Any]]
) -> tuple[str, list[Any]]:
    """The rows as PostgreSQL takes them: an array for each column, so that the statement is short and one and the
    same however many there are (a driver that has to find a thousand places takes longer than the server)."""
    if model not in _UNNEST:
        # Without lengths: a cast to one would cut off what is too long instead of refusing it.
        types = [str(field.db_type(connection)).partition("(")[0] for field in _columns(model)]
        places = ", ".join(f"%s::{kind}[]" for kind in types)
        _UNNEST[model] = f"SELECT * FROM unnest({places})"
    return _UNNEST[model], [
        [value.value if isinstance(value := row[field.attname], Enum) else value for row in rows]
        for field in _columns(model)
    ]
