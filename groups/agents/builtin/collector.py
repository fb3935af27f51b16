"""Skill `collector`: what is in a table, and what could not be read of it."""

from __future__ import annotations

from typing import Any

from groups.agents.builtin.columns import Column
from groups.agents.builtin.duplicates import count_duplicates, repeats_sql
from groups.agents.builtin.markdown import cell, escape, listed, number, percent, plural, table
from groups.agents.builtin.output import Output
from groups.agents.builtin.tables import SHOWN, Table

#: Up to so many rows distinct values are counted exactly; beyond, estimated (HyperLogLog) and marked.
EXACT_ROWS = 1_000_000
_WIDE = 8


def collect(data: Table, output: Output) -> None:
    """Report rows, columns, types, missing values, duplicates and unreadable rows."""
    output.finding(
        f"**{escape(data.name)}** has **{plural(data.rows, 'row')}** and "
        f"**{plural(len(data.columns), 'column')}** ({data.origin})."
    )
    for note in data.notes:
        output.finding(note)
    _unreadable(data, output)
    with output.tool("profile_columns", columns=len(data.columns)) as call:
        profile = _profile(data)
        call.summary = listed([f"{c.name}: {c.label}" for c in data.columns])
    _missing(data, output)
    _misfits(data, output)
    _duplicates(data, output)
    output.section(f"{escape(data.name)}: columns", profile)
    if data.rows:
        output.section(f"{escape(data.name)}: first rows", rows_table(data, "true", 5))


def _unreadable(data: Table, output: Output) -> None:
    rejects = data.rejects
    if not rejects.total:
        output.finding("Every row could be read.")
        return
    output.finding(
        f"**{plural(rejects.total, 'row')} could not be read**; the first is {rejects.first}."
    )
    shown = [
        [f"{reject.line:,}", escape(reject.reason, 120), escape(reject.excerpt)]
        for reject in rejects.shown
    ]
    more = rejects.total - len(shown)
    body = table(["Line", "Reason", "Text"], shown, "r")
    output.section(
        f"{escape(data.name)}: unreadable rows",
        body + (f"\n\n… and {more:,} more." if more > 0 else ""),
    )


def _profile(data: Table) -> str:
    rows = []
    for index, column in enumerate(data.columns):
        distinct, low, high = _range(data, column)
        span = "–" if low is None else cell(low) if low == high else f"{cell(low)} to {cell(high)}"
        rows.append(
            [
                str(index + 1),
                escape(column.name),
                column.label,
                f"{column.missing:,} ({percent(column.missing, data.rows)})"
                if column.missing
                else "0",
                distinct,
                span,
            ]
        )
    return table(["#", "Column", "Type", "Missing", "Distinct", "Range"], rows, "rlllr")


def _range(data: Table, column: Column) -> tuple[str, Any, Any]:
    """Number of distinct values, least and greatest value."""
    count = f"count(DISTINCT {column.sql})"
    if data.rows > EXACT_ROWS:
        count = f"approx_count_distinct({column.sql})"
    distinct, low, high = data.database.row(
        f"SELECT {count}, min({column.sql}), max({column.sql}) FROM data"
    )
    return ("about " if data.rows > EXACT_ROWS else "") + number(distinct), low, high


def _missing(data: Table, output: Output) -> None:
    gaps = [column for column in data.columns if column.missing]
    if not data.rows:
        output.finding("There are column names but no rows.")
    elif not gaps:
        output.finding("No value is missing.")
    else:
        gaps.sort(key=lambda column: -column.missing)
        listing = listed(
            [f"{escape(c.name)} {c.missing:,} ({percent(c.missing, data.rows)})" for c in gaps]
        )
        total = sum(column.missing for column in gaps)
        output.finding(f"{plural(total, 'value')} missing: {listing}.")


def _misfits(data: Table, output: Output) -> None:
    """Cells that are filled but do not fit the type of their column."""
    rows = []
    for column in data.columns:
        if not column.misfits:
            continue
        found = data.misfits(column)
        row, text = found[0]
        output.finding(
            f"{plural(column.misfits, 'value')} of **{escape(column.name)}** "
            f"({column.label}) cannot be read as such, first “{escape(text)}” in {data.lines.name(row)}."
        )
        rows += [[escape(column.name), data.lines.name(row), escape(text)] for row, text in found]
    if rows:
        output.section(
            f"{escape(data.name)}: values that do not fit their column",
            table(["Column", "Where", "Value"], rows),
        )


def _duplicates(data: Table, output: Output) -> None:
    """Rows that repeat an earlier row in every cell."""
    cells = ", ".join(column.raw for column in data.columns)
    repeats = count_duplicates(data, output)
    if not data.rows:
        return
    if not repeats:
        output.finding("No row is a duplicate of another.")
        return
    found = data.database.rows(
        f"SELECT first, repeats FROM ({repeats_sql(data)}) WHERE repeats > 0 "
        f"ORDER BY repeats DESC, first LIMIT {SHOWN}"
    )
    output.finding(
        f"**{plural(repeats, 'duplicate row')}** (the same in every cell as an earlier row); "
        f"{data.lines.name(int(found[0][0]))} is repeated {plural(int(found[0][1]), 'time')}."
    )
    shown = []
    for first, count in found:
        again = data.database.rows(
            f"SELECT row FROM data WHERE row > ? AND hash({cells}) = "
            f"(SELECT hash({cells}) FROM data WHERE row = ?) ORDER BY row LIMIT 5",
            [first, first],
        )
        places = listed([data.lines.name(int(row[0])) for row in again], 5)
        shown.append([data.lines.name(int(first)), f"{count:,}", places])
    output.section(
        f"{escape(data.name)}: duplicate rows",
        table(["First", "Repeats", "Repeated in"], shown, "lr"),
    )


def rows_table(data: Table, where: str, limit: int) -> str:
    """The first rows that fulfil the SQL condition, with the place of each."""
    columns = data.columns[:_WIDE]
    names = ", ".join(["row", *(column.raw for column in columns)])
    found = data.database.rows(f"SELECT {names} FROM data WHERE {where} ORDER BY row LIMIT {limit}")
    rows = [
        [f"{data.lines.number(int(row[0])):,}", *(cell(value) for value in row[1:])]
        for row in found
    ]
    more = len(data.columns) - len(columns)
    headers = [data.lines.unit.capitalize(), *(escape(column.name) for column in columns)]
    body = table(headers, rows, "r")
    return body + (f"\n\n{plural(more, 'further column')} not shown." if more > 0 else "")
