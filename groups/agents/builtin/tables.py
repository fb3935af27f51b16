"""A table as the skills see it: the relation `data` with typed columns c0, c1, … and `row`, whatever the file was."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from groups.agents.builtin.columns import Column, judge
from groups.agents.builtin.database import Database
from groups.agents.builtin.markdown import plural

#: Places that are shown one by one; the rest is counted.
SHOWN: Final = 10


class Unreadable(Exception):
    """The file gives no table; the message says what is wrong and where."""


@dataclass(frozen=True)
class Reject:
    """A row that could not be read. `line` is where it begins, `excerpt` its first characters."""

    line: int
    reason: str
    excerpt: str


@dataclass
class Rejects:
    """How many rows could not be read, and the first of them."""

    total: int = 0
    shown: list[Reject] = field(default_factory=list)

    @property
    def first(self) -> str:
        """`line 4: expected 3 columns, found 2`."""
        return f"line {self.shown[0].line:,}: {self.shown[0].reason}"


class Lines:
    """From the (0-based) place of a row in the table to where a person finds it in the file."""

    def __init__(
        self, unit: str = "row", first: int = 1, left_out: list[int] | None = None
    ) -> None:
        """Row 0 is `unit` number `first`, and `left_out` are the numbers (ascending) that gave no row."""
        self.unit = unit
        self._first = first
        # Before the k-th number left out lie so many rows.
        self._rows_before = [number - first - k for k, number in enumerate(left_out or [])]

    def number(self, row: int) -> int:
        """The number of the line or row."""
        return self._first + row + bisect_right(self._rows_before, row)

    def name(self, row: int) -> str:
        """`line 12` or `row 11`."""
        return f"{self.unit} {self.number(row):,}"


@dataclass
class Table:
    """An opened table. `origin` says what the file is; `notes` what a person should know about it."""

    name: str
    database: Database
    origin: str
    columns: list[Column]
    rows: int
    lines: Lines
    notes: list[str] = field(default_factory=list)
    rejects: Rejects = field(default_factory=Rejects)

    @property
    def measures(self) -> list[Column]:
        """Number columns that are more than numbering, amounts first."""
        found = [column for column in self.columns if column.is_measure]
        return sorted(found, key=lambda column: not column.is_amount)

    @property
    def numbers(self) -> list[Column]:
        return [column for column in self.columns if column.kind == "number"]

    @property
    def dates(self) -> list[Column]:
        return [column for column in self.columns if column.kind == "date"]

    @property
    def texts(self) -> list[Column]:
        return [column for column in self.columns if column.kind == "text"]

    def misfits(self, column: Column, limit: int = SHOWN) -> list[tuple[int, str]]:
        """The first cells that are filled but do not fit the column's kind: row and text."""
        return [
            (int(row), str(text))
            for row, text in self.database.rows(
                f"SELECT row, {column.raw}::VARCHAR FROM data WHERE {column.sql} IS NULL AND "
                f"trim({column.raw}::VARCHAR) != '' ORDER BY row LIMIT {limit}"
            )
        ]


def from_text(database: Database, name: str, origin: str, names: list[str], lines: Lines) -> Table:
    """The table over the relation `raw`, whose columns r0, r1, … are text, in the order of the file."""
    raw = [f"r{index}" for index in range(len(names))]
    columns = judge(database, "raw", names, raw)
    cooked = [f"{column.expression} AS {column.sql}" for column in columns if column.sql not in raw]
    # A table, not a view: reading text as numbers again in every query costs more than the space.
    database.rows(
        f"CREATE TABLE data AS SELECT rowid AS row, {', '.join([*raw, *cooked])} FROM raw"
    )
    database.rows("DROP TABLE raw")
    rows = int(database.value("SELECT count(*) FROM data"))
    return Table(name, database, origin, columns, rows, lines)


def distinct_names(found: list[str]) -> tuple[list[str], list[str]]:
    """Column names without doubles or blanks, and notes on what was renamed."""
    names: list[str] = []
    notes = []
    doubled = {name for name in found if name and found.count(name) > 1}
    for index, name in enumerate(found):
        chosen, count = name or f"column {index + 1}", 1
        while chosen in names or (count > 1 and chosen in found):
            count += 1
            chosen = f"{name} ({count})"
        names.append(chosen)
    for name in sorted(doubled):
        places = [str(index + 1) for index, other in enumerate(found) if other == name]
        notes.append(
            f"The column name “{name}” is used {plural(len(places), 'time')} (columns "
            f"{', '.join(places)}); the later ones are called “{name} (2)” and so on here."
        )
    blank = [str(index + 1) for index, name in enumerate(found) if not name]
    if blank:
        notes.append(f"{plural(len(blank), 'column')} without a name (column {', '.join(blank)}).")
    return names, notes


def open_table(database: Database, path: Path, name: str, shape: str) -> Table:
    """Open the file; `shape` is one of files.TABULAR's values.

    Raises Unreadable when it gives no table, OSError when it cannot be read.
    """
    from groups.agents.builtin import delimited, parquet, records

    if shape == "parquet":
        return parquet.open_parquet(database, path, name)
    if path.stat().st_size == 0:
        raise Unreadable("The file is empty (0 bytes).")
    if shape in {"csv", "tsv"}:
        return delimited.open_delimited(database, path, name, tabs=shape == "tsv")
    return records.open_records(database, path, name, by_line=shape == "ndjson")
