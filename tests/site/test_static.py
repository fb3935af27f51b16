"""Scripts and styles as they are served: without comments and needless space, otherwise as they stand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings
from django.test import Client

from stars_site.static import lean
from tests.js.node import run

STATIC: Final = Path(settings.BASE_DIR, "static")
FILES: Final = sorted(STATIC.rglob("*.js"))


@pytest.mark.parametrize(
    ("name", "given", "served"),
    [
        ("a.js", "/** What. */\nlet a = 1; // why\n", "let a=1;"),
        ("a.js", "/** @type {A} */ (b).c();\n", "(b).c();"),
        ("a.js", 'x = "/* no */  // no";\n', 'x="/* no */  // no";'),
        ("a.js", "x = `a  ${ b  +  1 }\n  // no`;\n", "x=`a  ${ b  +  1 }\n  // no`;"),
        ("a.js", "x = /[/]  a/.test( y ) ;\n", "x=/[/]  a/.test(y);"),
        ("a.js", "return\na ++ + b\n", "return\na++ +b"),
        ("a.css", "/* one */ .a .b , .c :is(i) {\n  margin: 0;\n}\n", ".a .b,.c :is(i){margin:0}"),
        ("a.css", "i { inset: calc(1px - 2 * var(--a)); }", "i{inset:calc(1px - 2 * var(--a))}"),
    ],
)
def test_what_means_nothing_is_left_out(name: str, given: str, served: str) -> None:
    assert lean(given, Path(name).suffix) == served


def test_a_browser_can_read_what_is_served() -> None:
    scripts = [lean(path.read_text(), ".js") for path in FILES]
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


#: What a careless hand would make of scripts, by what is wrong then.
DAMAGED: Final = {
    "a semicolon came": ("let a = b\n(c)", "let a=b;(c)"),
    "a semicolon went": ("return\na", "return a"),
    "a space in a text within a text": ("x = `${ `a  ${ b }` }`", "x=`${ `a ${ b }` }`"),
    "signs joined": ("a + ++b", "a++ +b"),
    "another sign": ("a++", "a--"),
    "another word": ("let a = 1", "const a=1"),
    "a pattern": ("/a  b/.test(c)", "/a b/.test(c)"),
}


def test_what_is_served_means_the_same(tmp_path: Path) -> None:
    pairs = {
        path.relative_to(STATIC).as_posix().replace("/", "__"): (
            path.read_text(),
            lean(path.read_text(), ".js"),
        )
        for path in FILES
    }
    for name, (given, served) in (pairs | DAMAGED).items():
        for folder, text in (("given", given), ("served", served)):
            # As TypeScript it reads no types in comments, which are not served.
            path = tmp_path / folder / f"{name}.ts"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    options = {"noLib": True, "noResolve": True, "types": [], "target": "esnext"}
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}))
    done = run("same.mjs", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == sorted(f"{name}.ts" for name in DAMAGED)


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
    assert b"".join(answer) == b"let a=1;"
    assert answer["Content-Type"].startswith("text/javascript")
    script.write_text("let a = 2;\n")
    os.utime(script, (1, 1))
    assert b"".join(client.get("/static/js/a.js")) == b"let a=2;"
