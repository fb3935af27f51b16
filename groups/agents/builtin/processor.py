"""Skill `processor`: statistics of the number columns, totals by category and by day."""

from __future__ import annotations

from typing import Any

from groups.agents.builtin.columns import Column
from groups.agents.builtin.duplicates import count_duplicates
from groups.agents.builtin.markdown import cell, escape, number, percent, plural, table
from groups.agents.builtin.numbers import quantiles, total
from groups.agents.builtin.output import Output
from groups.agents.builtin.tables import Table

#: A text column with at most so many different values is a category.
CATEGORY = 20
MAX_CATEGORIES = 6
#: Number columns that fit beside each other.
MAX_MEASURES = 5
#: Longer spans are shown by month (or year), with the outstanding days named.
MAX_DAYS = 62


def process(data: Table, output: Output) -> None:
    """Report statistics per number column, totals per category and per day."""
    if not data.rows:
        output.finding(f"**{escape(data.name)}** has no rows, so there is nothing to add up.")
        return
    repeats = count_duplicates(data, output)
    if repeats:
        output.finding(
            f"All counts and totals include **{plural(repeats, 'duplicate row')}** "
            "(the same in every cell as an earlier row)."
        )
    _statistics(data, output)
    _categories(data, output)
    _periods(data, output)


def _statistics(data: Table, output: Output) -> None:
    if not data.numbers:
        output.finding(
            f"**{escape(data.name)}** has no number column; its {plural(data.rows, 'row')} are counted only."
        )
        return
    rows = []
    for column in [*data.measures, *(c for c in data.numbers if c.is_identifier)]:
        with output.tool("aggregate", column=column.name) as call:
            count, summed, mean, low, high, deviation = data.database.row(
                f"SELECT count({column.sql}), {total(column)}, avg({column.sql}), min({column.sql}), "
                f"max({column.sql}), stddev_samp({column.sql}) FROM data"
            )
            (median,) = quantiles(data, column, [0.5])
            call.summary = f"sum {number(summed)} over {count:,} values"
        figures = [count, summed, mean, median, low, high, deviation]
        rows.append([escape(column.name), *(number(figure) for figure in figures)])
        if column.is_measure:
            output.finding(
                f"**{escape(column.name)}**: sum **{number(summed)}** over {plural(count, 'value')}, mean "
                f"{number(mean)}, median {number(median)}, from {number(low)} to {number(high)}."
            )
    headers = ["Column", "Count", "Sum", "Mean", "Median", "Minimum", "Maximum", "Std. deviation"]
    output.section(
        f"{escape(data.name)}: statistics",
        table(headers, rows, "l" + "r" * 7)
        + "\n\nEmpty and unreadable cells are left out. The standard deviation is that of a sample (n − 1).",
    )


def _categories(data: Table, output: Output) -> None:
    found = 0
    for column in data.texts:
        if found == MAX_CATEGORIES or data.rows < 2:
            break
        groups = data.database.rows(
            f"SELECT {column.sql} FROM data WHERE {column.sql} IS NOT NULL "
            f"GROUP BY 1 LIMIT {CATEGORY + 1}"
        )
        if not 1 < len(groups) <= CATEGORY or len(groups) >= data.rows:
            continue
        found += 1
        _category(data, column, output)


def _category(data: Table, column: Column, output: Output) -> None:
    measures = data.measures[:MAX_MEASURES]
    sums = "".join(f", {total(measure)}" for measure in measures)
    order = "3 DESC NULLS LAST, 2 DESC, 1" if measures else "2 DESC, 1"
    with output.tool("group_totals", by=column.name) as call:
        groups = data.database.rows(
            f"SELECT {column.sql}, count(*){sums} FROM data GROUP BY 1 ORDER BY {order}"
        )
        call.summary = f"{len(groups)} groups"
    rows = [
        [
            cell(group[0]) if group[0] is not None else "(missing)",
            number(group[1]),
            percent(group[1], data.rows),
            *(number(value) for value in group[2:]),
        ]
        for group in groups
    ]
    headers = [
        escape(column.name),
        "Rows",
        "Share",
        *(f"Sum of {escape(m.name)}" for m in measures),
    ]
    output.section(
        f"{escape(data.name)}: totals by {escape(column.name)}",
        table(headers, rows, "l" + "r" * len(headers)),
    )
    best = next((group for group in groups if group[0] is not None), groups[0])
    lead = f"By **{escape(column.name)}**, “{escape(best[0])}” leads"
    if not measures:
        output.finding(f"{lead} with {plural(best[1], 'row')} ({percent(best[1], data.rows)}).")
        return
    values = [group[2] for group in groups if group[2] is not None]
    share = ""
    if values and min(values) >= 0 and sum(values):
        share = f" ({percent(float(best[2] or 0), float(sum(values)))})"
    output.finding(
        f"{lead} with {escape(measures[0].name)} **{number(best[2])}**{share} in {plural(best[1], 'row')}"
        f"{_of_one_row(data, column, groups, best) if share else ''}."
    )


