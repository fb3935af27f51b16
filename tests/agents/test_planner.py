"""Planning: from lists, sentences, names, tags and attachments, in English and Chinese."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groups.agents.base import Planned, TextDelta
from groups.execution.plan import PlanItem
from groups.execution.statuses import SubtaskKind
from tests.agents.kit import LEAD, PIPELINE, perform, plan, request, worker

TEAM = (
    LEAD,
    worker("ann", "frontend", "css", name="Ann"),
    worker("bo", "backend", description="Databases and services in Python"),
    worker("cy", "testing", name="Cy Young"),
)


def titles(items: tuple[PlanItem, ...]) -> list[str]:
    return [item.title for item in items]


def test_numbered_list_gives_a_subtask_for_each_item() -> None:
    made = plan("Ship it:\n1. Draw the page\n2. Write the service\n   in Python\n3. Try it", TEAM)
    assert titles(made.subtasks) == ["Draw the page", "Write the service in Python", "Try it"]
    assert "list items" in made.note and "Rule-based" in made.note
    assert "Ship it:" in made.subtasks[0].instructions
    assert not any(item.depends_on for item in made.subtasks)


@pytest.mark.parametrize("mark", ["-", "*", "•"])
def test_bullets(mark: str) -> None:
    made = plan(f"{mark} alpha work\n{mark} beta work\n", TEAM)
    assert titles(made.subtasks) == ["Alpha work", "Beta work"]


def test_numbers_within_a_line() -> None:
    made = plan("Please do: 1) collect data 2) clean it 3) then publish it", TEAM)
    assert titles(made.subtasks) == ["Collect data", "Clean it", "Publish it"]
    assert [item.depends_on for item in made.subtasks] == [(), (), ("2",)]


def test_sentences() -> None:
    made = plan("Hello team! Write the e.g. short text. Dr. Who checks version 2.5 of it.", TEAM)
    assert titles(made.subtasks) == [
        "Write the e.g. short text",
        "Dr. Who checks version 2.5 of it",
    ]


@pytest.mark.parametrize(
    "task",
    [
        "Collect the data, then clean it. Finally, publish it.",
        "Collect the data. After that clean it. Then publish it.",
        "1. Collect the data\n2. Then clean it\n3. Afterwards publish it",
    ],
)
def test_then_makes_a_chain(task: str) -> None:
    made = plan(task, TEAM)
    assert [item.key for item in made.subtasks] == ["1", "2", "3"]
    assert [item.depends_on for item in made.subtasks] == [(), ("1",), ("2",)]
    assert made.subtasks[1].title == "Clean it"


def test_one_clause_is_one_subtask() -> None:
    made = plan("Translate the handbook", TEAM)
    assert titles(made.subtasks) == ["Translate the handbook"]


@pytest.mark.parametrize(
    ("item", "assignee"),
    [
        ("@cy: look at the colours", "cy"),
        ("Ask @bo. about the page", "bo"),
        ("tag:frontend anything at all", "frontend"),
        ("Anything at all #backend", "backend"),
        ("Let bo do it", "bo"),
        ("Have Cy Young do it", "cy"),
        ("Fix the CSS of the page", "ann"),
        ("Make the databases faster", "bo"),
        ("Run the tests", "cy"),
    ],
)
def test_routing(item: str, assignee: str) -> None:
    made = plan(f"- {item}\n- something unrelated altogether", TEAM)
    assert made.subtasks[0].assignee == assignee


@pytest.mark.parametrize(
    ("item", "assignee"),
    [
        ("Find weird amounts", "analyzer"),
        ("Anything odd or suspicious here?", "analyzer"),
        ("What do the figures do over time", "analyzer"),
        ("Which country brings most money?", "processor"),
        ("Show the top 5 products", "processor"),
        ("Sales by country", "processor"),
        ("Money per customer", "processor"),
        ("找出奇怪的金额", "analyzer"),
        ("哪个国家收入最多？", "processor"),
        ("Read the file, every column", "collector"),
        ("Verify the dates", "checker"),
    ],
)
def test_questions_reach_whoever_can_answer_them(item: str, assignee: str) -> None:
    """Also when it would be somebody else's turn."""
    for before in ("@collector: x", "@processor: x", "@analyzer: x"):
        made = plan(f"- {before}\n- {item}\n- something unrelated altogether", PIPELINE)
        assert made.subtasks[1].assignee == assignee


def test_common_words_make_nobody_an_expert() -> None:
    made = plan("- Sum it up\n- rest", (LEAD, worker("best-writer"), worker("processor")))
    assert made.subtasks[0].assignee == "processor"


def test_an_address_is_not_part_of_the_title() -> None:
    assert plan("- @cy: look at it\n- rest", TEAM).subtasks[0].title == "look at it"
    assert plan("- @tag:css: look at it\n- rest", TEAM).subtasks[0].title == "look at it"


