"""Statements that every write or read needs, put together once: Django builds each anew, which costs more time than a
database needs to carry it out. PostgreSQL gets several in one message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from itertools import chain, islice
from typing import Any, Final

from django.db import models

#: SQL and its parameters.
Statement = tuple[str, list[Any]]
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
    model: type[models.Model],
    key: tuple[str, ...],
    change: tuple[str, ...],
    back: tuple[str, ...],
    numbered: bool,
) -> tuple[str, str]:
    """What stands before and after the values."""
    columns = [str(field.column) for field in _columns(model)]
    names = ", ".join(map(quoted, columns))
    before, after = f'INSERT INTO "{model._meta.db_table}" ({names}) ', ""
    if numbered:
        chosen = ", ".join(
            f"given.{quoted(name)}" + (" + space.revision" if name == "revision" else "")
            for name in columns
        )
        # SQLite needs the WHERE to tell what comes after it from a condition of the JOIN.
        after = (
            f") {before}SELECT {chosen} FROM given"
            " JOIN state_space AS space ON space.id = given.space_id WHERE TRUE"
        )
        before = f"WITH given ({names}) AS ("
    if key:
        after += f" ON CONFLICT ({', '.join(map(quoted, key))}) DO "
        sets = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in change)
        after += f"UPDATE SET {sets}" if change else "NOTHING"
    if back:
        after += f" RETURNING {', '.join(map(quoted, back))}"
    return before, after


def quoted(name: str) -> str:
    """The name of a column in SQL."""
    return f'"{name}"'


def send(connection: Any, *groups: Sequence[Statement]) -> list[list[tuple[Any, ...]]]:
    """Carry out the statements in their order, on PostgreSQL in one message; the rows that each group gives."""
    statements = list(chain(*groups))
    found: list[list[tuple[Any, ...]]] = []
    if statements:
        with connection.cursor() as cursor:
            if takes_many(connection):
                sql = "; ".join(sql for sql, _ in statements)
                cursor.execute(sql, list(chain(*(parameters for _, parameters in statements))))
                found.append(_rows(cursor))
                while cursor.nextset():
                    found.append(_rows(cursor))
            else:
                for sql, parameters in statements:
                    cursor.execute(sql, parameters)
                    found.append(_rows(cursor))
    each = iter(found)
    return [list(chain(*islice(each, len(group)))) for group in groups]


def takes_many(connection: Any) -> bool:
    """Whether one message may hold several statements: where the driver itself puts the values into the SQL."""
    if connection.vendor == "sqlite":
        return False
    return not connection.settings_dict["OPTIONS"].get("server_side_binding")


def _rows(cursor: Any) -> list[tuple[Any, ...]]:
    """What the statement gives. To be asked of every one: SQLite has written when all was fetched."""
    rows: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
    return rows


def among(connection: Any, column: str, values: Sequence[str]) -> Statement:
    """A condition: the column holds one of these words. The same on PostgreSQL however many there are."""
    if connection.vendor == "sqlite":
        return f"{quoted(column)} IN ({', '.join(['%s'] * len(values))})", list(values)
    return f"{quoted(column)} = ANY(%s::text[])", [list(values)]


def insert(
    connection: Any,
    model: type[models.Model],
    rows: Iterable[Mapping[str, Any]],
    *,
    key: tuple[str, ...] = (),
    change: tuple[str, ...] = (),
) -> None:
    """Carry out `inserting`."""
    send(connection, inserting(connection, model, rows, key=key, change=change))


def inserting(
    connection: Any,
    model: type[models.Model],
    rows: Iterable[Mapping[str, Any]],
    *,
    key: tuple[str, ...] = (),
    change: tuple[str, ...] = (),
    back: tuple[str, ...] = (),
    numbered: bool = False,
) -> list[Statement]:
    """INSERT of the rows; one whose `key` there is already changes these columns of the other, or nothing.

    Rows give a value for every column; with `numbered` the `revision` counts from the one that their space has then,
    and rows of a space that is not there are left out. Gives the columns `back` of each row inserted or changed.
    """
    before, after = _sql(model, key, change, back, numbered)
    values = _values if connection.vendor == "sqlite" else _arrays
    rows = list(rows)
    size = MOST // len(_columns(model))
    found: list[Statement] = []
    for start in range(0, len(rows), size):
        sql, parameters = values(connection, model, rows[start : start + size])
        found.append((before + sql + after, parameters))
    return found


def _values(
    connection: Any, model: type[models.Model], rows: Sequence[Mapping[str, Any]]
) -> Statement:
    """The rows as SQLite takes them."""
    columns = _columns(model)
    place = f"({', '.join(['%s'] * len(columns))})"
    return "VALUES " + ", ".join([place] * len(rows)), [
        field.get_db_prep_save(row[field.attname], connection) for row in rows for field in columns
    ]


def _arrays(
    connection: Any, model: type[models.Model], rows: Sequence[Mapping[str, Any]]
) -> Statement:
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
