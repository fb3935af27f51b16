"""The styleguide: every token and every component in every state, for those who build pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render

from groups.execution.statuses import RunStatus
from groups.models import Role
from groups.overview.drawing import constellation
from groups.views.shell import Request, page
from state.errors import NotAllowed

CSS: Final = Path(settings.BASE_DIR) / "static" / "css"
#: Sheets of which the guide shows every class on an element; those of single pages it names.
SHOWN: Final = (
    *("badge", "button", "copy-text", "form", "live", "meter", "notice", "palette", "panel"),
    *("people", "prose", "run-list", "skeleton", "sky", "tabs", "topbar"),
)
_COMMENT: Final = re.compile(r"/\*(.*?)\*/", re.DOTALL)
_RULES: Final = re.compile(r"\{[^{}]*\}")
_CLASS: Final = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
_TOKEN: Final = re.compile(r"^  --([\w-]+):", re.MULTILINE)
#: A colour is shown as one; what else there is, its section shows at work.
_COLOUR: Final = re.compile(r"^  --([\w-]+): (?:light-dark\(\s*(?:#|rgb)|rgb|#)", re.MULTILINE)


class Sheet(NamedTuple):
    """A file of styles: what it is for, and its classes."""

    name: str
    about: str
    classes: tuple[str, ...]


class Group(NamedTuple):
    """Tokens that belong together, under the comment that stands above them."""

    about: str
    colours: tuple[str, ...]
    others: tuple[str, ...]


@page()
def show(request: Request) -> HttpResponse:
    """Everything on one page; for staff."""
    if not request.user.is_staff:
        raise NotAllowed
    sheets = [sheet(path) for path in sorted((CSS / "components").glob("*.css"))]
    members = [("lyra", True), *((name, False) for name in ("vega", "altair", "deneb", "sirius"))]
    context = {
        "groups": tokens((CSS / "tokens.css").read_text(encoding="utf-8")),
        "sheets": [each for each in sheets if each.name not in SHOWN],
        "statuses": list(RunStatus),
        "roles": list(Role),
        "hues": [f"{letter}{letter}" for letter in "abcdefghijkl"],
        "stars": constellation("guide", members, frozenset({"vega"})),
        "sizes": ("2xs", "xs", "s", "m", "l", "xl", "2xl"),
        "shadows": ("shadow", "shadow-m", "shadow-l", "shadow-xl"),
        "gaps": range(1, 8),
        "live_states": ("live", "connecting", "lost", "refused"),
        "levels": ("good", "strained", "broken"),
    }
    return render(request, "styleguide/page.html", context)


def sheet(path: Path) -> Sheet:
    """What a file of styles says of itself, and the classes that it dresses."""
    text = path.read_text(encoding="utf-8")
    comment = _COMMENT.match(text.strip())
    about = " ".join(comment[1].split()) if comment else ""
    return Sheet(path.stem, about, tuple(sorted(classes(text))))


def classes(text: str) -> set[str]:
    """The classes in the selectors of these styles."""
    bare = _RULES.sub(";", _COMMENT.sub("", text))
    return set(_CLASS.findall(re.sub(r"@import[^;]*;|url\([^)]*\)", "", bare)))


def tokens(text: str) -> list[Group]:
    """The tokens by the comments that stand above them."""
    body = text[text.index(":root {") : text.index("\n}\n")]
    parts = re.split(r"\n  /\*(.*?)\*/\n", body, flags=re.DOTALL)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return [_group(" ".join(about.split()), part) for about, part in pairs]


def _group(about: str, part: str) -> Group:
    colours = tuple(_COLOUR.findall(part))
    return Group(
        about, colours, tuple(name for name in _TOKEN.findall(part) if name not in colours)
    )
