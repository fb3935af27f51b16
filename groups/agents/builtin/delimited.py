"""CSV and TSV: finds the separator and the header, lets DuckDB read every row, and accounts for each it cannot."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Final

import duckdb

from groups.agents.builtin.database import Database, literal
from groups.agents.builtin.source import CHUNK, Source, prepare
from groups.agents.builtin.tables import (
    SHOWN,
    Lines,
    Reject,
    Rejects,
    Table,
    Unreadable,
    distinct_names,
    from_text,
)

_SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE_ROWS: Final = 200
#: Longest row in bytes; an unclosed quote otherwise swallows the file.
_MAX_ROW: Final = 2_000_000
MAX_COLUMNS: Final = 2_000
_VALUE: Final = re.compile(r"[+-]?[0-9][0-9.,:/ -]*")
_REASONS: Final = {
    "MISSING COLUMNS": "too few columns",
    "TOO MANY COLUMNS": "too many columns",
    "UNQUOTED VALUE": "a quote that is not closed, or text after a closing quote",
    "LINE SIZE OVER MAXIMUM": f"the row is longer than {_MAX_ROW:,} bytes (an unclosed quote?)",
    "INVALID ENCODING": "bytes that are not text",
    "INVALID STATE": "quotes that do not match",
}
#: From the error's message: how many columns the row ought to have and has.
_COUNTS: Final = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")


def open_delimited(database: Database, path: Path, name: str, tabs: bool) -> Table:
    """Read a CSV or (`tabs`) TSV file into the table `raw`. Raises Unreadable when it has no header."""
    source = prepare(path, database.folder, database.stop)
    with source.path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        sample = file.read(CHUNK // 4)
    if not sample.strip():
        raise Unreadable("The file has no text: only blank lines.")
    separator = "\t" if tabs else _separator(sample)
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    try:
        header = next(row for row in reader if row)
    except csv.Error as error:
        raise Unreadable(f"The first row cannot be read: {error}.") from None
    skip = reader.line_num
    found = [cell.strip().replace("\0", "") for cell in header]
    if len(found) > MAX_COLUMNS:
        raise Unreadable(f"The first row has {len(found):,} columns; {MAX_COLUMNS:,} can be read.")
    notes = source.notes()
    if all(_VALUE.fullmatch(cell) for cell in found if cell) and any(found):
        notes.append("The first row holds values, not names, so the columns are numbered.")
        first_line = skip
        found, skip = [f"column {index + 1}" for index in range(len(found))], skip - 1
    else:
        first_line = skip + 1
    names, renamed = distinct_names(found)
    _load(database, source, separator, skip, len(names))
    rejects, lines_lost = _rejects(database, source.path, len(names))
    lines = _lines(database, source, first_line, skip, lines_lost)
    origin = f"CSV, {source.encoding}, separated by {_SEPARATORS[separator]}"
    table = from_text(
        database, name, origin.replace("CSV", "TSV") if tabs else origin, names, lines
    )
    table.notes, table.rejects = [*notes, *renamed], rejects
    if rejects.total and not table.rows:
        table.notes.append("No row at all could be read.")
    return table


def _separator(sample: str) -> str:
    """The separator by which most rows have as many cells as the first, and that is more than one."""
    whole = sample[: sample.rfind("\n") + 1] or sample
    best, most = ",", 0
    for separator in _SEPARATORS:
        widths = []
        try:
            for row in csv.reader(io.StringIO(whole, newline=""), delimiter=separator):
                widths.append(len(row))
                if len(widths) >= _SAMPLE_ROWS:
                    break
        except csv.Error:
            pass  # a cell too long to be one; what was read before it counts
        filled = [width for width in widths if width]
        score = sum(width == filled[0] for width in filled) if filled and filled[0] > 1 else 0
        if score > most:
            best, most = separator, score
    return best


def _load(database: Database, source: Source, separator: str, skip: int, width: int) -> None:
    columns = ", ".join(f"'r{index}': 'VARCHAR'" for index in range(width))
    read = (
        f"read_csv({literal(source.path)}, auto_detect=false, header=false, skip={skip}, "
        f"delim={literal(separator)}, quote='\"', escape='\"', columns={{{columns}}}, "
        f"max_line_size={_MAX_ROW}, store_rejects=true, rejects_limit=0)"
    )
    try:
        database.rows(f"CREATE TABLE raw AS SELECT * FROM {read}")
    except duckdb.Error as error:
        raise Unreadable(f"The rows cannot be read: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


def _rejects(database: Database, path: Path, width: int) -> tuple[Rejects, list[int] | None]:
    """What could not be read, and the lines it stood on (None when they are too many to keep)."""
    total = int(database.value("SELECT count(DISTINCT line_byte_position) FROM reject_errors"))
    rows = database.rows(
        "SELECT line_byte_position, arg_min(error_type::VARCHAR, byte_position), "
        "any_value(csv_line), arg_min(error_message, byte_position) "
        "FROM reject_errors GROUP BY 1 ORDER BY 1 LIMIT 10000"
    )
    # DuckDB counts rows, people count lines: a quoted cell may hold line breaks.
    starts = [_start(path, int(row[0])) for row in rows]
    numbers = _lines_at(path, starts)
    shown = [
        Reject(line, _reason(str(kind), str(message), width), (text or "").strip("\r\n"))
        for line, (_, kind, text, message) in zip(numbers, rows[:SHOWN], strict=False)
    ]
    return Rejects(total, shown), (numbers if total == len(numbers) else None)


def _reason(kind: str, message: str, width: int) -> str:
    """What is wrong with the row, in words."""
    counts = _COUNTS.search(message)
    if counts:
        return f"{_REASONS.get(kind, kind.lower())}: {counts[2]} instead of {width}"
    return _REASONS.get(kind, kind.lower())


def _start(path: Path, position: int) -> int:
    """DuckDB's (1-based) place of a row as an offset; after CR LF it may point at the LF."""
    offset = max(0, position - 1)
    with path.open("rb") as file:
        file.seek(offset)
        return offset + 1 if file.read(1) == b"\n" else offset


def _lines_at(path: Path, offsets: list[int]) -> list[int]:
    """The (1-based) line in which each of the ascending byte offsets lies."""
    numbers, line, at = [], 1, 0
    with path.open("rb") as file:
        for offset in offsets:
            while at < offset:
                chunk = file.read(min(CHUNK, offset - at))
                if not chunk:
                    break
                line += chunk.count(b"\n")
                at += len(chunk)
            numbers.append(line)
    return numbers


def _lines(
    database: Database, source: Source, first: int, skip: int, lost: list[int] | None
) -> Lines:
    """Line numbers when each row is one line, for then they are certain; else row numbers."""
    blank = [line for line in source.blank.lines if line >= first]
    known = source.blank.total == len(source.blank.lines)
    rows = int(database.value("SELECT count(*) FROM raw"))
    if lost is not None and known:
        left_out = sorted({*lost, *blank})
        if skip + rows + len(left_out) == source.lines:
            return Lines("line", first, left_out)
    return Lines("row")
