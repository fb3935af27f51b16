"""Words of the agents' pages."""

from __future__ import annotations

from typing import Any, Final

from django import template
from django.utils.translation import gettext_lazy

register = template.Library()

SUBTASK_WORDS: Final[dict[str, Any]] = {
    "blocked": gettext_lazy("blocked"),
    "ready": gettext_lazy("ready"),
    "running": gettext_lazy("running"),
    "waiting": gettext_lazy("waiting"),
    "completed": gettext_lazy("completed"),
    "failed": gettext_lazy("failed"),
    "cancelled": gettext_lazy("cancelled"),
    "skipped": gettext_lazy("skipped"),
}


@register.filter
def subtask_word(status: str) -> Any:
    """The status of a subtask."""
    return SUBTASK_WORDS.get(status, status)


@register.filter
def word_in(words: dict[str, Any], key: str) -> Any:
    """What a word stands for."""
    return words.get(key, key)
