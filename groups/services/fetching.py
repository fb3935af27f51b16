"""Reads whole rows by SQL that is put together once; for the engine's hot path.

Compiling such a query by the ORM costs several times what the database takes to answer it. What comes back are
the models' own instances, converted by the models' own fields.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connection
from django.db.models import ForeignKey, Model

_M = TypeVar("_M", bound=Model)


class _Part(NamedTuple):
    """The columns of one model within a SELECT."""

    names: list[str]
    columns: str
    #: (place in the row, converters, expression) of those values that the driver does not give as they should be.
    converters: list[tuple[int, list[Callable[..., Any]], Any]]


class Query(NamedTuple, Generic[_M]):
    """A SELECT whose rows are instances of one model."""

    sql: str
    params: list[Any]
    read: Callable[[Sequence[Any]], _M]


def select(
    model: type[_M],
    tail: str,
    params: Sequence[Any],
    *,
    with_: str = "",
    without: tuple[str, ...] = (),
    extra: tuple[str, ...] = (),
    lock: str = "",
) -> Query[_M]:
    """The rows of `model` that `tail` (JOIN, WHERE, ORDER BY) selects; `params` fill its placeholders.

    `with_` names a foreign key whose row comes along, `without` attributes to defer, `extra` boolean attributes as
    "SQL AS name"; `lock` is PostgreSQL's locking clause (SQLite's transactions lock the whole file).
    """
    table = _name(model)
    part = _part(model, without)
    source, columns = table, [part.columns]
    other = _related(model, with_) if with_ else None
    beside = _part(other, ()) if other is not None else None
    if other is not None and beside is not None:
        column = _quote(f"{with_}_id")
        source += f" JOIN {_name(other)} ON {table}.{column}={_name(other)}.{_key(other)}"
        columns.append(beside.columns)
    own = len(part.names)
    flags = [text.rpartition(" AS ")[2] for text in extra]

    def read(row: Sequence[Any]) -> _M:
        instance = _instance(model, part, row[:own])
        if other is not None and beside is not None:
            related = _instance(other, beside, row[own : own + len(beside.names)])
            setattr(instance, with_, related)
        for name, value in zip(flags, row[len(row) - len(flags) :], strict=True):
            setattr(instance, name, bool(value))
        return instance

    locking = lock if connection.vendor == "postgresql" else ""
    sql = f"SELECT {','.join([*columns, *extra])} FROM {source} {tail} {locking}"
    return Query(sql, _adapted(params), read)


def fetch(*queries: Query[Any]) -> list[list[Any]]:
    """The rows of each query, one asked after the other; on PostgreSQL in one round trip."""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            return [_rows(cursor, query) for query in queries]
        cursor.execute(
            ";".join(query.sql for query in queries),
            [value for query in queries for value in query.params],
        )
        found = []
        for query in queries:
            found.append([query.read(row) for row in cursor.fetchall()])
            cursor.nextset()
        return found


def _rows(cursor: Any, query: Query[Any]) -> list[Any]:
    cursor.execute(query.sql, query.params)
    return [query.read(row) for row in cursor.fetchall()]


def marks(values: Sequence[object]) -> str:
    """Placeholders for so many values, in brackets."""
    return f"({','.join(['%s'] * len(values))})"


def _instance(model: type[_M], part: _Part, row: Sequence[Any]) -> _M:
    values = list(row)
    for place, converters, expression in part.converters:
        for convert in converters:
            values[place] = convert(values[place], expression, connection)
    return model.from_db(connection.alias, part.names, values)


@cache
def _part(model: type[Model], without: tuple[str, ...]) -> _Part:
    fields = [field for field in model._meta.concrete_fields if field.attname not in without]
    table = _name(model)
    found = []
    for place, field in enumerate(fields):
        expression = field.get_col(model._meta.db_table)
        converters = [
            *connection.ops.get_db_converters(expression),
            *field.get_db_converters(connection),
        ]
        if converters:
            found.append((place, converters, expression))
    columns = ",".join(f"{table}.{_quote(str(field.column))}" for field in fields)
    return _Part([field.attname for field in fields], columns, found)


def _adapted(params: Sequence[Any]) -> list[Any]:
    """UUIDs as the database keeps them."""
    if connection.features.has_native_uuid_field:
        return list(params)
    return [getattr(value, "hex", value) for value in params]


def _related(model: type[Model], name: str) -> type[Model]:
    relation = model._meta.get_field(name)
    assert isinstance(relation, ForeignKey) and relation.column == f"{name}_id"
    related: type[Model] = relation.remote_field.model
    return related


def _key(model: type[Model]) -> str:
    return _quote(str(model._meta.pk.column))


def _name(model: type[Model]) -> str:
    return _quote(model._meta.db_table)


def _quote(name: str) -> str:
    return connection.ops.quote_name(name)