def test_without_a_match_work_goes_round() -> None:
    made = plan("- xxx\n- yyy\n- zzz\n- qqq", TEAM)
    assert [item.assignee for item in made.subtasks] == ["ann", "bo", "cy", "ann"]


def test_unknown_mentions_are_ignored() -> None:
    made = plan("@nobody do this #nothing", TEAM)
    assert made.subtasks[0].assignee == "ann"


def test_leader_works_only_when_alone() -> None:
    assert plan("- @lead do it\n- that", TEAM).subtasks[0].assignee != "lead"
    assert plan("- this\n- that", (LEAD,)).subtasks[0].assignee == "lead"


def test_chinese_sentences() -> None:
    made = plan("请收集数据；写一份报告。检查拼写！", TEAM)
    assert titles(made.subtasks) == ["收集数据", "写一份报告", "检查拼写！"]


def test_chinese_sequence() -> None:
    made = plan("先收集数据，然后清洗数据，接着写报告。最后，发布。", TEAM)
    assert [item.depends_on for item in made.subtasks] == [(), ("1",), ("2",), ("3",)]
    assert titles(made.subtasks) == ["收集数据", "清洗数据", "写报告", "发布"]


@pytest.mark.parametrize(
    "task",
    [
        "1、收集数据\n2、分析数据",
        "①收集数据\n②分析数据",
        "（1）收集数据\n（2）分析数据",
        "任务：1、收集数据 2、分析数据",
    ],
)
def test_chinese_lists(task: str) -> None:
    assert titles(plan(task, TEAM).subtasks) == ["收集数据", "分析数据"]


def test_chinese_tags_route() -> None:
    members = (LEAD, worker("a", "前端"), worker("b", "数据库"))
    made = plan("1、优化数据库\n2、修改前端页面", members)
    assert [item.assignee for item in made.subtasks] == ["b", "a"]


def test_a_table_keeps_four_workers_busy_at_once(tmp_path: Path) -> None:
    file = tmp_path / "sales.csv"
    file.write_text("a,b\n1,2\n")
    made = plan("Here are the sales. What is odd?", PIPELINE, file)
    assert [(item.title, item.assignee) for item in made.subtasks] == [
        ("Profile sales.csv", "collector"),
        ("Totals of sales.csv", "processor"),
        ("Patterns in sales.csv", "analyzer"),
        ("Quality of sales.csv", "checker"),
    ]
    assert not any(item.depends_on for item in made.subtasks)
    assert all("What is odd?" in item.instructions for item in made.subtasks)


@pytest.mark.parametrize(
    "members",
    [
        (LEAD, worker("w1"), worker("w2"), worker("w3"), worker("w4")),
        (LEAD, worker("reporter"), worker("collector"), worker("processor"), worker("analyzer")),
        (LEAD, worker("a", "分析"), worker("b", "收集"), worker("c", "汇总"), worker("d", "检查")),
    ],
)
def test_any_four_workers_share_the_four_jobs(members: tuple, tmp_path: Path) -> None:  # type: ignore[type-arg]
    file = tmp_path / "sales.parquet"
    file.write_text("")
    made = plan("Sales", members, file)
    assert len({item.assignee for item in made.subtasks}) == 4


def test_one_worker_does_all_jobs(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text("[]")
    made = plan("Sales", (LEAD, worker("solo")), file)
    assert [item.assignee for item in made.subtasks] == ["solo"] * 4


def test_a_list_goes_before_the_jobs_of_a_table(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a\n1\n")
    made = plan("1. Analyse outliers\n2. Aggregate the totals", PIPELINE, file)
    assert made.subtasks[0].assignee == "analyzer"
    assert made.subtasks[1].assignee == "processor"
    assert {item.assignee for item in made.subtasks[2:]} == {"collector", "checker"}


def test_texts_are_digested(tmp_path: Path) -> None:
    files = [tmp_path / "a.md", tmp_path / "b.txt"]
    for file in files:
        file.write_text("Words.")
    made = plan("Read them", TEAM, *files)
    assert titles(made.subtasks) == ["Digest a.md", "Digest b.txt"]
    assert len({item.assignee for item in made.subtasks}) == 2


async def test_the_plan_is_told_as_it_is_made() -> None:
    events, outcome = await perform(
        request(
            SubtaskKind.PLAN, config={"skill": "leader"}, task="- a thing\n- more", members=TEAM
        )
    )
    assert isinstance(outcome, Planned)
    assert any(isinstance(event, TextDelta) and "A thing → ann" in event.text for event in events)


@given(st.text(min_size=1, max_size=400).filter(lambda text: text.strip() != ""))
def test_any_task_gives_a_valid_plan(task: str) -> None:
    plan(task, TEAM)


def test_a_long_list_is_cut() -> None:
    made = plan("\n".join(f"- item {n}" for n in range(700)), TEAM)
    assert len(made.subtasks) == 500
    assert "500" in made.note


def test_a_huge_task_is_planned_quickly() -> None:
    made = plan("word, " * 16_000 + "\n" + "1 " * 2_000, TEAM)
    assert made.subtasks
