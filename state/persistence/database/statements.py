"""INSERT of many rows at once, put together once per table: Django builds every statement anew, which costs more time
than PostgreSQL needs to carry it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from django.db import models

#: Values in one statement; SQLite takes up to 32,766.
MOST: Final = 30_000


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
    names = ", ".join(f'"{field.column}"' for field in _columns(model))
    before = f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES '
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
    columns = _columns(model)
    before, after = _sql(model, key, change, back)
    place = f"({', '.join(['%s'] * len(columns))})"
    found: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        for part in _parts(list(rows), MOST // len(columns)):
            values = [
                field.get_db_prep_save(row[field.attname], connection)
                for row in part
                for field in columns
            ]
            cursor.execute(before + ", ".join([place] * len(part)) + after, values)
            if back:
                found += cursor.fetchall()
    return found


def _parts(rows: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
