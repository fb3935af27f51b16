"""Whom a message wakes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from groups.execution.mentions import mentioned, strangers, without
from groups.execution.plan import Assignable

CREW = (
    Assignable(agent_id="lena", role="leader", tags=("boss",)),
    Assignable(agent_id="wim", role="worker", tags=("Python", "math")),
    Assignable(agent_id="wes.2", role="worker", tags=("python",)),
    Assignable(agent_id="olga", role="observer"),
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("nobody here", []),
        ("@wim please", ["wim"]),
        ("Please, @wim, look.", ["wim"]),
        ("ask @WIM.", ["wim"]),
        ("ask @wes.2.", ["wes.2"]),
        ("你好@wim，请看", ["wim"]),  # Chinese has no blanks between words
        ("你好 @wim，请看", ["wim"]),
        ("(@wim)", ["wim"]),
        ("@wim and @lena, @wim again", ["lena", "wim"]),
        ("@role:worker go", ["wim", "wes.2"]),
        ("@tag:python go", ["wim", "wes.2"]),
        ("@tag:nothing @role:captain @nobody", []),
        ("@all hear", ["lena", "wim", "wes.2", "olga"]),
        ("mail wim@wim.example and see a/@wim", []),
        ("`@wim` is written so", []),
        ("```\n@wim\n```", []),
        ("```\n@wim", []),
        ("@", []),
        ("@@wim", []),
        ("@wimbledon", []),
        ("@wim's turn", ["wim"]),
        ("**@wim**", ["wim"]),
    ],
)
def test_only_whoever_is_named_whole_is_meant(text: str, meant: list[str]) -> None:
    assert mentioned(text, CREW) == meant


def test_nobody_wakes_itself() -> None:
    assert mentioned("@all @wim", CREW, sender="wim") == ["lena", "wes.2", "olga"]


class Crowd(list[Assignable]):
    """Counts how often one of them is looked at."""

    looked_at = 0

    def __iter__(self) -> Iterator[Assignable]:
        for each in super().__iter__():
            self.looked_at += 1
            yield each


def test_a_long_row_of_dots_takes_no_time() -> None:
    assert mentioned("@" + "." * 100_000, CREW) == []


@pytest.mark.parametrize(
    "text", ["@a " * 33_000, ("@" + "-" * 130 + " ") * 750], ids=["many", "long"]
)
def test_a_group_is_gone_through_as_often_however_many_mentions_there_are(text: str) -> None:
    crowd = Crowd(Assignable(agent_id=f"agent-{n}", role="worker", tags=("x",)) for n in range(500))
    assert mentioned(f"{text} @agent-7", crowd) == ["agent-7"]
    # For names, for @all, for the order of the answer.
    assert crowd.looked_at <= 3 * len(crowd)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@wim and @all, please", []),
        ("@nobody. @wim, @nobody hello?", ["@nobody"]),
        ("@tag:nothing @role:captain @role:worker", ["@tag:nothing", "@role:captain"]),
        ("mail wim@wim.example, `@code`", []),
    ],
)
def test_names_that_nobody_bears(text: str, names: list[str]) -> None:
    assert strangers(text, CREW) == names


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("@role:worker how many rows?", "how many rows?"),
        ("@wim, @lena: look at 7 rows", "look at 7 rows"),
        ("ask @wim about it", "ask about it"),
        ("你好@wim，请看", "你好 ，请看"),
        ("mail wim@wim.example\n  twice", "mail wim@wim.example\n twice"),
    ],
)
def test_addresses_are_left_out_of_what_is_counted(text: str, rest: str) -> None:
    assert without(text) == rest
