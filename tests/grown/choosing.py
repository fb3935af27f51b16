"""A plugin of pytest (`-p tests.grown.choosing`): of all tests, those that `make grown` promises to run again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).resolve().parent.parent
#: Everything that reads or writes rows, or listens.
AGAIN: Final = frozenset({"engine", "live", "money", "replay", "services", "sockets"})
#: Shared states in the database, for the other stores are the same here as everywhere; and what syncing keeps in
#: rows of its own. Of pages and REST what searches, and what counts queries.
ALSO: Final = {
    "api": ("same_queries",),
    "dashboard": ("test_queries", "test_search", "same_for_any", "constant", "does_not_grow"),
    "persistence": ("database",),
    "states": ("database",),
    "sync": ("sessions", "sync_tasks"),
}
#: What has servers of its own, and is run beside the others.
BESIDE: Final = frozenset({"soak"})


def is_chosen(item: pytest.Item) -> bool:
    """Whether a test's outcome may differ in the grown shape."""
    folder = item.path.relative_to(TESTS).parts[0]
    if folder in BESIDE:
        return False
    if folder in AGAIN or item.get_closest_marker("grown"):
        return True
    return any(word in item.nodeid.rpartition("/")[2] for word in ALSO.get(folder, ()))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Called by pytest with all that it found."""
    config.hook.pytest_deselected(items=[item for item in items if not is_chosen(item)])
    items[:] = [item for item in items if is_chosen(item)]
