"""Writes rows in as few statements and round trips as the database allows; for the engine's hot path.

What the ORM would compile again each time is compiled once per table here, from the same model fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec
from django.db import connection, models
from django.db.models import Field, Model

_Field: TypeAlias = "Field[Any, Any]"
#: A model and the attributes to write: of new rows (True) or of stored ones.
_Kind: TypeAlias = tuple[type[Model], bool, tuple[str, ...]]

_encode: Final = msgspec.json.Encoder().encode


class Writes:
    """Inserts and updates, gathered and then written together by `flush`, in the order of their first row."""

    def __init__(self) -> None:
        self._rows: dict[_Kind, list[object]] = {}

    def insert(self, model: type[Model], rows: Sequence[object]) -> None:
        """Insert these rows of the model: its instances, or whatever has the same attributes.

        Keys that the database counts are not read back.
        """
        if rows:
            self._rows.setdefault((model, True, _all_names(model)), []).extend(rows)

    def update(self, row: Model, names: Sequence[str]) -> None:
        """Write these attributes of a stored row; nothing when there are none."""
        if names:
            self._rows.setdefault((type(row), False, tuple(names)), []).append(row)

    def flush(self) -> None:
        """Write it all inside the caller's transaction; on PostgreSQL in one round trip."""
        rows, self._rows = self._rows, {}
        if not rows:
            return
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                sql = ";".join(_from_json(kind) for kind in rows)
                cursor.execute(sql, [_as_json(kind, some) for kind, some in rows.items()])
            else:
                for kind, some in rows.items():
                    cursor.executemany(_one_by_one(kind), _as_values(kind, some))
        for (_, new, _), some in rows.items():
            if new:
                for row in some:
                    if isinstance(row, Model):
                        row._state.adding = False


def _as_json(kind: _Kind, rows: Sequence[object]) -> str:
    """The rows as one JSON text: encoded in one go, where binding each value would cost more than storing it."""
    names = _with_key(kind)
    return _encode([{name: getattr(row, name) for name in names} for row in rows]).decode()


@cache
def _from_json(kind: _Kind) -> str:
    """The statement that takes `_as_json`; PostgreSQL docs, 9.16 "JSON Functions", json_to_recordset."""
    model, new, names = kind
    fields = _fields(model)
    shape = ",".join(
        f"{_quoted(name)} {fields[name].db_type(connection)}" for name in _with_key(kind)
    )
    source = f"json_to_recordset(%s::json) AS r({shape})"
    table = _quoted(model._meta.db_table)
    if new:
        columns = ",".join(_column(fields[name]) for name in names)
        return (
            f"INSERT INTO {table} ({columns}) SELECT {','.join(map(_quoted, names))} FROM {source}"
        )
    sets = ",".join(f"{_column(fields[name])}=r.{_quoted(name)}" for name in names)
    key = model._meta.pk
    where = f"{table}.{_column(key)}=r.{_quoted(key.attname)}"
    return f"UPDATE {table} SET {sets} FROM {source} WHERE {where}"


@cache
def _one_by_one(kind: _Kind) -> str:
    """The statement that takes the values of one row."""
    model, new, names = kind
    fields = _fields(model)
    table = _quoted(model._meta.db_table)
    if new:
        columns = ",".join(_column(fields[name]) for name in names)
        return f"INSERT INTO {table} ({columns}) VALUES ({','.join(['%s'] * len(names))})"
    sets = ",".join(f"{_column(fields[name])}=%s" for name in names)
    return f"UPDATE {table} SET {sets} WHERE {_column(model._meta.pk)}=%s"


def _as_values(kind: _Kind, rows: Sequence[object]) -> list[list[Any]]:
    fields = [_fields(kind[0])[name] for name in _with_key(kind)]
    return [
        [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
        for row in rows
    ]


def _with_key(kind: _Kind) -> tuple[str, ...]:
    model, new, names = kind
    return names if new else (*names, model._meta.pk.attname)


@cache
def _fields(model: type[Model]) -> dict[str, _Field]:
    return {field.attname: field for field in model._meta.concrete_fields}


@cache
def _all_names(model: type[Model]) -> tuple[str, ...]:
    """All attributes with a column, but for keys that the database counts."""
    fields = model._meta.concrete_fields
    return tuple(field.attname for field in fields if not isinstance(field, models.AutoField))


def _column(field: _Field) -> str:
    assert field.column is not None  # concrete
    return _quoted(field.column)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
