"""Skill `analyzer`: outliers, correlations and trends of the number columns, each by a rule that is stated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Any, Final

from groups.agents.builtin.columns import Column
from groups.agents.builtin.markdown import cell, escape, number, plural, table
from groups.agents.builtin.numbers import quantiles, tidy, total
from groups.agents.builtin.output import Output
from groups.agents.builtin.tables import SHOWN, Table

#: Columns compared with each other; 12 make 66 pairs.
MAX_COLUMNS: Final = 12
#: Below these a relation is not called one.
WEAK_R: Final = 0.3
STRONG_R: Final = 0.7
WEAK_R2: Final = 0.3
_LABELS: Final = 3


def analyze(data: Table, output: Output) -> None:
    """Report outliers with their rows, correlated pairs and trends over time."""
    measures = data.measures[:MAX_COLUMNS]
    if not data.rows or not measures:
        why = "no rows" if not data.rows else "no number column besides identifiers"
        output.finding(f"**{escape(data.name)}** has {why}, so there are no patterns to look for.")
        return
    _outliers(data, measures, output)
    _correlations(data, measures, output)
    _trends(data, measures, output)
    more = len(data.measures) - len(measures)
    if more > 0:
        output.finding(f"The last {plural(more, 'number column')} were not looked at.")


def _outliers(data: Table, measures: list[Column], output: Output) -> None:
    """Values outside Tukey's fences: below Q1 - 1.5 IQR or above Q3 + 1.5 IQR (Tukey, 1977, ch. 2)."""
    fences, places = [], []
    for column in measures:
        with output.tool("find_outliers", column=column.name) as call:
            low, high, first, third = _fences(data, column)
            if low is None or first == third:
                # With half of all values equal the rule would call every other value an outlier.
                call.summary = "values too alike for the rule"
                fences.append([escape(column.name), number(first), number(third), "–", "–", "–"])
                continue
            outside = f"({column.sql} < {low} OR {column.sql} > {high})"
            found = int(data.database.value(f"SELECT count(*) FROM data WHERE {outside}"))
            call.summary = f"{found:,} outside {number(low)} to {number(high)}"
        cells = [escape(column.name), *map(number, (first, third, low, high))]
        fences.append([*cells, f"{found:,}"])
        if found:
            places += _worst(data, column, outside, float(low), float(high), found, output)
    if not places:
        output.finding(
            f"**{escape(data.name)}**: no outliers by Tukey's rule (1.5 IQR) in any number column."
        )
    body = (
        "A value is an outlier when it lies below Q1 − 1.5 IQR or above Q3 + 1.5 IQR (Tukey 1977), "
        "with quartiles by linear interpolation. A dash: half of the values are equal, so the rule does not apply.\n\n"
        + table(["Column", "Q1", "Q3", "Lower fence", "Upper fence", "Outliers"], fences, "lrrrrr")
    )
    if places:
        body += "\n\nThe most extreme rows:\n\n" + table(
            ["Where", "Column", "Value", "Row"], places, "llr"
        )
    output.section(f"{escape(data.name)}: outliers", body)


def _fences(data: Table, column: Column) -> tuple[Any, Any, Any, Any]:
    """Lower and upper fence, first and third quartile; Nones when there are no values."""
    first, third = quantiles(data, column, [0.25, 0.75])
    if first is None:
        return None, None, None, None
    share = 1.5 if isinstance(first, float) else Decimal("1.5")
    reach = share * (third - first)
    return tidy(first - reach), tidy(third + reach), first, third


def _worst(
    data: Table, column: Column, outside: str, low: float, high: float, found: int, output: Output
) -> list[list[str]]:
    """Table rows for the outliers that lie farthest outside, and a finding on the farthest."""
    labels = [c for c in (*data.dates, *data.texts, *data.numbers) if c != column][:_LABELS]
    names = "".join(f", {label.sql}" for label in labels)
    rows = data.database.rows(
        f"SELECT row, {column.sql}{names} FROM data WHERE {outside} ORDER BY "
        f"greatest({low!r} - {column.sql}::DOUBLE, {column.sql}::DOUBLE - {high!r}) DESC, row LIMIT {SHOWN}"
    )
    places = ", ".join(f"{data.lines.name(int(row[0]))} ({number(row[1])})" for row in rows[:3])
    more = f" and {found - 3:,} more" if found > 3 else ""
    output.finding(
        f"**{escape(column.name)}** has **{plural(found, 'outlier')}** outside {number(low)} to "
        f"{number(high)} (Tukey's fences): {places}{more}."
    )
    return [
        [
            data.lines.name(int(row[0])),
            escape(column.name),
            number(row[1]),
            ", ".join(
                f"{escape(label.name)}: {cell(value)}"
                for label, value in zip(labels, row[2:], strict=True)
            ),
        ]
        for row in rows
    ]


