"""Figures of the table skills against values computed with the standard library alone."""

from __future__ import annotations

import csv
import datetime as dt
import random
import statistics
import tempfile
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groups.agents.builtin.markdown import number, percent
from tests.agents.kit import cells, work

REGIONS = ("North", "South", "East")


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 rows over 40 days with gaps, two duplicates and one wild amount in row 123."""
    chance = random.Random(11)
    path = tmp_path_factory.mktemp("sales") / "sales.csv"
    rows = []
    for index in range(598):
        day = dt.date(2025, 3, 1) + dt.timedelta(days=index % 40)
        units = chance.randint(1, 20)
        amount = Decimal(units) * Decimal("3.35") + Decimal(index % 40) / 4
        rows.append([index + 1, day, REGIONS[index % 3], units, f"{amount:.2f}"])
    rows[122][4] = "98765.43"
    rows[7][4] = ""
    rows += [rows[3], rows[3]]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["order_id", "day", "region", "units", "amount"], *rows])
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def values(path: Path, column: str) -> list[Decimal]:
    return [Decimal(row[column]) for row in read(path) if row[column]]


def test_collector_counts(sales: Path) -> None:
    text = work(sales, "collector")
    assert "**600 rows** and **5 columns**" in text
    assert "Every row could be read." in text
    assert "1 value missing: amount 1 (0.2%)" in text
    assert "**2 duplicate rows**" in text and "line 5 is repeated 2 times" in text
    columns = {row["Column"]: row for row in cells(text, "sales.csv: columns")}
    assert [row["Type"] for row in columns.values()] == [
        "integer",
        "date",
        "text",
        "integer",
        "decimal",
    ]
    for name, row in columns.items():
        name = name.replace("\\", "")
        assert row["Distinct"] == str(len({line[name] for line in read(sales) if line[name]}))
    assert columns["day"]["Range"] == "2025-03-01 to 2025-04-09"
    assert cells(text, "sales.csv: duplicate rows") == [
        {"First": "line 5", "Repeats": "2", "Repeated in": "line 600 and line 601"}
    ]


def test_processor_statistics(sales: Path) -> None:
    rows = {row["Column"]: row for row in cells(work(sales, "processor"), "sales.csv: statistics")}
    for name in ("units", "amount"):
        found = values(sales, name)
        floats = [float(value) for value in found]
        assert rows[name] == {
            "Column": name,
            "Count": str(len(found)),
            "Sum": f"{sum(found):,}",
            "Mean": number(statistics.fmean(floats)),
            "Median": number(statistics.median(found)),
            "Minimum": f"{min(found):,}",
            "Maximum": f"{max(found):,}",
            "Std. deviation": number(statistics.stdev(floats)),
        }


def test_processor_totals_by_category(sales: Path) -> None:
    table = cells(work(sales, "processor"), "sales.csv: totals by region")
    counts = Counter(row["region"] for row in read(sales))
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for row in read(sales):
        amounts[row["region"]] += Decimal(row["amount"] or 0)
    assert {row["region"] for row in table} == set(counts)
    for row in table:
        assert row["Rows"] == str(counts[row["region"]])
        assert row["Share"] == percent(counts[row["region"]], 600)
        assert row["Sum of amount"] == f"{amounts[row['region']]:,}"


def test_processor_totals_per_day(sales: Path) -> None:
    text = work(sales, "processor")
    table = cells(text, "sales.csv: totals per day")
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for row in read(sales):
        amounts[row["day"]] += Decimal(row["amount"] or 0)
    assert {row["Day"]: row["Sum of amount"] for row in table} == {
        day: f"{amount:,}" for day, amount in amounts.items()
    }
    best = max(amounts, key=lambda day: amounts[day])
    assert f"40 days with rows from 2025-03-01 to 2025-04-09; most amount on **{best}**" in text


def test_long_spans_are_totalled_by_month(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=n) for n in range(300)]
    path.write_text("day,price\n" + "".join(f"{day},{n}.5\n" for n, day in enumerate(days)))
    text = work(path, "processor")
    months: dict[str, Decimal] = defaultdict(Decimal)
    for n, day in enumerate(days):
        months[f"{day:%Y-%m}"] += Decimal(f"{n}.5")
    section = text.partition("### long.csv: totals per month")[2]
    for month, amount in months.items():
        assert (
            f"| {month} | {sum(d.strftime('%Y-%m') == month for d in days)} | {amount:,} |"
            in section
        )
    assert "most price on **2024-10-26** (299.5), least on 2024-01-01 (0.5)" in text


def test_analyzer_outliers_follow_tukey(sales: Path) -> None:
    text = work(sales, "analyzer")
    found = sorted(values(sales, "amount"))
    first, _, third = statistics.quantiles(found, n=4, method="inclusive")
    low, high = first - (third - first) * 3 / 2, third + (third - first) * 3 / 2
    outside = [value for value in found if not low <= value <= high]
    (row,) = [r for r in cells(text, "sales.csv: outliers") if r["Column"] == "amount"]
    assert Decimal(row["Q1"]) == first and Decimal(row["Q3"]) == third
    assert Decimal(row["Lower fence"]) == low and Decimal(row["Upper fence"]) == high
    assert row["Outliers"] == str(len(outside)) == "1"
    assert "line 124 (98,765.43)" in text
    assert "order_id" not in text.partition("The most extreme rows")[0]


def test_analyzer_correlation(tmp_path: Path) -> None:
    chance = random.Random(5)
    a = [chance.gauss(0, 1) for _ in range(200)]
    b = [x * 2 + chance.gauss(0, 1) for x in a]
    path = tmp_path / "pair.csv"
    path.write_text("a,b\n" + "".join(f"{x!r},{y!r}\n" for x, y in zip(a, b, strict=True)))
    text = work(path, "analyzer")
    r = statistics.correlation(a, b)
    (row,) = cells(text, "pair.csv: correlations")
    assert row["Pearson's r"] == f"{r:.4f}" and row["Rows"] == "200"
    assert f"rise together, strongly: r = **{r:.3f}**" in text


def test_analyzer_trend(sales: Path) -> None:
    text = work(sales, "analyzer")
    (row,) = [r for r in cells(text, "sales.csv: trends over day") if r["Column"] == "units"]
    start = dt.date(2025, 3, 1)
    points = [
        ((dt.date.fromisoformat(r["day"]) - start).days, int(r["units"])) for r in read(sales)
    ]
    slope, _ = statistics.linear_regression(*zip(*points, strict=True))
    r2 = statistics.correlation(*zip(*points, strict=True)) ** 2
    assert row["Slope per day"] == number(slope)
    assert (row["R²"], row["Trend"]) == (f"{r2:.4f}", "no clear trend")
    totals: dict[int, int] = defaultdict(int)
    for day, units in points:
        totals[day] += units
    slope, _ = statistics.linear_regression(list(totals), list(totals.values()))
    r2 = statistics.correlation(list(totals), list(totals.values())) ** 2
    assert row["Daily totals: slope"] == number(slope)
    assert row["Daily totals: R²"] == f"{r2:.4f}"


def test_a_clear_trend_is_said(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "when,level\n" + "".join(f"2026-01-{d:02},{100 - 2 * d}\n" for d in range(1, 29))
    )
    text = work(path, "analyzer")
    assert "single values **falling** by 2 per day (R² 1.00)" in text


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.decimals(min_value=-(10**9), max_value=10**9, places=3, allow_nan=False),
        min_size=1,
        max_size=40,
    )
)
def test_statistics_of_any_decimals(found: list[Decimal]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d.csv"
        path.write_text("name,value\n" + "".join(f"x,{value}\n" for value in found))
        (row,) = cells(work(path, "processor"), "d.csv: statistics")
    assert Decimal(row["Sum"].replace(",", "")) == sum(found)
    assert Decimal(row["Maximum"].replace(",", "")) == max(found)
    assert row["Mean"] == number(statistics.fmean(map(float, found))) or len(found) > 1
    median = statistics.median(found)
    assert Decimal(row["Median"].replace(",", "")) == median


def test_checker_finds_what_is_planted(tmp_path: Path) -> None:
    path = tmp_path / "dirty.csv"
    path.write_text(
        "id,city,amount,day,same,note\n"
        "1,Paris,10,2026-01-01,x,\n2,paris,20,2026-01-02,x,\n3, Rome,30,2026-01-03,x,\n"
        "3,Oslo,-5,2026-01-04,x,\n5,N/A,oops,2999-01-05,x,\n"
        + "".join(f"{n},Oslo,{n},2026-01-06,x,\n" for n in range(6, 16))
    )
    text = work(path, "checker")
    for expected in (
        "**city**: 2 spellings of one value (“Paris” and “paris”)",
        "**city**: 1 value with spaces around (first in line 4)",
        "**city**: 1 value that stand for “missing” (such as “N/A”)",
        "**id**: 1 identifier used more than once (3 in line 4 and line 5)",
        "**amount**: 1 value not of type integer (“oops” in line 6)",
        "**amount**: 1 negative value among 14 (first in line 5)",
        "**day**: 1 date in the future (first in line 6)",
        "**same**: the same value in every row (x)",
        "**note**: no values at all",
    ):
        assert expected in text


def test_checker_says_when_nothing_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "clean.csv"
    path.write_text("name,amount\nann,1\nbo,2\ncy,3\n")
    assert "passed all checks" in work(path, "checker")


def test_sums_are_exact_where_floats_are_not(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("price\n" + "0.1\n" * 10)
    (row,) = cells(work(path, "processor"), "x.csv: statistics")
    assert row["Sum"] == "1.0"


def test_codes_with_leading_zeros_are_text(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("zip,n\n01234,1\n04321,2\n")
    types = [row["Type"] for row in cells(work(path, "collector"), "x.csv: columns")]
    assert types == ["text", "integer"]


def test_thousands_separators(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('amount\n"1,234.50"\n"12,000"\n7\n')
    (row,) = cells(work(path, "processor"), "x.csv: statistics")
    assert row["Sum"] == "13,241.50"


@pytest.mark.parametrize(
    ("dates", "label"),
    [
        (("31/01/2026", "01/02/2026"), "date (day/month/year)"),
        (("01/31/2026", "02/01/2026"), "date (month/day/year)"),
        (("31.01.2026", "01.02.2026"), "date (day.month.year)"),
        (("2026年1月31日", "2026年2月1日"), "date (年月日)"),
        (("2026-01-31 10:30", "2026-02-01T08:00:00"), "date and time"),
    ],
)
def test_dates_are_read_in_many_spellings(
    dates: tuple[str, str], label: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.csv"
    path.write_text("when,n\n" + "".join(f"{date},5\n" for date in dates), encoding="utf-8")
    text = work(path, "collector")
    assert cells(text, "x.csv: columns")[0]["Type"] == label
    assert "from 2026-01-31 to 2026-02-01" in work(path, "processor")
