"""Formatting for templates: Markdown made safe, sizes, times, status words and icons."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import Any, Final

import nh3
from django import template
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_lazy, ngettext
from markdown_it import MarkdownIt

from groups.agents import registry
from groups.forms.durations import how_long
from groups.forms.reasons import reason_words
from groups.models import Level
from groups.services import attachments
from groups.words import RUN_WORDS

register = template.Library()
register.filter("reason", reason_words)

INBOX_WORDS: Final[dict[str, Any]] = {
    "question": gettext_lazy("Question"),
    "approval": gettext_lazy("Approval"),
    "approve_plan": gettext_lazy("Approval"),
    "plan": gettext_lazy("Planning"),
    "work": gettext_lazy("Subtask"),
    "vote": gettext_lazy("Vote"),
    "summary": gettext_lazy("Summing up"),
}
#: What stands on the buttons by which a call of a tool is approved; other options are an agent's own words.
OPTION_WORDS: Final[dict[str, Any]] = {
    "approve": gettext_lazy("Approve"),
    "deny": gettext_lazy("Deny"),
}
STATUS_ICONS: Final[dict[str, str]] = {
    "queued": "clock",
    "planning": "spinner",
    "awaiting_approval": "hand",
    "running": "spinner",
    "paused": "pause",
    "summarising": "spinner",
    "completed": "check",
    "failed": "cross",
    "cancelled": "minus",
}
LEVEL_WORDS: Final[dict[int, Any]] = {
    Level.VIEWER: gettext_lazy("viewer"),
    Level.OPERATOR: gettext_lazy("operator"),
    Level.OWNER: gettext_lazy("owner"),
}
ROLE_WORDS: Final[dict[str, Any]] = {
    "leader": gettext_lazy("leader"),
    "worker": gettext_lazy("worker"),
    "specialist": gettext_lazy("specialist"),
    "coordinator": gettext_lazy("coordinator"),
    "observer": gettext_lazy("observer"),
}
#: What addresses of pages begin with, and the entry of the navigation that they lie below.
_SECTIONS: Final[dict[str, str]] = {
    "": "groups",
    "groups": "groups",
    "group": "groups",
    "runs": "runs",
    "agents": "agents",
    "agent": "agents",
    "tool-servers": "agents",
    "tool-server": "agents",
    "inbox": "inbox",
}
_LIST_MARK: Final = re.compile(r"^\s*(?:[-*•·–]|1[.)])\s+")
#: Past this many characters a text is shown as it is: laying it out as Markdown would only hold up the page.
MARKDOWN_LIMIT: Final = 2_000_000
_TEXT: Final = {"a", "br", "code", "del", "em", "s", "strong"}
_BLOCKS: Final = {
    "blockquote",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "ul",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
}
_TABLES: Final = {"table", "tbody", "td", "th", "thead", "tr"}


@cache
def _parser() -> MarkdownIt:
    # CommonMark with tables; raw HTML of the text is shown, not obeyed, and images are not fetched.
    options = {"html": False, "linkify": False}
    return MarkdownIt("commonmark", options).enable(["table", "strikethrough"]).disable("image")


@register.filter
def markdown(text: str) -> SafeString:
    """Markdown (CommonMark 0.31 with tables) as HTML that can do nothing.

    No scripts, no styles, no images, no links but to the web and to mail.
    """
    if len(text) > MARKDOWN_LIMIT:
        return format_html('<p class="plain">{}</p>', text)
    tokens = _parser().parse(text)
    for token in tokens:
        # Columns keep their alignment without the style attribute, which our pages forbid.
        style = token.attrs.pop("style", None)
        if style:
            token.attrSet("align", str(style).removeprefix("text-align:"))
    html = nh3.clean(
        _parser().renderer.render(tokens, _parser().options, {}),
        tags=_TEXT | _BLOCKS | _TABLES,
        attributes={"a": {"href", "title"}, "ol": {"start"}, "td": {"align"}, "th": {"align"}},
        url_schemes={"http", "https", "mailto"},
        # A relative address would lead to a page of ours, or, as `//host/`, to anywhere.
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
    # Wide tables scroll within themselves.
    html = html.replace("<table>", '<div class="table-scroll" tabindex="0"><table>')
    return mark_safe(html.replace("</table>", "</table></div>"))


@register.filter
def status_word(status: str) -> str:
    """A run's status in words."""
    return str(RUN_WORDS.get(status, status))


