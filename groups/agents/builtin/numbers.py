"""Figures of one number column, computed by DuckDB and exact where the values are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from groups.agents.builtin.columns import Column
from groups.agents.builtin.tables import Table


def total(column: Column) -> str:
    """SQL for the sum: exact for integers and decimals, compensated (Kahan) for floating point."""
    return f"{'fsum' if column.label == 'number' else 'sum'}({column.sql})"


def quantiles(data: Table, column: Column, shares: list[float]) -> list[Any]:
    """Quantiles by linear interpolation (Hyndman and Fan, 1996, type 7); Nones for a column without values.

    Sorts through a table, because DuckDB can sort more than fits in memory.
    """
    data.database.rows(
        f"CREATE OR REPLACE TEMP TABLE sorted AS SELECT {column.sql} AS v FROM data "
        f"WHERE {column.sql} IS NOT NULL ORDER BY v"
    )
    count = int(data.database.value("SELECT count(*) FROM sorted"))
    if not count:
        return [None] * len(shares)
    places = [share * (count - 1) for share in shares]
    wanted = sorted({int(place) for place in places} | {min(int(p) + 1, count - 1) for p in places})
    picked = data.database.rows(
        f"SELECT rowid, v FROM sorted WHERE rowid IN ({', '.join(map(str, wanted))})"
    )
    values = dict(picked)
    data.database.rows("DROP TABLE sorted")
    return [
        _between(values[int(place)], values[min(int(place) + 1, count - 1)], place - int(place))
        for place in places
    ]


def _between(low: Any, high: Any, share: float) -> Any:
    """The value `share` of the way from `low` to `high`, without leaving exact arithmetic."""
    if share == 0 or low == high:
        return low
    if isinstance(low, float):
        return low + (high - low) * share
    return tidy(Decimal(low) + (Decimal(high) - Decimal(low)) * Decimal(share))


def tidy(value: Any) -> Any:
    """A decimal without zeros at its end; anything else as it is."""
    if not isinstance(value, Decimal):
        return value
    whole = value.to_integral_value()
    return whole if value == whole else value.normalize()
