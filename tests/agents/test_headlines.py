"""The report's opening lines answer the task's words, say a fact once, and own up to repeated rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from groups.agents.builtin.headlines import MAX_HEADLINES, PER_FINDING
from tests.agents.kit import LEAD, PIPELINE, cells, plan, work, worker
from tests.agents.test_report import finding, report


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """40 rows with one exact duplicate, one wild amount, one unreadable row; no trend."""
    path = tmp_path / "orders.csv"
    rows = [f"{n},2026-01-{n % 28 + 1:02},{'NS'[n % 2]},{n * 7 % 11}" for n in range(1, 40)]
    rows[20] = "21,2026-01-22,N,9000"
    path.write_text("\n".join(["id,day,region,amount", *rows, rows[4], "1,2,3,4,5,6"]) + "\n")
    return path


def opening(task: str, path: Path) -> list[str]:
    found = [
        finding(
            work(path, item.assignee, title=item.title, instructions=item.instructions),
            key=item.key,
            title=item.title,
            agent_id=item.assignee,
        )
        for item in plan("Look", PIPELINE, path).subtasks
    ]
    head = report(*found, task=task).partition("\n## ")[0]
    return [line for line in head.splitlines() if line.startswith("- ")]


@pytest.mark.parametrize(
    ("task", "start"),
    [
        ("Which region sells most?", "- By **region**"),
        ("Are there duplicates?", "- **1 duplicate row**"),
        ("Show me the outliers", "- **amount** has **1 outlier**"),
    ],
)
def test_the_lines_that_answer_the_task_come_first(task: str, start: str, orders: Path) -> None:
    lines = opening(task, orders)
    assert any(line.startswith(start) for line in lines[:3]), lines
    assert len(lines) <= MAX_HEADLINES


def test_a_fact_is_said_once(orders: Path) -> None:
    text = "\n".join(opening("Is any row broken, unreadable or a duplicate?", orders))
    assert text.count("could not be read") + text.count("unreadable row") == 1
    assert text.count("include") == 1


def test_equal_counts_of_two_files_are_two_facts() -> None:
    line = "**Findings**\n\n- **2 rows could not be read**; the first is line 3.\n"
    text = report(
        finding(line, key="1", title="Profile a.csv"), finding(line, key="2", title="Profile b.csv")
    )
    assert text.partition("\n## ")[0].count("could not be read") == 2


def test_what_was_not_found_is_told_only_when_asked() -> None:
    found = finding("**Findings**\n\n- No two number columns move together (so).\n- **a** is 7\n")
    assert "move together" not in report(found, task="Sales?").partition("\n## ")[0]
    assert "move together" in report(found, task="Any correlation?").partition("\n## ")[0]


def test_each_worker_gets_its_turn_within_the_limit() -> None:
    many = [
        finding(
            "**Findings**\n\n" + "".join(f"- {name} says {n}\n" for n in range(5)),
            key=name,
            agent_id=name,
        )
        for name in ("ann", "bo", "cy", "di")
    ]
    head = report(*many).partition("\n## ")[0]
    counts = [head.count(f"— `{name}`") for name in ("ann", "bo", "cy", "di")]
    assert sum(counts) == MAX_HEADLINES and min(counts) > 0 and max(counts) == PER_FINDING


def test_totals_and_checks_name_the_duplicate_rows(orders: Path) -> None:
    assert "totals include **1 duplicate row**" in work(orders, "processor")
    checked = work(orders, "checker")
    assert "Counts and totals include 1 duplicate row (the first row repeated is line 6)" in checked
    assert "passed all checks" not in checked


def test_a_weak_trend_is_not_called_one(tmp_path: Path) -> None:
    path = tmp_path / "weak.csv"
    path.write_text(
        "day,level\n"
        + "".join(f"2026-01-{d:02},{d + (0, 30, 5, 25)[d % 4]}\n" for d in range(1, 29))
    )
    text = work(path, "analyzer")
    (row,) = cells(text, "weak.csv: trends over day")
    assert 0.05 < float(row["R²"]) < 0.3 and row["Trend"] == "no clear trend"
    assert row["Daily totals: trend"] == "no clear trend"
    assert "only from R² = 0.3 on, for single values and for daily totals" in text


def test_headings_end_in_no_colon() -> None:
    task = "Look at the sales of the last quarter:\n- add them up\n- check them"
    text = report(finding("done", title="Add up:"), task=task)
    assert text.startswith("# Look at the sales of the last quarter\n")
    assert "## 1. Add up\n" in text
    made = plan("- Sales of the quarter:\n- rest", (LEAD, worker("bo")))
    assert made.subtasks[0].title == "Sales of the quarter"


def test_what_was_found_stands_before_what_was_not(orders: Path) -> None:
    lines = opening("Find outliers and trends in the amount", orders)
    found = next(n for n, line in enumerate(lines) if "**1 outlier**" in line)
    assert all(n > found for n, line in enumerate(lines) if "no clear trend" in line), lines


def test_a_lead_that_one_row_decides_is_told_as_such(orders: Path) -> None:
    told = work(orders, "processor")
    assert "in 20 rows; 98.9% of that stand in line 22, without which “S” would lead." in told
    # In a close race every row decides, and none of them matters.
    orders.write_text(orders.read_text().replace("N,9000", "N,12"))
    assert "would lead" not in work(orders, "processor")
