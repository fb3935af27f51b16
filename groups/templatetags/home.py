"""Formatting for the home page: levels of health, lines of activity, days of runs and the gist of results in words."""

from __future__ import annotations

import re
from typing import Any, Final

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, ngettext

from groups.forms.words import ENTRY_WORDS
from groups.overview.activity import Line
from groups.overview.day import Day
from groups.overview.health import Health, Level
from groups.templatetags.stars import STATUS_ICONS, headline, role_word
from state.values import ConflictRecord

register = template.Library()

LEVEL_WORDS: Final[dict[str, Any]] = {
    Level.GOOD: gettext_lazy("All is well"),
    Level.STRAINED: gettext_lazy("Worth a look"),
    Level.BROKEN: gettext_lazy("Something is broken"),
}
ICONS: Final[dict[str, str]] = {
    "run_started": "play",
    "joined": "plus",
    "role": "person",
    "group_made": "star",
    "message": "send",
    "state": "layers",
}
#: Marks of Markdown at the beginning of a line, and within it.
_BEGIN: Final = re.compile(r"^\s*(?:[-*•>]|\d+[.)])\s+")
_WITHIN: Final = re.compile(r"[*_`]{1,3}|\[([^\]]*)\]\([^)]*\)")
#: Characters of a text within a line.
BRIEF: Final = 90


@register.filter
def level_of_health(level: str) -> str:
    """How the installation stands, in a few words."""
    return str(LEVEL_WORDS[level])


@register.simple_tag
def health_level(health: Health, part: str) -> str:
    """How one part of the installation stands."""
    return str(health.level_of(part))


@register.filter
def day_words(day: Day) -> str:
    """How many runs began within the last day, and how many of them failed."""
    if not day.runs:
        return gettext("no runs in 24 h")
    said = ngettext("%(n)s run in 24 h", "%(n)s runs in 24 h", day.runs) % {"n": day.runs}
    if day.failed:
        said += ", " + ngettext("%(n)s failed", "%(n)s failed", day.failed) % {"n": day.failed}
    return said


@register.filter
def gist(text: str) -> str:
    """The first line of a result that says something: headings, tables and marks are passed over."""
    for line in text.splitlines():
        plain = _WITHIN.sub(lambda found: found[1] or "", _BEGIN.sub("", line)).strip()
        if plain and not plain.startswith(("#", "|", "---", "===")):
            return plain[:200]
    return ""


@register.filter
def conflict_url(record: ConflictRecord) -> str:
    """Where the conflict is settled."""
    return _in_space("conflict", record.space, conflict_id=record.conflict_id)


@register.filter
def activity_icon(line: Line) -> str:
    """What stands before a line of the activity."""
    return ICONS.get(line.kind) or STATUS_ICONS.get(line.status, "clock")


@register.simple_tag
def activity_words(line: Line, names: dict[str, str]) -> SafeString:
    """The line as a sentence with its links; whatever agents and people wrote is escaped."""
    group = names.get(line.group, line.group)
    where = (
        format_html(
            '<a class="activity-group" href="{}">{}</a>',
            reverse("groups:group", args=[line.group]),
            group,
        )
        if line.group in names
        else gettext("the installation")
    )
    said, what = _sentence(line)
    return format_html('{}{} <span class="activity-where">{}</span>', said, what, where)


def _sentence(line: Line) -> tuple[str, str]:
    """(what is said before the link or the quote, that)."""
    who = format_html("<b>{}</b>", line.who) if line.who else "Stars"
    match line.kind:
        case "run_started":
            said = gettext("%(who)s started ")
            return format_html(_marked(said), who=who), _run(line)
        case "run_ended" if line.who:
            return format_html(_marked(gettext("%(who)s cancelled ")), who=who), _run(line)
        case "run_ended":
            words = {
                "completed": gettext("Completed: "),
                "failed": gettext("Failed: "),
                "cancelled": gettext("Cancelled: "),
            }
            return words.get(line.status, ""), _run(line)
        case "joined":
            return _joined(line, who), ""
        case "role":
            said, role = gettext("%(who)s gave %(agent)s the role %(role)s"), role_word(line.status)
            agent = format_html("<b>{}</b>", line.of)
            return format_html(_marked(said), who=who, agent=agent, role=role), ""
        case "group_made":
            return format_html(_marked(gettext("%(who)s made the group")), who=who), ""
        case "message":
            to = line.of or gettext("everyone")
            said = _marked(gettext("%(who)s to %(to)s: "))
            quote = line.text if len(line.text) <= BRIEF else line.text[: BRIEF - 1] + "…"
            return format_html(said, who=who, to=to), format_html("<q>{}</q>", quote)
    did = ENTRY_WORDS.get(line.status, line.status)
    url = _in_space("state", line.group, state_id=line.of)
    said = format_html(_marked(gettext("%(who)s: state ")), who=who)
    times = f" ×{line.times}" if line.times > 1 else ""
    return said, format_html('<a href="{}">{}</a> {}{}', url, line.of, did, times)


def _joined(line: Line, who: str) -> str:
    if line.times == 1:
        return format_html(_marked(gettext("%(who)s joined")), who=who)
    more = line.times - 1
    said = ngettext("%(who)s and %(n)s more joined", "%(who)s and %(n)s more joined", more)
    return format_html(_marked(said), who=who, n=more)


def _run(line: Line) -> str:
    url = reverse("groups:run", args=[line.of])
    return format_html('<a href="{}">{}</a>', url, headline(line.text)[:BRIEF])


def _marked(text: str) -> str:
    """A translation's places, %(name)s, as format_html has them."""
    plain = text.replace("{", "{{").replace("}", "}}")
    return re.sub(r"%\((\w+)\)s", r"{\1}", plain)


def _in_space(name: str, space: str, **names: str) -> str:
    return reverse(f"groups:{name}", kwargs={"space": space, **names})
