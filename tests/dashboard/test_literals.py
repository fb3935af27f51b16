"""No word reaches a person past the translations: not by an attribute of a template, not by a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from babel.messages.jslexer import tokenize, unquote_string

from stars_site.management.commands.texts import ROOT

CODE: Final = re.compile(
    r"{% blocktranslate\b.*?{% endblocktranslate %}|{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL
)
#: Attributes that people read or hear; `question` and `label` are our own elements'.
SAID: Final = re.compile(
    r'\s(title|alt|placeholder|aria-label|aria-description|question|label)="([^"]*)"'
)
#: Names, an example of an address, keys.
NAMES: Final = {"Stars", "https", "example", "org", "mcp", "Ctrl", "Enter"}

#: A text for people begins with a capital letter and goes on in small ones.
SENTENCE: Final = re.compile(r"[A-Z][a-z]+(?=[ .!?…:,]|$)")
#: Keys, as browsers name them and as they are printed; a name.
KEYS: Final = {
    *("Alt", "Arrow", "Control", "Ctrl", "Del", "End", "Enter", "Esc", "Escape", "Home", "Meta"),
    *("Backspace", "Delete", "Shift", "Space", "Tab", "Win", "Files", "Stars"),
}
#: Calls whose texts are translated, compared, or for those who write scripts.
CALLS: Final = {"gettext", "ngettext", "titleOf", "TypeError", "Error", "Misfit"}


def literals(source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of every string of a script that looks as if people were to read it."""
    before, calls = "", []
    for token in tokenize(source, jsx=False):
        if token.type in ("linecomment", "multilinecomment"):
            continue
        if token.value == "(":
            calls.append(before)
        elif token.value == ")" and calls:
            calls.pop()
        elif token.type in ("string", "template_string"):
            text = unquote_string(token.value) if token.type == "string" else token.value[1:-1]
            called = calls[-1].rpartition(".")[2] if calls else ""
            if SENTENCE.match(text) and text not in KEYS and called not in CALLS:
                yield token.lineno, text
        before = token.value


def test_no_script_says_a_word_that_is_not_marked() -> None:
    said = {
        (path.name, *found)
        for path in (ROOT / "static" / "js").rglob("*.js")
        if path.name != "titles.js"  # there, what the server says is looked up by
        for found in literals(path.read_text())
    }
    assert said == set()


def test_a_literal_is_seen_and_a_marked_text_is_not() -> None:
    source = 'h("p", {}, "Nothing found"); h("p", {}, gettext("All is well")); key === "Enter"; // "Not this"'
    assert list(literals(source)) == [(1, "Nothing found")]
    assert list(literals("notify(`Removed ${name}`)")) == [(1, "Removed ${name}")]


def test_no_attribute_says_a_word_that_is_not_marked() -> None:
    said = {
        (path.name, name, word)
        for path in (ROOT / "templates").rglob("*.html")
        for name, value in SAID.findall(CODE.sub("", path.read_text()))
        for word in re.findall(r"[^\W\d_]{2,}", value)
        if word not in NAMES
    }
    assert said == set()
