"""Scripts and styles as they are served: without comments and indentation, otherwise as they stand."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings
from django.test import Client

from stars_site.static import lean
from tests.js.node import run

STATIC: Final = Path(settings.BASE_DIR, "static")
#: How a line of a comment begins or ends, in our files.
COMMENT: Final = re.compile(r"\s*(?://|/\*|\*|.*\*/\s*$|[^;{}]*$)")
FILES: Final = sorted(p for p in STATIC.rglob("*") if p.suffix in (".js", ".css"))


@pytest.mark.parametrize(
    ("given", "served"),
    [
        ("/** What. */\nlet a = 1; // why\n", "\nlet a = 1; // why\n"),
        ("  /*\n   * More.\n   */\n  b { }\n", "\n\n\nb { }\n"),
        ("a(); // x\n  // alone\nb();\n", "a(); // x\n\nb();\n"),
        ('x = "/* no */";\n', 'x = "/* no */";\n'),
        ("/** @type {A} */ (b).c();\n", "/** @type {A} */ (b).c();\n"),
        ("/* one */ a /* two */\n", "/* one */ a /* two */\n"),
    ],
)
def test_comments_on_lines_of_their_own_are_left_out(given: str, served: str) -> None:
    assert lean(given) == served


def test_lines_stay_where_they_are_and_only_comments_go() -> None:
    for path in FILES:
        text = path.read_text()
        served = lean(text)
        assert served.count("\n") == text.count("\n"), path
        kept = served.split("\n")
        for number, line in enumerate(text.split("\n")):
            bare = line.lstrip(" \t")
            assert kept[number] in (bare, ""), f"{path}:{number + 1}"
            assert kept[number] == bare or COMMENT.match(line), f"{path}:{number + 1}"


def test_no_text_of_a_script_spans_lines() -> None:
    """What stands between backticks would lose its indentation."""
    texts = re.compile(r"`(?:[^`\\]|\\.)*`|/[^/]*`[^/]*/g|^\s*/?\*.*|\".*?\"|//.*")
    for path in FILES:
        for line in path.read_text().split("\n"):
            assert "`" not in texts.sub("", line), f"{path}: {line}"


def test_a_browser_can_read_what_is_served() -> None:
    scripts = [lean(path.read_text()) for path in FILES if path.suffix == ".js"]
    read = (
        "import { readFileSync } from 'node:fs'; import vm from 'node:vm';"
        "for (const text of JSON.parse(readFileSync(0, 'utf8'))) new vm.SourceTextModule(text);"
    )
    options = (
        "--no-warnings",
        "--experimental-vm-modules",
        "--input-type=module",
        "-e",
        read,
    )
    done = run(*options, stdin=json.dumps(scripts))
    assert done.returncode == 0, done.stderr


def test_they_are_served_so_and_again_when_they_change(tmp_path: Path, settings: Any) -> None:
    folder = tmp_path / "js"
    folder.mkdir()
    script = folder / "a.js"
    script.write_text("// Why.\nlet a = 1;\n")
    settings.STATICFILES_DIRS = [tmp_path]
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    settings.STATIC_ROOT = tmp_path / "none"
    settings.MIDDLEWARE = ["stars_site.static.LeanWhiteNoiseMiddleware"]
    client = Client()
    answer = client.get("/static/js/a.js")
    assert b"".join(answer) == b"\nlet a = 1;\n"
    assert answer["Content-Type"].startswith("text/javascript")
    script.write_text("let a = 2;\n")
    os.utime(script, (1, 1))
    assert b"".join(client.get("/static/js/a.js")) == b"let a = 2;\n"
