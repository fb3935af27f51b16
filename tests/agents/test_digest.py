"""Digest of texts, English and Chinese, and of a subtask's own words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groups.agents.base import Finding, Note
from groups.agents.builtin.scaffold import CONTEXT, TASK
from groups.agents.builtin.text import dates, figures, key_sentences, sentences, words
from tests.agents.kit import answer, request, work

REPORT = """# Harbour report

The harbour handled 1,250 ships in March 2026. Ships waited 3.5 hours on average, says Dr. Lee.
The harbour plans a second crane by 12 May 2026. Costs are $2.4 million, 15% above plan.
Nothing else happened. The crane will help the harbour to handle more ships.
"""


def test_sentences_respect_abbreviations_and_numbers() -> None:
    assert sentences("Dr. Lee paid 3.5 dollars. Fine! Is it, e.g. so? Yes") == [
        "Dr. Lee paid 3.5 dollars.",
        "Fine!",
        "Is it, e.g. so?",
        "Yes",
    ]


def test_chinese_sentences_and_words() -> None:
    assert sentences("销售额增长。成本下降！为什么？") == ["销售额增长。", "成本下降！", "为什么？"]
    assert "销售" in words("销售额增长") and "的销" not in words("我们的销售额")


def test_figures_and_dates() -> None:
    assert dates(REPORT) == ["March 2026", "12 May 2026"]
    assert figures(REPORT) == ["1,250", "3.5 hours", "$2.4 million", "15%"]
    assert dates("于2026年3月5日及2026-04-01") == ["2026年3月5日", "2026-04-01"]
    assert figures("销售额为300万元，增长12%") == ["300万元", "12%"]


def test_key_sentences_keep_the_order_of_the_text() -> None:
    found = sentences(REPORT)
    best = key_sentences(found, Counter(words(REPORT)), 2)
    assert best == [s for s in found if s in best]
    assert all("harbour" in sentence for sentence in best)


def test_text_file(tmp_path: Path) -> None:
    path = tmp_path / "harbour.md"
    path.write_text(REPORT)
    text = work(path, "digest")
    assert "**harbour.md**: 5 lines" in text
    assert "harbour (" in text and "ships (" in text
    assert "4 figures: 1,250, 3.5 hours, $2.4 million and 15%." in text
    assert "2 dates: March 2026 and 12 May 2026." in text


def test_chinese_file(tmp_path: Path) -> None:
    path = tmp_path / "报告.txt"
    path.write_text(
        "本月销售额增长12%，销售额为300万元。成本下降。2026年3月5日发布新产品。" * 2,
        encoding="gb18030",
    )
    text = work(path, "digest")
    assert "read as GB18030" in text
    assert "销售 (4)" in text
    assert "300万元" in text and "2026年3月5日" in text


def test_log_file(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text(
        "2026-01-01 10:00:00 INFO start\n"
        + "".join(f"2026-01-01 10:00:{n:02} ERROR timeout after {n} ms\n" for n in range(10, 14))
        + "2026-01-01 10:00:20 WARNING low\n"
    )
    text = work(path, "digest")
    assert "lines per level: ERROR 4, INFO 1 and WARNING 1." in text
    assert "The commonest error, 4 times, first in line 2: “timeout after # ms”." in text


@pytest.mark.parametrize("skill", ["collector", "digest"])
def test_a_table_skill_reads_texts_too(skill: str, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(REPORT)
    assert "Keywords: harbour" in work(path, skill)


def test_empty_text(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.touch()
    assert "**x.txt** is empty (0 bytes)." in work(path, "digest")


def test_without_a_file_it_says_so_and_condenses_the_words() -> None:
    text = answer(
        request(
            config={"skill": "digest"},
            title="Plan the move",
            instructions="Plan the move of 12 offices by 3 March 2027. Ask the offices first.",
            notes=(
                Note(sender="bo", to="collector", text="mind the piano"),
                Note(sender="system", to="", text="lunch is at noon"),
            ),
            findings=(
                Finding(key="1", title="List", agent_id="ann", status="completed", text="Offices."),
            ),
        )
    )
    assert "There is no file to work on" in text
    assert "offices (" in text and "3 March 2027" in text
    assert "“List”" in text
    bullets, _, apart = text.partition("### Messages to collector")
    assert "mind the piano" in apart and "piano" not in bullets
    assert "lunch" not in text


@given(st.text(max_size=500))
def test_any_text_is_digested(text: str) -> None:
    found = sentences(text)
    key_sentences(found, Counter(words(text)), 3)
    figures(text)
    dates(text)


def test_what_the_plan_wrote_around_the_words_is_not_counted() -> None:
    plain = request(title="Design the form", instructions="@worker Design the form", task="x")
    step, tables = (
        request(title="Design the form", instructions=f"Design the form{mark}Build a login page")
        for mark in (CONTEXT, TASK)
    )
    for text in map(answer, (plain, step, tables)):
        assert "Keywords: design (1) and form (1)." in text
        assert "In its own words: “Design the form”" in text
        assert not any(word in text.lower() for word in ("context", "login", "worker"))
