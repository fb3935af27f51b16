"""What the demo says, in two languages: Chinese pages are searched for English words, so their data has none."""

from __future__ import annotations

from typing import Final, NamedTuple


class Words(NamedTuple):
    """The texts that people and agents of the demo write."""

    group: str
    empty_group: str
    names: dict[str, str]
    replies: dict[str, str]
    broadcast: str
    letter: str
    task: str
    report: str
    question: str
    failing: str
    failure: str
    vote: str
    title: str


ENGLISH: Final = Words(
    group="Keeps the harbour's books, and writes its letters.",
    empty_group="One crane, and nobody else.",
    names={
        "lena": "Harbour office",
        "wim": "Berths and dues",
        "nora": "Tides and weather",
        "ola": "Letters",
        "master": "The harbour master",
        "crane": "Crane",
    },
    replies={
        "wim": "## Dues\n\n| berth | paid | open |\n|---|---:|---:|\n| North | 4,120.50 | 0.00 |\n"
        "| South | 3,980.00 | 212.40 |\n| West | 9,000.50 | 0.00 |\n\n"
        "West is **out of line**: one payment is 180 times the median.",
        "nora": "High water at 04:12 and 16:39, wind north-west 5, turning west in the evening.",
        "ola": "Dear captains, berth South has dues of 212.40 open. Please settle them before the spring tide. "
        "The harbour office is open from eight to five.",
    },
    broadcast="Spring tide on Friday. Moor everything that floats.",
    letter="Please write to the captains as well.",
    task="Get the harbour ready for the spring tide:\n- @wim: Add up the dues per berth\n"
    "- @nora: Say when high water is, and how the wind stands\n- @ola: Write to the captains",
    report="1. Describe the table\n2. Add up the dues per berth\n3. Find outliers in the dues",
    question="@master: May the ferry leave before high water?",
    failing="Count the crates",
    failure="The crane's books are on paper.",
    vote="Say in two lines what a login page needs.",
    title="Spring tide",
)

CHINESE: Final = Words(
    group="管理港口账目，撰写信函。",
    empty_group="只有一台起重机，没有别人。",
    names={
        "lena": "港务处",
        "wim": "泊位与港费",
        "nora": "潮汐与天气",
        "ola": "信函",
        "master": "港务长",
        "crane": "起重机",
    },
    replies={
        "wim": "## 港费\n\n| 泊位 | 已付 | 未付 |\n|---|---:|---:|\n| 北 | 4,120.50 | 0.00 |\n"
        "| 南 | 3,980.00 | 212.40 |\n| 西 | 9,000.50 | 0.00 |\n\n西泊位**明显异常**：有一笔付款是中位数的 180 倍。",
        "nora": "高潮在 04:12 和 16:39，西北风 5 级，傍晚转西风。",
        "ola": "各位船长：南泊位尚有 212.40 港费未付，请在大潮之前结清。港务处八点至五点办公。",
    },
    broadcast="周五大潮，所有浮动物请系牢。",
    letter="也请给船长们写信。",
    task="为大潮做好港口准备：\n- @wim: 按泊位汇总港费\n- @nora: 说明高潮时间与风况\n- @ola: 给船长们写信",
    report="1. 描述这张表\n2. 按泊位汇总港费\n3. 找出港费中的异常值",
    question="@master: 渡轮可以在高潮之前离港吗？",
    failing="清点货箱",
    failure="起重机的账目写在纸上。",
    vote="用两行话说明登录页面需要什么。",
    title="大潮",
)
