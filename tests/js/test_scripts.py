"""The unit tests of the dashboard's scripts, by Node's own test runner: one test here per file there."""

from __future__ import annotations

from pathlib import Path

import pytest

from groups.events import CATALOGUE
from groups.execution.statuses import RunStatus, SubtaskStatus
from tests.js.node import HERE, run

WORDS = (HERE.parent.parent / "static" / "js" / "run" / "words.js").read_text()


@pytest.mark.parametrize("path", sorted(HERE.glob("*.test.mjs")), ids=lambda path: path.name)
def test_scripts(path: Path) -> None:
    done = run("--test", path.name)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.parametrize("word", [*CATALOGUE, *RunStatus, *SubtaskStatus])
def test_the_page_has_words_for_whatever_the_engine_says(word: str) -> None:
    assert f'"{word}":' in WORDS or f"  {word}: gettext" in WORDS
