"""The styleguide: for staff, complete, and made of tokens that can be read."""

from __future__ import annotations

import re
from itertools import product

import pytest
from django.contrib.auth.models import User

from groups.views import styleguide
from tests.dashboard.conftest import Browser

TOKENS = (styleguide.CSS / "tokens.css").read_text(encoding="utf-8")
#: Name -> (in the light, in the dark), of colours that let nothing through.
COLOURS = {
    found[1]: (found[2], found[3])
    for found in re.finditer(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", TOKENS)
}
GROUNDS = ("ground", "surface", "surface-2", "surface-3")
TONES = ("good", "bad", "wait", "work", "think", "rest", "accent")
#: What is written upon what.
PAIRS = [
    *product(("ink", "ink-2", "ink-3", "accent", "accent-strong", *TONES), GROUNDS),
    *((tone, f"{tone}-soft") for tone in TONES),
    *product(("ink", "ink-2", "accent-strong"), ("accent-soft",)),
    *product(("star-ink",), ("surface", "surface-2", "star-soft")),
    *product(("on-accent",), ("accent", "accent-strong")),
    ("surface", "bad"),
]


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_colour_of_words_can_be_read_on_every_ground(theme: int) -> None:
    poor = []
    for words, ground in PAIRS:
        dark, bright = sorted(luminance(COLOURS[name][theme]) for name in (words, ground))
        contrast = (bright + 0.05) / (dark + 0.05)
        if contrast < 4.5:
            poor.append((words, ground, round(contrast, 2)))
    assert poor == []


def test_every_token_that_is_used_is_there() -> None:
    named = set(re.findall(r"--([\w-]+):", TOKENS))
    missing = {}
    for path in sorted(styleguide.CSS.rglob("*.css")):
        text = path.read_text(encoding="utf-8")
        own = set(re.findall(r"--([\w-]+):", text))
        # With a fallback, or set from a script, it need not be there.
        used = set(re.findall(r"var\(--([\w-]+)\)", text)) - own - named
        if used:
            missing[path.name] = used
    scripts = "\n".join(
        path.read_text(encoding="utf-8") for path in (styleguide.CSS.parent / "js").rglob("*.js")
    )
    styles = "\n".join(path.read_text(encoding="utf-8") for path in styleguide.CSS.rglob("*.css"))
    unknown = {
        (sheet, name)
        for sheet, names in missing.items()
        for name in names
        if f"--{name}" not in scripts and f"--{name}:" not in styles
    }
    assert unknown == set()


def test_it_is_for_staff(owner: Browser, outsider: Browser, nobody: Browser) -> None:
    assert outsider.get("/styleguide/").status_code == 403
    assert nobody.get("/styleguide/").status_code == 302


@pytest.fixture
def guide(ada: User, owner: Browser) -> str:
    ada.is_staff = True
    ada.save()
    return str(owner.get("/styleguide/").content.decode())


def test_every_class_of_the_shared_sheets_is_shown(guide: str) -> None:
    worn = {name for found in re.findall(r'class="([^"]*)"', guide) for name in found.split()}
    for name in styleguide.SHOWN:
        sheet = styleguide.sheet(styleguide.CSS / "components" / f"{name}.css")
        assert sheet.classes or name == "live", name
        # Where a class of another sheet is spoken of, it is that sheet's to show.
        missing = set(sheet.classes) - worn - ELSEWHERE
        assert missing == set(), f"{name}.css: not in templates/styleguide"


#: Set while something goes on, or only around what the guide shows.
ELSEWHERE = {"htmx-request", "js", "run-body", "run-main", "icon", "message-answer"}


def test_every_other_sheet_is_named_with_its_classes(guide: str) -> None:
    for path in (styleguide.CSS / "components").glob("*.css"):
        if path.stem not in styleguide.SHOWN:
            assert f"<b>{path.name}</b>" in guide
            for name in styleguide.sheet(path).classes:
                assert f".{name} " in guide


def test_every_token_is_shown(guide: str) -> None:
    for name in re.findall(r"^  --([\w-]+):", TOKENS[: TOKENS.index("\n}\n")], re.MULTILINE):
        assert f"<code>--{name}</code>" in guide


def test_classes_are_found_in_styles() -> None:
    text = (
        "/* .no */ @import url('a.css'); .a, .b > .c:not(.d) { x: .5em } @media (w) { .e { f: 1 } }"
    )
    assert styleguide.classes(text) == {"a", "b", "c", "d", "e"}
