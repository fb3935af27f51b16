"""The four things that can be done with a table: what a subtask of each is called and by which words it is known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Job:
    """`title` takes a file name; a worker recognises its job by the words before it."""

    skill: str
    title: str
    instructions: str
    words: tuple[str, ...]
    #: Whole words, and Chinese ones, by which a task asks for it; too common for the name of an agent to tell anything.
    asked: tuple[str, ...] = ()

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
        asked=(
            *("most", "least", "top", "best", "worst", "highest", "lowest", "largest", "smallest"),
            *("biggest", "more", "fewest", "mean", "median", "how many", "how much", "per", "each"),
            *("by country", "by region", "by city", "by category", "by product", "by customer"),
            *("by day", "by week", "by month", "by year", "ranking", "rank"),
            *(
                "最多",
                "最少",
                "最高",
                "最低",
                "最大",
                "最小",
                "最好",
                "最差",
                "平均",
                "合计",
                "总计",
            ),
            *("总和", "多少", "排名", "前几", "按国家", "按地区", "按类别", "每个", "每天", "每月"),
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
        asked=(
            *(
                "weird",
                "strange",
                "unusual",
                "odd",
                "oddities",
                "suspicious",
                "peculiar",
                "extreme",
            ),
            *("unexpected", "stand out", "stands out", "over time", "rise", "fall", "grow"),
            *("奇怪", "可疑", "反常", "不寻常", "离群", "极端", "意外", "突出", "波动", "变化"),
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
    return asked_for(f"{title} {instructions}") or JOBS[0]


def likeliest(text: str) -> Job | None:
    """The job of which most words stand in `text`, a label or a sentence; None when there are none."""
    return _best([sum(word in text.lower() for word in job.words) for job in JOBS])


def asked_for(text: str) -> Job | None:
    """The job that a task asks for, by the words of questions as well; None when there are none."""
    lower = text.lower()
    return _best(
        [
            sum(word in lower for word in job.words) + sum(_says(lower, ask) for ask in job.asked)
            for job in JOBS
        ]
    )


def _says(lower: str, ask: str) -> bool:
    """Chinese has no spaces to tell words by."""
    return re.search(rf"\b{ask}\b", lower) is not None if ask.isascii() else ask in lower


def _best(scores: list[int]) -> Job | None:
    best = max(scores)
    return JOBS[scores.index(best)] if best else None