@register.filter
def status_icon(status: str) -> str:
    """The icon that goes with a run's status."""
    return STATUS_ICONS.get(status, "clock")


@register.filter
def level_word(level: int) -> str:
    """A user's level in a group in words."""
    return str(LEVEL_WORDS[level])


@register.filter
def role_word(role: str) -> str:
    """A member's role in a word."""
    return str(ROLE_WORDS.get(role, role))


@register.filter
def kind_word(kind: str) -> str:
    """A kind of agent in a word or two."""
    return gettext(registry.words(kind).short)


@register.filter
def size(count: int) -> str:
    """Bytes in words."""
    return str(filesizeformat(count))


@register.filter
def iso(moment: datetime) -> str:
    """ISO 8601 for <time datetime>."""
    return moment.isoformat()


@register.filter
def ago(moment: datetime) -> str:
    """How long ago that was, in the words of `lib/time.js`, which goes on from there: nothing moves when it begins."""
    passed = max(0.0, (timezone.now() - moment).total_seconds())
    if passed < 45:
        return gettext("just now")
    if passed < 2700:
        n = int(passed / 60 + 0.5)
        return ngettext("%(n)s minute ago", "%(n)s minutes ago", n) % {"n": n}
    if passed < 79200:
        n = int(passed / 3600 + 0.5)
        return ngettext("%(n)s hour ago", "%(n)s hours ago", n) % {"n": n}
    n = int(passed / 86400 + 0.5)
    if n == 1:
        return gettext("yesterday")
    return ngettext("%(n)s day ago", "%(n)s days ago", n) % {"n": n}


@register.filter
def seconds(begin: datetime | None, end: datetime | None) -> str:
    """How long it took; empty while it is not over."""
    if begin is None or end is None:
        return ""
    return how_long(max(0.0, (end - begin).total_seconds()))


@register.filter
def hue(name: str) -> int:
    """A stable number from 0 to 11 for a name: the colour of its avatar."""
    return sum(ord(letter) * (index + 3) for index, letter in enumerate(name)) % 12


@register.filter
def initials(name: str) -> str:
    """One or two letters for an avatar."""
    words = [word for word in name.replace("_", "-").replace(".", "-").split("-") if word]
    if len(words) == 1:
        return words[0][:2].capitalize()
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def headline(task: str) -> str:
    """The first line of a task, as its title: without the mark of a list, which belongs to what follows."""
    return _LIST_MARK.sub("", task.strip().split("\n", 1)[0]).strip().rstrip(":：")[:300]


@register.filter
def section(path: str) -> str:
    """Which entry of the navigation a page lies below; empty when it lies below none."""
    first, *rest = path.strip("/").split("/") if path else ["-"]
    return _SECTIONS.get(rest[0] if first == "new" and rest else first, "")


@register.filter
def inbox_word(kind: str) -> Any:
    """What kind of thing waits in the inbox."""
    return INBOX_WORDS.get(kind, kind)


@register.filter
def option_word(option: str) -> Any:
    """What stands on the button of a question's option."""
    return OPTION_WORDS.get(option, option)


@register.filter
def under_way(count: int) -> str:
    """How many runs are under way."""
    return ngettext("%(n)s run under way", "%(n)s runs under way", count) % {"n": count}


@register.simple_tag
def attachment_limit() -> str:
    """The largest attachment, in words."""
    return str(filesizeformat(attachments.limit()))


@register.simple_tag
def attachment_bytes() -> int:
    """The largest attachment, for scripts."""
    return attachments.limit()


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the page's sprite; decoration unless it has a label."""
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="#icon-{}"></use></svg>',
            label,
            name,
        )
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="#icon-{}"></use></svg>', name
    )
