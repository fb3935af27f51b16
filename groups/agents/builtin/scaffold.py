"""What a plan writes around the words of a step, so that whoever works on the words can leave it out."""

from __future__ import annotations

from typing import Final

#: What was said around the list that the step stands in.
CONTEXT: Final = "\n\nContext: "
#: The whole task, after what is to be done for it.
TASK: Final = "\n\nThe task: "


def own_words(instructions: str) -> str:
    """The step alone."""
    for mark in (CONTEXT, TASK):
        instructions = instructions.partition(mark)[0]
    return instructions.strip()
