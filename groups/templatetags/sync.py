"""Formatting for the page of connections and sync tasks: statuses, types and cells of the table in words and marks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django import template
from django.template import Context
from django.utils.html import escape
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_lazy, ngettext

from groups.forms.sync import CONNECTION_TYPES, STATUSES, TASK_NAMES, Cell

register = template.Library()

STATUS_ICONS: Final[dict[str, str]] = {
    "connecting": "spinner",
    "connected": "check",
    "reconnecting": "retry",
    "disconnected": "minus",
    "error": "cross",
    "pending": "clock",
    "running": "spinner",
    "sent": "send",
    "completed": "check",
    "deferred": "pause",
    "failed": "cross",
    "cancelled": "minus",
    "settled": "check",
    "unserved": "pause",
    "nobody": "minus",
    "stranger": "minus",
    "asks": "pause",
}
#: What a cell shows to the eye, unless it is how far behind it is; each has its own shape.
MARKS: Final[dict[str, str]] = {
    "synced": "✓",
    "parked": "Ⅱ",
    "conflict": "!",
    "error": "×",
    "hidden": "⊘",
    "none": "·",
}
#: Kinds of cells that a push can help.
LATE: Final = frozenset({"behind", "parked", "error"})
#: What each kind of cell means, for the legend: a cell for its mark, and words.
LEGEND: Final[tuple[tuple[Cell, Any], ...]] = (
    (Cell("", "synced"), gettext_lazy("in step")),
    (Cell("", "syncing", 2), gettext_lazy("on its way: so many versions behind")),
    (Cell("", "behind", 2), gettext_lazy("behind: it has to come back, or to ask")),
    (Cell("", "parked", 2), gettext_lazy("parked: it does not confirm")),
    (Cell("", "conflict"), gettext_lazy("conflict: a write of it waits")),
    (Cell("", "error", 2), gettext_lazy("failed")),
    (Cell("", "hidden"), gettext_lazy("may not read it")),
    (Cell("", "none"), gettext_lazy("not subscribed")),
)


@register.inclusion_tag("states/partials/badge.html")
def sync_badge(status: str) -> dict[str, str]:
    """The status of a connection, a task or a target as a badge."""
    return {"status": status, "word": str(STATUSES[status]), "mark": STATUS_ICONS[status]}


@register.filter
def sync_word(status: str) -> str:
    """The same status in words."""
    return str(STATUSES[status])


@register.filter
def task_name(kind: str) -> str:
    """A type of sync task in a word."""
    return str(TASK_NAMES[kind])


@register.filter
def connection_type(kind: str) -> str:
    """Which way data flow, in a word."""
    return str(CONNECTION_TYPES[kind])


@register.filter
def cell_mark(cell: Cell) -> str:
    """What a cell shows to the eye."""
    if cell.kind in ("syncing", "behind"):
        number = str(cell.behind) if cell.behind < 1000 else "999+"
        return f"→{number}" if cell.kind == "syncing" else f"−{number}"
    return MARKS[cell.kind]


@register.filter
def cell_words(cell: Cell) -> str:
    """What a cell says to whoever hears it, or points at it."""
    behind = ngettext("%(n)s version behind", "%(n)s versions behind", cell.behind)
    behind = behind % {"n": cell.behind}
    match cell.kind:
        case "synced":
            return gettext("in step")
        case "syncing":
            return gettext("%(behind)s, on its way") % {"behind": behind}
        case "behind":
            return gettext("%(behind)s: it has to come back, or to ask") % {"behind": behind}
        case "parked":
            return gettext("parked, %(behind)s") % {"behind": behind}
        case "conflict":
            return gettext("conflict: a write of it waits")
        case "error":
            return gettext("failed, %(behind)s") % {"behind": behind}
        case "hidden":
            return gettext("may not read it")
    return gettext("not subscribed")


@register.simple_tag(takes_context=True)
def row_cells(context: Context, agent: str, cells: Iterable[Cell]) -> SafeString:
    """The cells of an agent's row; those that are behind lead to a push of that state to it, for whoever may push.

    Written here at once: a table of 50 times 50 is drawn again every few seconds.
    """
    home = context["home"] if context["can_push"] else ""
    drawn: dict[tuple[str, int], tuple[str, str, str]] = {}
    found = []
    for cell in cells:
        key = (cell.kind, cell.behind)
        if key not in drawn:
            drawn[key] = (cell.kind, escape(cell_mark(cell)), escape(cell_words(cell)))
        kind, mark, says = drawn[key]
        state = escape(cell.state)
        if home and kind in LATE:
            push = urlencode({"push": cell.state, "to": agent})
            mark = f'<a href="{home}?{escape(push)}#push" tabindex="-1">{mark}</a>'
        found.append(
            f'<td title="{state}: {says}"><span class="sync-cell" data-cell="{kind}" aria-hidden="true">{mark}</span>'
            f'<span class="visually-hidden">{says}</span></td>'
        )
    return mark_safe("".join(found))


@register.simple_tag
def cell_legend() -> tuple[tuple[Cell, Any], ...]:
    """The kinds of cells, each with what it means."""
    return LEGEND
