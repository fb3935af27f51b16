"""What the engine says, in the language of the page."""

from __future__ import annotations

import pytest
from django.utils import translation

from groups.forms.reasons import reason_words


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("It took longer than its time limit of 5 s.", "用时超过时限（5 秒）。"),
        ("'Count' failed: Nobody answered in time.", "“Count”失败：没有人及时答复。"),
        ("'Count' failed: The crane\nfell over.", "“Count”失败：The crane\nfell over."),
        ("Leave?\n\nTask of the run: Moor", "Leave?\n\n运行的任务： Moor"),
        ("The crane fell over.", "The crane fell over."),
    ],
)
def test_the_engine_speaks_the_language_of_the_page(said: str, words: str) -> None:
    with translation.override("zh-hans"):
        assert reason_words(said) == words
    with translation.override("en"):
        assert reason_words(said) == said


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Leave?\n\nTask of the run: Leave?", "Leave?"),
        (
            "May the ferry leave?\n\nTask of the run: - @master: may the  ferry leave?",
            "May the ferry leave?",
        ),
        ("Leave?\n\nTask of the run:\n- @ada: Leave?\n- @wim: Moor", None),
        ("Leave now?\n\nTask of the run: Leave?", None),
    ],
)
def test_a_question_that_is_the_whole_task_does_not_say_it_twice(
    said: str, words: str | None
) -> None:
    assert reason_words(said) == (words or said)
