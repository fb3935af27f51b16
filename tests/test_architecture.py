"""House rules that import contracts cannot express: who writes rows, how long files and tasks may grow."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
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

#: What writes rows, whatever it is called on: managers, querysets, related managers and rows.
WRITES = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "a")
    for name in (
        "create",
        "update",
        "delete",
        "save",
        "bulk_create",
        "bulk_update",
        "get_or_create",
        "update_or_create",
    )
)
#: What writes rows when it is called on a related manager, and is harmless on sets and dictionaries.
RELATED_WRITES = frozenset(
    f"{prefix}{name}" for prefix in ("", "a") for name in ("add", "set", "remove", "clear")
)
RELATED = {
    relation.get_accessor_name()
    for model in apps.get_app_config("groups").get_models()
    for relation in model._meta.related_objects
}
#: Where rows are written; tests make what they need.
WRITERS = (
    "groups/services",
    "state/bus/database.py",
    "state/persistence/database",
    "state/sync/connecting.py",
    "state/sync/sessions.py",
    "state/sync/tasks",
    "tests",
    "bench",
)
#: Calls that look like writes and are none.
NO_WRITES = {
    ("groups/agents/tools/sharing.py", "use.states.create"),
    ("groups/admin/base.py", "row.__dict__.update"),
    ("state/fanout/redis.py", "self._pending.update"),
    ("state/persistence/archive.py", "counts.update"),
}
#: Shells, which read through `groups.selectors` and `groups.access`.
SHELLS = ("groups/views", "groups/api")

MAX_LINES = 400
MAX_STATEMENTS = 5


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def calls_in(tree: ast.Module) -> Iterator[tuple[ast.Call, str, str]]:
    """Calls of methods: (call, what it is called on, the method's name)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node, ast.unparse(node.func.value), node.func.attr


def services_in(tree: ast.Module) -> set[str]:
    """The names under which a file knows the services: their methods are the right way to write."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "groups.services"
        for alias in node.names
    }


def writes_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, what is called) of calls that write rows: `….filter().update()`, `group.runs.create()`, `row.save()`."""
    services = services_in(tree)
    for call, chain, name in calls_in(tree):
        related = name in RELATED_WRITES and chain.rpartition(".")[2] in RELATED
        if (
            (name in WRITES or related)
            and chain not in services
            and not chain.startswith("super()")
        ):
            yield call.lineno, f"{chain}.{name}"


def test_rows_are_written_by_services_only() -> None:
    found = [
        (path.as_posix(), line, what)
        for path in SOURCES
        if not path.as_posix().startswith(WRITERS)
        for line, what in writes_in(tree_of(path))
        if (path.as_posix(), what) not in NO_WRITES
    ]
    assert found == []


@pytest.mark.parametrize(
    ("code", "writes"),
    [
        ("Run.objects.create(group=group)", 1),
        ("Run.objects.filter(id=1).update(status='failed')", 1),
        ("group.runs.filter(status='queued').update(status='failed')", 1),
        ("group.runs.all().delete()", 1),
        ("message.deliveries.create(recipient='lena')", 1),
        ("await message.deliveries.acreate(recipient='lena')", 1),
        ("group.members.clear()", 1),
        ("rows = group.runs.all()\nrows.update(status='failed')", 1),
        ("run.save(update_fields=['status'])", 1),
        ("run.subtasks.get_or_create(key='a')", 1),
        ("from groups.services import groups as service\nservice.create(actor=user, name='A')", 0),
        ("super().save(*args)", 0),
        ("self._changed.clear()", 0),
        ("seen.add(run.id)", 0),
    ],
)
def test_writes_are_recognised(code: str, writes: int) -> None:
    assert len(list(writes_in(ast.parse(code)))) == writes


def test_shells_read_through_selectors() -> None:
    queries = [
        (path.as_posix(), call.lineno, f"{chain}.{name}")
        for path in SOURCES
        if path.as_posix().startswith(SHELLS)
        for call, chain, name in calls_in(tree_of(path))
        if ".objects" in chain
    ]
    assert queries == []


def test_files_stay_readable() -> None:
    lengths = {
        path.as_posix(): len((ROOT / path).read_text(encoding="utf-8").splitlines())
        for path in (*SOURCES, *SCRIPTS)
    }
    assert {path: lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def test_every_file_says_what_it_is_in_a_docstring() -> None:
    trees = {path.as_posix(): tree_of(path) for path in SOURCES}
    silent = [path for path, tree in trees.items() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_tasks_only_call() -> None:
    long = [
        (path.as_posix(), node.name)
        for path in SOURCES
        if path.name == "tasks.py" and path.parts[0] != "tests"
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef) and len(node.body) > MAX_STATEMENTS
    ]
    assert long == []


@pytest.mark.parametrize("package", ["groups", "state"])
def test_every_module_stands_on_a_floor_of_the_document(package: str) -> None:
    """Where something is, is looked up in docs/architecture.md."""
    told = (ROOT / "docs/architecture.md").read_text()
    rows = "\n".join(line for line in told.splitlines() if line.startswith("|"))
    shells = {"__init__", "apps", "management", "migrations", "__pycache__"}
    modules = {path.stem for path in (ROOT / package).iterdir() if path.suffix in ("", ".py")}
    assert {each for each in modules - shells if f"`{each}`" not in rows} == set()


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


def test_what_is_installed_is_named_by_its_hash_and_no_host() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = [each for path, each in lock["packages"].items() if path]
    assert packages
    assert all("integrity" in each and "resolved" not in each for each in packages)
    for name in ("package-lock.json", "requirements.txt", "requirements-dev.txt", ".npmrc"):
        assert "://" not in (ROOT / name).read_text(), name
