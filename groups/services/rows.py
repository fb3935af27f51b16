"""Writes rows in as few statements and round trips as the database allows; for the engine's hot path.

What the ORM would compile again each time is compiled once per table here, from the same model fields.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

from django.db import connection, models
from django.db.models import Field, Model

_Field: TypeAlias = "Field[Any, Any]"

#: Rows in one INSERT at most.
_AT_ONCE: Final = 500


class Writes:
    """Inserts and updates gathered in order, then written together by `flush`."""

    def __init__(self) -> None:
        self._todo: list[tuple[str, list[list[Any]]]] = []

    def insert(self, rows: Sequence[Model]) -> None:
        """Insert these rows of one model; keys that the database gives are not read back."""
        if not rows:
            return
        head, fields = _insert_into(type(rows[0]))
        values = [
            [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
            for row in rows
        ]
        self._todo.append((head, values))
        for row in rows:
            row._state.adding = False

    def update(self, row: Model, names: Sequence[str]) -> None:
        """Write these attributes of a stored row; nothing when there are none."""
        if names:
            fields = [_fields(type(row))[name] for name in (*names, type(row)._meta.pk.attname)]
            values = [f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields]
            self._todo.append((_update_of(type(row), tuple(names)), [values]))

    def flush(self) -> None:
        """Write it all inside the caller's transaction; on PostgreSQL in one round trip."""
        todo, self._todo = self._todo, []
        if not todo:
            return
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                statements = [text for sql, rows in todo for text in _texts(sql, rows)]
                sql = ";".join(text for text, _ in statements)
                cursor.execute(sql, [value for _, values in statements for value in values])
            else:
                grouped: dict[str, list[list[Any]]] = defaultdict(list)
                for sql, rows in todo:
                    grouped[sql] += rows
                for sql, rows in grouped.items():
                    one = f"{sql} ({_marks(len(rows[0]))})" if sql.startswith("INSERT") else sql
                    cursor.executemany(one, rows)


def _texts(sql: str, rows: list[list[Any]]) -> Iterable[tuple[str, list[Any]]]:
    """The statement with its values; an INSERT takes many rows."""
    if not sql.startswith("INSERT"):
        yield sql, rows[0]
        return
    marks = f"({_marks(len(rows[0]))})"
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        yield sql + ",".join([marks] * len(part)), [value for row in part for value in row]


def _marks(count: int) -> str:
    return ",".join(["%s"] * count)


@cache
def _fields(model: type[Model]) -> dict[str, _Field]:
    return {field.attname: field for field in model._meta.concrete_fields}


@cache
def _insert_into(model: type[Model]) -> tuple[str, list[_Field]]:
    """The head of an INSERT, and the fields it gives values for (all but keys that the database counts)."""
    fields = [f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField)]
    columns = ",".join(map(_column, fields))
    return f"INSERT INTO {_quoted(model._meta.db_table)} ({columns}) VALUES ", fields


@cache
def _update_of(model: type[Model], names: tuple[str, ...]) -> str:
    fields = _fields(model)
    sets = ",".join(f"{_column(fields[name])}=%s" for name in names)
    key = _column(fields[model._meta.pk.attname])
    return f"UPDATE {_quoted(model._meta.db_table)} SET {sets} WHERE {key}=%s"


def _column(field: _Field) -> str:
    assert field.column is not None  # concrete
    return _quoted(field.column)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
