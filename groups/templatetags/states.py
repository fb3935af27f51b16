"""Formatting for the pages of shared states: principals, kinds of entries, operations and JSON in words."""

from __future__ import annotations

import json
from typing import Any, Final

from django import template
from django.utils.translation import gettext, gettext_lazy
from msgspec import UNSET

from groups.forms.states import text_of
from groups.forms.words import (
    CONFLICT_KINDS,
    CONFLICT_STATUSES,
    CONFLICT_TYPES,
    CONSISTENCIES,
    ENTRY_WORDS,
    RESOLUTIONS,
    SYNC_STATUSES,
    TYPES,
    principal,
)
from state.manager import Change
from state.values import Entry, Json, Operation, OperationType

register = template.Library()

OPERATION_WORDS: Final[dict[str, Any]] = {
    OperationType.SET: gettext_lazy("set"),
    OperationType.DELETE: gettext_lazy("removed"),
    OperationType.MERGE: gettext_lazy("merged"),
    OperationType.CAS: gettext_lazy("set if unchanged"),
}
CHANGE_WORDS: Final[dict[str, Any]] = {
    "added": gettext_lazy("added"),
    "removed": gettext_lazy("removed"),
    "changed": gettext_lazy("changed"),
}
#: How states stand to what was asked of them, and conflicts to whoever is asked.
STATUS_WORDS: Final = {**SYNC_STATUSES, **CONFLICT_STATUSES}
STATUS_ICONS: Final[dict[str, str]] = {
    "synced": "check",
    "pending": "clock",
    "syncing": "spinner",
    "conflict": "hand",
    "error": "cross",
    "open": "hand",
    "resolved": "check",
    "rejected": "minus",
}
#: Operations of one entry that are told before the rest is only counted.
TOLD: Final = 8
#: Characters of a value within a line.
BRIEF: Final = 120


register.filter(principal)


@register.inclusion_tag("states/partials/badge.html")
def state_badge(status: str) -> dict[str, str]:
    """The status of a state or a conflict as a badge."""
    return {"status": status, "word": str(STATUS_WORDS[status]), "mark": STATUS_ICONS[status]}


@register.filter
def entry_word(kind: str) -> str:
    """What an entry did to its state, in a word."""
    return str(ENTRY_WORDS.get(kind, kind))


@register.filter
def operation_word(op: Operation) -> str:
    """What an operation did at its path, in a word."""
    return str(OPERATION_WORDS[op.op])


@register.filter
def change_word(change: Change) -> str:
    """What became of a path between two versions."""
    return str(CHANGE_WORDS[change.kind])


@register.filter
def state_type(kind: str) -> str:
    """A type of state in a word."""
    return str(TYPES.get(kind, kind))


@register.filter
def consistency_word(level: str) -> str:
    """A level of consistency in a word."""
    return str(CONSISTENCIES[level][0])


@register.filter
def resolution_word(resolution: str) -> str:
    """What happens to conflicting writes, in a few words."""
    return str(RESOLUTIONS[resolution][0])


@register.filter
def conflict_word(kind: str) -> str:
    """A type of conflict in a few words."""
    return str(CONFLICT_TYPES.get(kind, kind))


@register.filter
def cause_word(kind: str) -> str:
    """The kind of a cause in a few words."""
    return str(CONFLICT_KINDS.get(kind, kind))


@register.filter
def pointer(path: str) -> str:
    """A path, or what is meant by the empty one."""
    return path or gettext("the whole document")


@register.filter
def told(entry: Entry) -> tuple[Operation, ...]:
    """The operations that are worth a line each; what a creation began with is the document itself."""
    return entry.ops[:TOLD]


@register.filter
def untold(entry: Entry) -> int:
    """How many more operations there were."""
    return max(0, len(entry.ops) - TOLD)


@register.filter
def has_value(op: Operation) -> bool:
    """Whether the operation wrote something."""
    return op.value is not UNSET


@register.filter
def brief(value: Json) -> str:
    """A JSON value on one line, cut where it gets long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= BRIEF else text[: BRIEF - 1] + "…"


@register.filter
def pretty(value: Json) -> str:
    """A JSON value on as many lines as it needs."""
    return text_of(value)
