"""The leader's report: every figure comes from a finding and says whose it is; what failed is said."""

from __future__ import annotations

import re
from pathlib import Path

from groups.agents.base import Finding
from groups.agents.builtin.report import MAX_DETAIL
from groups.execution.statuses import SubtaskKind
from tests.agents.kit import PIPELINE, answer, plan, request, work


def finding(text: str, **fields: str) -> Finding:
    values = {"key": "1", "title": "Profile x", "agent_id": "ann", "status": "completed"}
    return Finding(**{**values, **fields}, text=text)


def report(*findings: Finding, task: str = "Look at *x*") -> str:
    return answer(
        request(SubtaskKind.SUMMARY, config={"skill": "leader"}, task=task, findings=findings)
    )


def test_the_answer_comes_first_and_names_its_source() -> None:
    text = report(
        finding("**Findings**\n\n- x has **7 rows**\n- two\n- three\n\n### Detail\n\n| a |\n")
    )
    assert text.startswith("# Look at \\*x\\*\n\n- x has **7 rows** — `ann`\n- two — `ann`\n")
    assert "## 1. Profile x\n\nFound by `ann`.\n\n- x has **7 rows**\n- two\n- three" in text
    assert "#### Detail" in text
    assert "rule-based" in text


def test_a_task_that_is_a_list_is_called_by_its_first_entry() -> None:
    for task in ("- Count the barges:\n- then sum up", "1. Count the barges\n2. Sum up"):
        assert report(task=task).startswith("# Count the barges\n"), task
    assert report(task="**Bold** first").startswith("# \\*\\*Bold\\*\\* first\n")


def test_texts_of_other_agents_are_kept() -> None:
    text = report(finding("The ships are late.\n\nVery late."))
    assert "- The ships are late. — `ann`" in text and "Very late." in text


def test_failed_and_skipped_subtasks_are_listed_with_the_reason() -> None:
    text = report(
        finding("done"),
        finding("", title="Count", agent_id="bo", status="failed", error="no power"),
        finding("", title="Weigh", agent_id="cy", status="skipped"),
    )
    assert "**1 of 3 subtasks completed**" in text
    assert "- **Count** (`bo`): failed, no power" in text
    assert "- **Weigh** (`cy`): skipped" in text


def test_without_results_it_says_so() -> None:
    text = report(finding("", status="failed", error="broken"))
    assert "**No subtask was completed, so there is no result.**" in text


def test_long_detail_is_cut_with_a_pointer() -> None:
    rows = "\n".join(f"| {n} |" for n in range(MAX_DETAIL * 2))
    text = report(finding(f"**Findings**\n\n- many\n\n### Rows\n\n{rows}"))
    assert "further lines in the subtask's own output" in text
    assert len(text.splitlines()) < MAX_DETAIL * 2


def test_every_figure_comes_from_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(
        "day,region,amount\n"
        + "".join(f"2026-01-{n % 28 + 1:02},{'NS'[n % 2]},{n * 1.5}\n" for n in range(1, 90))
    )
    items = plan("Sales?", PIPELINE, path).subtasks
    found = [
        finding(
            work(path, item.assignee, title=item.title, instructions=item.instructions),
            title=item.title,
            agent_id=item.assignee,
        )
        for item in items
    ]
    text = report(*found, task="Sales?")
    given = {number for each in found for number in re.findall(r"\d[\d,.]*", each.text)}
    # Section numbers and the counts of workers and subtasks are the report's own.
    own = {"1.", "2.", "3.", "4.", "4"}
    assert set(re.findall(r"\d[\d,.]*", text)) - given <= own
    assert f"sum **{sum(n * 1.5 for n in range(1, 90)):,.1f}**" in text
    assert all(f"`{item.assignee}`" in text for item in items)
