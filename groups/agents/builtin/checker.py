"""Skill `checker`: whether a table can be trusted. Each check names what is wrong and where."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

from groups.agents.builtin.columns import Column
from groups.agents.builtin.duplicates import repeats_sql
from groups.agents.builtin.markdown import escape, listed, plural, table
from groups.agents.builtin.output import Output
from groups.agents.builtin.tables import Table

#: A fault: the column it is in (empty: the table), what it is, and where or which.
Fault = tuple[str, str, str]
_VARIANT_VALUES: Final = 5_000
_STAND_INS: Final = (
    "n/a",
    "na",
    "null",
    "none",
    "nan",
    "-",
    "--",
    "?",
    "unknown",
    "tbd",
    "#n/a",
    "无",
    "未知",
)
#: A column of amounts with at most this share of negative values is worth a look.
_FEW_NEGATIVE: Final = 0.05
_LONGEST_GAP: Final = 10


def check(data: Table, output: Output) -> None:
    """Run every check and report the faults, or that there are none."""
    faults: list[Fault] = []
    for name, run in _CHECKS.items():
        with output.tool("check_values", check=name) as call:
            found = run(data)
            call.summary = plural(len(found), "fault") if found else "nothing found"
        for column, fault, detail in found:
            where = f"**{column}**: " if column else ""
            output.finding(f"{where}{fault} ({detail})." if detail else f"{where}{fault}.")
        faults += found
    names = listed(list(_CHECKS), len(_CHECKS))
    if not faults:
        output.finding(f"**{escape(data.name)}** passed all checks: {names}.")
    rows = [[column or "(whole file)", fault, detail or "–"] for column, fault, detail in faults]
    body = table(["Column", "Fault", "Detail"], rows) if rows else "No faults."
    output.section(f"{escape(data.name)}: quality", f"{body}\n\nChecked: {names}.")


def _file(data: Table) -> list[Fault]:
    faults: list[Fault] = [("", note.rstrip("."), "") for note in data.notes]
    if data.rejects.total:
        faults.append(("", f"{plural(data.rejects.total, 'unreadable row')}", data.rejects.first))
    if not data.rows:
        faults.append(("", f"{escape(data.name)} has no rows", ""))
    return faults


def _fit(data: Table) -> list[Fault]:
    """Cells that are filled but do not fit the type of their column."""
    faults = []
    for column in data.columns:
        if column.misfits:
            places = [
                f"“{escape(text)}” in {data.lines.name(row)}"
                for row, text in data.misfits(column, 3)
            ]
            what = f"{plural(column.misfits, 'value')} not of type {column.label}"
            faults.append((escape(column.name), what, listed(places)))
    return faults


def _filled(data: Table) -> list[Fault]:
    faults = []
    for column in data.columns:
        if data.rows and column.missing == data.rows:
            faults.append((escape(column.name), "no values at all", ""))
        elif data.rows > 1 and not column.missing and _distinct(data, column, 2) == 1:
            (value,) = data.database.row(f"SELECT any_value({column.sql}) FROM data")
            faults.append((escape(column.name), "the same value in every row", escape(value)))
        elif column.kind == "text":
            marks = ", ".join(f"'{mark}'" for mark in _STAND_INS)
            count, example = data.database.row(
                f"SELECT count(*), any_value({column.sql}) FROM data "
                f"WHERE lower(trim({column.sql})) IN ({marks})"
            )
            if count:
                what = f"{plural(count, 'value')} that stand for “missing”"
                faults.append((escape(column.name), what, f"such as “{escape(example)}”"))
    return faults


def _distinct(data: Table, column: Column, limit: int) -> int:
    """Number of distinct values, counted up to `limit`."""
    return len(data.database.rows(f"SELECT DISTINCT {column.sql} FROM data LIMIT {limit}"))


def _spelling(data: Table) -> list[Fault]:
    """Values that differ only in capitals or spaces, and values with spaces around them."""
    faults = []
    for column in data.texts:
        padded, row = data.database.row(
            f"SELECT count(*), min(row) FROM data WHERE {column.sql} != trim({column.sql})"
        )
        if padded:
            what = f"{plural(padded, 'value')} with spaces around"
            faults.append((escape(column.name), what, f"first in {data.lines.name(int(row))}"))
        if _distinct(data, column, _VARIANT_VALUES + 1) > _VARIANT_VALUES:
            continue
        variants = data.database.rows(
            f"SELECT list(DISTINCT trim({column.sql}) ORDER BY trim({column.sql})) AS spellings FROM data "
            f"WHERE {column.sql} IS NOT NULL "
            f"GROUP BY lower(regexp_replace(trim({column.sql}), '[\\s_-]+', ' ', 'g')) "
            "HAVING len(spellings) > 1 ORDER BY spellings LIMIT 5"
        )
        for (spellings,) in variants:
            shown = listed([f"“{escape(spelling)}”" for spelling in spellings], 4)
            faults.append((escape(column.name), f"{len(spellings)} spellings of one value", shown))
    return faults


def _repeated(data: Table) -> list[Fault]:
    """Rows that are the same in every cell as an earlier one."""
    repeats, first = data.database.row(
        f"SELECT coalesce(sum(repeats), 0), min(first) FILTER (repeats > 0) FROM ({repeats_sql(data)})"
    )
    if not repeats:
        return []
    what = f"Counts and totals include {plural(int(repeats), 'duplicate row')}"
    return [("", what, f"the first row repeated is {data.lines.name(int(first))}")]


def _identity(data: Table) -> list[Fault]:
    """Identifiers that occur more than once."""
    faults = []
    for column in data.columns:
        if not (column.is_identifier or column.name.strip().lower() in {"id", "uuid", "key"}):
            continue
        # A column such as customer_id may repeat; only one that is nearly unique is meant to be.
        repeated = data.database.rows(
            f"SELECT {column.sql}, list(row ORDER BY row)[:3], count(*) FROM data "
            f"WHERE {column.sql} IS NOT NULL GROUP BY 1 HAVING count(*) > 1 ORDER BY min(row) LIMIT 1000"
        )
        if repeated and sum(int(group[2]) for group in repeated) <= max(2, data.rows // 5):
            value, rows, _ = repeated[0]
            places = listed([data.lines.name(int(row)) for row in rows])
            what = f"{plural(len(repeated), 'identifier')} used more than once"
            faults.append((escape(column.name), what, f"{escape(value)} in {places}"))
    return faults


def _signs(data: Table) -> list[Fault]:
    """A few negative numbers in a column that is otherwise positive."""
    faults = []
    for column in data.measures:
        count, negative, row = data.database.row(
            f"SELECT count({column.sql}), count_if({column.sql} < 0), min(row) FILTER ({column.sql} < 0) FROM data"
        )
        if 0 < negative <= max(1, _FEW_NEGATIVE * count) and negative < count:
            what = f"{plural(negative, 'negative value')} among {count:,}"
            faults.append((escape(column.name), what, f"first in {data.lines.name(int(row))}"))
    return faults


def _calendar(data: Table) -> list[Fault]:
    """Dates in the future, dates before 1900, and missing days in an otherwise daily column."""
    faults = []
    # A day ahead, for the file may come from a zone where it is tomorrow already.
    future = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).date()
    for column in data.dates:
        for what, condition in (
            ("in the future", f"{column.sql} > TIMESTAMP '{future} 23:59:59'"),
            ("before 1900", f"{column.sql} < TIMESTAMP '1900-01-01'"),
        ):
            count, row = data.database.row(f"SELECT count(*), min(row) FROM data WHERE {condition}")
            if count:
                detail = f"first in {data.lines.name(int(row))}"
                faults.append((escape(column.name), f"{plural(count, 'date')} {what}", detail))
        faults += _gaps(data, column)
    return faults


def _gaps(data: Table, column: Column) -> list[Fault]:
    """Days without a row, when nearly every day (9 of 10) has one."""
    days, span = data.database.row(
        f"SELECT count(DISTINCT {column.sql}::DATE), max({column.sql})::DATE - min({column.sql})::DATE + 1 "
        f"FROM data WHERE {column.sql} IS NOT NULL"
    )
    if not days or days < _LONGEST_GAP or not 0.9 * span <= days < span:
        return []
    missing = data.database.rows(
        f"WITH days AS (SELECT DISTINCT {column.sql}::DATE AS d FROM data WHERE {column.sql} IS NOT NULL), "
        "steps AS (SELECT d, lead(d) OVER (ORDER BY d) AS next FROM days) "
        "SELECT d + 1, next - d - 1 FROM steps WHERE next - d > 1 ORDER BY d LIMIT 5"
    )
    shown = listed(
        [str(first) + (f" and {n - 1} more" if n > 1 else "") for first, n in missing], 5
    )
    return [(escape(column.name), f"{plural(span - days, 'day')} without rows", shown)]


_CHECKS: Final[dict[str, Callable[[Table], list[Fault]]]] = {
    "reading": _file,
    "types": _fit,
    "empty or constant columns": _filled,
    "spelling": _spelling,
    "duplicate rows": _repeated,
    "identifiers": _identity,
    "signs": _signs,
    "dates": _calendar,
}
