"""House rules that import contracts cannot express: who writes rows, how long files and tasks may grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from groups import queue
from stars_site.celery import app

ROOT = Path(settings.BASE_DIR)
SOURCES = sorted(
    path.relative_to(ROOT)
    for top in ("stars_site", "groups", "state", "tests", "bench")
    for path in (ROOT / top).rglob("*.py")
    if "migrations" not in path.parts
)
SCRIPTS = sorted(path.relative_to(ROOT) for path in (ROOT / "static").rglob("*.js"))

#: Methods of managers and querysets that write, and of rows.
QUERY_WRITES = frozenset(
    [
        "create",
        "update",
        "delete",
        "bulk_create",
        "bulk_update",
        "get_or_create",
        "update_or_create",
    ]
)
ROW_WRITES = frozenset(["save", "delete"])
#: Where rows are written; tests make what they need.
WRITERS = ("groups/services", "tests", "bench")

MAX_LINES = 400
MAX_STATEMENTS = 5


def tree_of(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def writes_in(tree: ast.Module) -> Iterator[int]:
    """Lines of calls that write rows: `….objects….update()`, `row.save()`, `row.delete()`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, chain = node.func.attr, ast.unparse(node.func.value)
            by_query = name in QUERY_WRITES and ".objects" in chain
            by_row = name in ROW_WRITES and not chain.startswith("super()")
            if by_query or by_row:
                yield node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_rows_are_written_by_services_only(path: Path) -> None:
    if not path.as_posix().startswith(WRITERS):
        assert list(writes_in(tree_of(path))) == []


@pytest.mark.parametrize("path", [*SOURCES, *SCRIPTS], ids=str)
def test_files_stay_readable(path: Path) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_every_file_says_what_it_is(path: Path) -> None:
    tree = tree_of(path)
    assert not tree.body or ast.get_docstring(tree), "a module docstring of one to three sentences"


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if path.name == "tasks.py" and path.parts[0] != "tests"],
    ids=str,
)
def test_tasks_only_call(path: Path) -> None:
    for node in tree_of(path).body:
        if isinstance(node, ast.FunctionDef):
            assert len(node.body) <= MAX_STATEMENTS, node.name


def test_every_doorbell_has_a_task() -> None:
    app.loader.import_default_modules()
    bells = {
        value for name, value in vars(queue).items() if name.isupper() and isinstance(value, str)
    }
    assert bells
    assert bells <= set(app.tasks)


def test_beat_rings_tasks_that_exist() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= set(app.tasks)