def _correlations(data: Table, measures: list[Column], output: Output) -> None:
    """Pearson's r of each pair of columns, over the rows in which both have a value."""
    pairs = list(combinations(measures, 2))
    if not pairs:
        return
    with output.tool("correlate", pairs=len(pairs)) as call:
        found = []
        for one, other in pairs:
            a, b = f"{one.sql}::DOUBLE", f"{other.sql}::DOUBLE"
            r, count = data.database.row(f"SELECT corr({a}, {b}), regr_count({a}, {b}) FROM data")
            if r is not None and math.isfinite(r) and count > 2:
                found.append((float(r), int(count), one, other))
        found.sort(key=lambda pair: -abs(pair[0]))
        call.summary = f"{len(pairs)} pairs"
    strong = [pair for pair in found if abs(pair[0]) >= WEAK_R]
    if not strong:
        output.finding(f"No two number columns move together (every |r| is below {WEAK_R}).")
    else:
        r, _, one, other = strong[0]
        direction = "rise together" if r > 0 else "move in opposite directions"
        degree = "strongly" if abs(r) >= STRONG_R else "moderately"
        output.finding(
            f"**{escape(one.name)}** and **{escape(other.name)}** {direction}, {degree}: r = **{r:.3f}** "
            "(correlation)."
        )
    rows = [
        [escape(one.name), escape(other.name), f"{r:.4f}", f"{count:,}"]
        for r, count, one, other in found[:SHOWN]
    ]
    if rows:
        output.section(
            f"{escape(data.name)}: correlations",
            table(["Column", "Column", "Pearson's r", "Rows"], rows, "llrr")
            + "\n\nA correlation says that two columns move together, not that one causes the other.",
        )


@dataclass(frozen=True)
class _Line:
    """A least-squares line: `slope` per day, share `r2` of the variance it explains, `count` points."""

    slope: float
    r2: float
    count: int

    @property
    def direction(self) -> str:
        if self.r2 < WEAK_R2 or self.slope == 0:
            return "no clear trend"
        return "rising" if self.slope > 0 else "falling"


def _trends(data: Table, measures: list[Column], output: Output) -> None:
    """Least-squares lines over time, of the single values and of the daily totals."""
    if not data.dates:
        output.finding("There is no date column, so trends over time cannot be told.")
        return
    when = data.dates[0]
    rows = []
    with output.tool("fit_trend", by=when.name, columns=len(measures)) as call:
        for column in measures:
            values = _fit(data, f"SELECT {when.sql} AS t, {column.sql}::DOUBLE AS v FROM data")
            days = _fit(
                data,
                f"SELECT date_trunc('day', {when.sql})::TIMESTAMP AS t, ({total(column)})::DOUBLE AS v "
                "FROM data GROUP BY 1",
            )
            if values is None or days is None:
                continue
            rows.append([escape(column.name), *_cells(values), *_cells(days)])
            if len(rows) == 1 or max(values.r2, days.r2) >= WEAK_R2:
                output.finding(_sentence(column, when, values, days))
        call.summary = f"{len(rows)} lines fitted"
    if not rows:
        output.finding(f"**{escape(when.name)}** spans too few days for a trend.")
        return
    headers = ["Column", "Slope per day", "R²", "Trend"]
    headers += ["Daily totals: slope", "Daily totals: R²", "Daily totals: trend"]
    output.section(
        f"{escape(data.name)}: trends over {escape(when.name)}",
        table(headers, rows, "lrrlrrl")
        + f"\n\nLeast-squares lines; a trend is called one only from R² = {WEAK_R2} on, "
        "for single values and for daily totals alike.",
    )


def _sentence(column: Column, when: Column, values: _Line, days: _Line) -> str:
    def part(what: str, line: _Line) -> str:
        if line.direction == "no clear trend":
            return f"{what} no clear trend (R² {line.r2:.2f})"
        return (
            f"{what} **{line.direction}** by {number(abs(line.slope))} per day (R² {line.r2:.2f})"
        )

    return (
        f"Trend over **{escape(when.name)}**, **{escape(column.name)}**: "
        f"{part('single values', values)}, {part('daily totals', days)}."
    )


def _cells(line: _Line) -> list[str]:
    return [number(line.slope), f"{line.r2:.4f}", line.direction]


def _fit(data: Table, points: str) -> _Line | None:
    """The line through `points` (t, v); None with fewer than 3 points or only one moment.

    Time is counted from the first point, for epochs as large numbers would cost digits.
    """
    slope, r2, count = data.database.row(
        f"WITH points AS ({points}), start AS (SELECT min(t) AS t0 FROM points WHERE v IS NOT NULL), "
        "moved AS (SELECT (epoch_us(t) - epoch_us(t0)) / 86400e6 AS x, v FROM points, start "
        "WHERE t IS NOT NULL AND v IS NOT NULL) "
        "SELECT regr_slope(v, x), regr_r2(v, x), regr_count(v, x) FROM moved"
    )
    if count < 3 or slope is None or not math.isfinite(slope):
        return None
    return _Line(float(slope), float(r2) if r2 is not None else 0.0, int(count))
