"""Parquet: read in place by DuckDB, which takes types from the file."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from groups.agents.builtin.columns import typed
from groups.agents.builtin.database import Database, literal
from groups.agents.builtin.tables import Lines, Table, Unreadable


def open_parquet(database: Database, path: Path, name: str) -> Table:
    """Make the view `data` over a Parquet file. Raises Unreadable when it is not one or is damaged."""
    size = path.stat().st_size
    if size == 0:
        raise Unreadable("The file is empty (0 bytes).")
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(max(0, size - 4))
        end = file.read(4)
    if start != b"PAR1":
        raise Unreadable("This is not a Parquet file: it does not begin with the mark PAR1.")
    if end != b"PAR1":
        raise Unreadable(
            f"The Parquet file is cut off: the mark PAR1 is missing at its end (byte {size:,})."
        )
    if any(sign in str(path) for sign in "*?[]"):
        # DuckDB would take such a name for a pattern.
        path = Path(shutil.copyfile(path, database.folder / "input.parquet"))
    try:
        relation = f"read_parquet({literal(path)}, file_row_number=true)"
        found = database.describe(f"SELECT * EXCLUDE (file_row_number) FROM {relation}")
        quoted = ['"' + column.replace('"', '""') + '"' for column, _ in found]
        counts = ", ".join(["count(*)", *(f"count({column})" for column in quoted)])
        rows, *filled = database.row(f"SELECT {counts} FROM {relation}")
        columns = [
            typed(column, f"c{index}", f"r{index}", sql_type, rows - filled[index])
            for index, (column, sql_type) in enumerate(found)
        ]
        raw = ", ".join(f"{column} AS r{index}" for index, column in enumerate(quoted))
        cooked = ", ".join(f"{column.expression} AS {column.sql}" for column in columns)
        database.rows(
            f"CREATE VIEW data AS SELECT *, {cooked} FROM "
            f"(SELECT file_row_number AS row, {raw} FROM {relation})"
        )
    except duckdb.Error as error:
        raise Unreadable(f"The Parquet file is damaged: {str(error).splitlines()[0]}") from None
    return Table(name, database, "Parquet", columns, int(rows), Lines("row"))
