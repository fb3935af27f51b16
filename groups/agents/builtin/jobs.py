"""The four things that can be done with a table: what a subtask of each is called and by which words it is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Job:
    """`title` takes a file name; a worker recognises its job by the words before it."""

    skill: str
    title: str
    instructions: str
    words: tuple[str, ...]

    @property
    def opening(self) -> str:
        """The part of the title before the file name."""
        return self.title.partition("{")[0]


JOBS: Final[tuple[Job, ...]] = (
    Job(
        "collector",
        "Profile {file}",
        "Read {file}. Report rows, columns and their types, missing values, duplicate rows, and "
        "every row that cannot be read, with its line number and the reason.",
        (
            "collect",
            "profile",
            "ingest",
            "load",
            "read",
            "import",
            "fetch",
            "采集",
            "收集",
            "读取",
            "导入",
        ),
    ),
    Job(
        "processor",
        "Totals of {file}",
        "For each number column of {file} give count, sum, mean, median, minimum, maximum and "
        "standard deviation; add up by category and by day.",
        (
            "process",
            "aggregate",
            "total",
            "sum",
            "statistic",
            "transform",
            "average",
            "处理",
            "汇总",
            "统计",
        ),
    ),
    Job(
        "analyzer",
        "Patterns in {file}",
        "Find outliers in {file} by a stated rule with the rows they stand in, correlations between "
        "number columns, and trends over time.",
        (
            "analy",
            "outlier",
            "trend",
            "correlat",
            "pattern",
            "insight",
            "anomal",
            "分析",
            "趋势",
            "异常",
        ),
    ),
    Job(
        "checker",
        "Quality of {file}",
        "Check whether {file} can be trusted: values that do not fit their column, spelling "
        "variants, stray spaces, repeated identifiers, missing days, dates in the future.",
        (
            "check",
            "quality",
            "valid",
            "verif",
            "review",
            "test",
            "qa",
            "report",
            "检查",
            "质量",
            "校验",
            "报告",
        ),
    ),
)
BY_SKILL: Final[dict[str, Job]] = {job.skill: job for job in JOBS}


def job_of(title: str, instructions: str, skill: str) -> Job:
    """The job a worker does: the one its title names, else its own skill's, else the likeliest by words."""
    for job in JOBS:
        if title.startswith(job.opening):
            return job
    if skill in BY_SKILL:
        return BY_SKILL[skill]
    return likeliest(f"{title} {instructions}") or JOBS[0]


def likeliest(text: str) -> Job | None:
    """The job of which most words stand in `text`; None when there are none."""
    lower = text.lower()
    best = max(JOBS, key=lambda job: sum(word in lower for word in job.words))
    return best if any(word in lower for word in best.words) else None
