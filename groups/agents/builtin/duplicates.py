"""Rows that repeat an earlier row in every cell: how many there are, and which rows they repeat."""

from __future__ import annotations

from groups.agents.builtin.output import Output
from groups.agents.builtin.tables import Table


def repeats_sql(data: Table) -> str:
    """SQL for each group of equal rows: `first`, its first row, and `repeats`, how often it recurs.

    Hashes are grouped first, as they are small; only rows whose hash occurs twice are compared in full.
    """
    cells = ", ".join(column.raw for column in data.columns)
    suspects = (
        f"SELECT * FROM (SELECT row, hash({cells}) AS h, {cells} FROM data) WHERE h IN "
        f"(SELECT h FROM (SELECT hash({cells}) AS h FROM data) GROUP BY h HAVING count(*) > 1)"
    )
    return f"SELECT min(row) AS first, count(*) - 1 AS repeats FROM ({suspects}) GROUP BY {cells}"


def count_duplicates(data: Table, output: Output) -> int:
    """Number of rows that are the same in every cell as an earlier row."""
    with output.tool("find_duplicates") as call:
        repeats = int(
            data.database.value(f"SELECT coalesce(sum(repeats), 0) FROM ({repeats_sql(data)})")
        )
        call.summary = f"{repeats:,} repeated rows"
    return repeats
