"""The process behind `table.query`: reads its order from standard input, answers in JSON, and has no way to any file
but the tables it was given. Run as a program only."""

from __future__ import annotations

import json
import resource
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

#: Characters of one cell, and decimal digits that a JSON number surely keeps.
CELL: Final = 2000
_FLOAT_DIGITS: Final = 15


def main() -> None:
    """Carry out one order."""
    order = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (order["memory"],) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (order["spill"],) * 2)
    # Of all threads together; the parent's clock is the limit that counts.
    resource.setrlimit(resource.RLIMIT_CPU, (4 * order["seconds"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    json.dump(answer(order), sys.stdout, default=str)


def answer(order: dict[str, Any]) -> dict[str, Any]:
    """{"columns", "rows", "more", "notes"}, or {"fault": a sentence}."""
    import duckdb

    from groups.agents.builtin.database import Database
    from groups.agents.builtin.thread import Stop

    try:
        if fault := _refused(duckdb.extract_statements(order["sql"])):
            return {"fault": fault}
        # Reading takes long; tables that the query does not speak of are left alone.
        spoken = order["sql"].lower()
        wanted = [table for table in order["tables"] if table["table"] in spoken]
        with Database(Stop(), [Path(table["path"]) for table in wanted]) as database:
            notes = [note for table in wanted for note in _read(database, table)]
            columns, rows = database.first(order["sql"], order["rows"] + 1)
    except (duckdb.OutOfMemoryException, MemoryError):
        return {"fault": "The query needed more memory than it may have. Ask for less."}
    except duckdb.Error as error:
        return {"fault": _told(str(error))}
    shown = _fitting(rows[: order["rows"]], order["characters"])
    return {"columns": columns, "rows": shown, "more": len(shown) < len(rows), "notes": notes}


def _told(error: str) -> str:
    """What DuckDB says, without the places in this program that a failed conversion is told with."""
    if "pytz" in error:
        return "Times with a zone cannot be shown: cast them to TIMESTAMP or VARCHAR."
    return error.partition("Traceback (most recent")[0].strip()[:2000]


def _refused(statements: list[Any]) -> str:
    """Why this is not one question; empty when it is."""
    import duckdb

    if len(statements) != 1:
        return "Give exactly one SELECT."
    if statements[0].type != duckdb.StatementType.SELECT:
        return "Only SELECT is possible: the tables are there for reading."
    return ""


def _read(database: Any, order: dict[str, Any]) -> list[str]:
    """Make the table under its name, its columns called as in the file; what is to be known of how it was read."""
    from groups.agents.builtin.tables import Unreadable, open_table

    try:
        table = open_table(database, Path(order["path"]), order["name"], order["shape"])
    except (Unreadable, OSError) as error:
        return [f"{order['name']}: {error}"]
    columns = ", ".join(f"{column.sql} AS {_quoted(column.name)}" for column in table.columns)
    database.rows(f"CREATE TABLE {_quoted(order['table'])} AS SELECT {columns} FROM data")
    database.rows(f"DROP {'VIEW' if order['shape'] == 'parquet' else 'TABLE'} data")
    notes = [f"{order['name']}: {note}" for note in table.notes]
    notes += [
        f"{order['name']}: {column.misfits} cells of {column.name!r} are no {column.kind} and NULL here."
        for column in table.columns
        if column.misfits
    ]
    if table.rejects.total:
        left_out = (
            f"{table.rejects.total} rows could not be read, the first in {table.rejects.first}."
        )
        notes.append(f"{order['name']}: {left_out}")
    return notes


def _fitting(rows: list[tuple[Any, ...]], characters: int) -> list[list[Any]]:
    """As many rows as fit, as JSON values."""
    found: list[list[Any]] = []
    for row in rows:
        cells = [_cell(value) for value in row]
        characters -= sum(len(str(cell)) + 4 for cell in cells)
        if characters < 0 and found:
            break
        found.append(cells)
    return found


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # NaN and infinities are no JSON
    if isinstance(value, Decimal) and len(value.as_tuple().digits) <= _FLOAT_DIGITS:
        return float(value)
    text = str(value)
    return text if len(text) <= CELL else f"{text[:CELL]}…"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


if __name__ == "__main__":
    main()