def _of_one_row(
    data: Table, column: Column, groups: list[tuple[Any, ...]], best: tuple[Any, ...]
) -> str:
    """What to add when a single row decides who leads; `groups` are in the order of their sums, none below zero."""
    measure = data.measures[0].sql
    second = next((g for g in groups if g is not best and None not in (g[0], g[2])), None)
    if second is None or best[1] < 2 or not best[2]:
        return ""
    rows = data.database.rows(
        f"SELECT {column.sql}, arg_max(row, {measure}), max({measure}) FROM data GROUP BY 1"
    )
    line, most = next((int(row[1]), float(row[2])) for row in rows if row[0] == best[0])
    rest = float(best[2]) - most
    if rest >= float(second[2]) or rest >= most:
        return ""  # the others lead as well, or the race is close anyway
    return (
        f"; {percent(most, float(best[2]))} of that stand in {data.lines.name(line)}, "
        f"without which “{escape(second[0])}” would lead"
    )


def _periods(data: Table, output: Output) -> None:
    if not data.dates:
        return
    when, measures = data.dates[0], data.measures[:MAX_MEASURES]
    days = _totals(data, when, "day", measures)
    if not days:
        return
    with output.tool("daily_totals", by=when.name) as call:
        call.summary = f"{len(days):,} days"
    main = 2 if measures else 1
    ranked = [day for day in days if day[main] is not None] or days
    best, worst = max(ranked, key=lambda d: d[main] or 0), min(ranked, key=lambda d: d[main] or 0)
    what = escape(measures[0].name) if measures else "rows"
    output.finding(
        f"Per day (**{escape(when.name)}**): {plural(len(days), 'day')} with rows from {days[0][0]} to "
        f"{days[-1][0]}; most {what} on **{best[0]}** ({number(best[main])}), least on {worst[0]} "
        f"({number(worst[main])})."
    )
    unit, periods = "day", days
    if len(days) > MAX_DAYS:
        unit = "month"
        periods = _totals(data, when, unit, measures)
        if len(periods) > MAX_DAYS:
            unit = "year"
            periods = _totals(data, when, unit, measures)
    headers = [unit.capitalize(), "Rows", *(f"Sum of {escape(m.name)}" for m in measures)]
    rows = [[_period(p[0], unit), *(number(value) for value in p[1:])] for p in periods]
    body = table(headers, rows, "l" + "r" * len(headers))
    if unit != "day":
        ends = [best, *([worst] if worst != best else [])]
        extremes = table(
            ["Day", *headers[1:]],
            [[str(day[0]), *(number(value) for value in day[1:])] for day in ends],
            "l" + "r" * len(headers),
        )
        body = f"{len(days):,} days are too many to list; the days with most and least:\n\n{extremes}\n\n{body}"
    output.section(f"{escape(data.name)}: totals per {unit}", body)


def _totals(data: Table, when: Column, unit: str, measures: list[Column]) -> list[tuple[Any, ...]]:
    """Date of the period's first day, rows, and the sum of each measure; ascending."""
    sums = "".join(f", {total(measure)}" for measure in measures)
    return data.database.rows(
        f"SELECT date_trunc('{unit}', {when.sql})::DATE AS period, count(*){sums} FROM data "
        f"WHERE {when.sql} IS NOT NULL GROUP BY period ORDER BY period"
    )


def _period(first: Any, unit: str) -> str:
    return str(first)[: {"day": 10, "month": 7, "year": 4}[unit]]
