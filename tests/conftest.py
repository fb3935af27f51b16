"""The cast: ada owns the group Harbour, bo operates it, vi may look, cy is an outsider."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db.backends.postgresql.operations import DatabaseOperations

from groups.models import Group
from state import conf, fanout
from tests.factories import make_group, make_user

pytest_plugins = ["tests.servers"]


def _sql_delete(
    self: DatabaseOperations, _style: object, tables: list[str], **_options: bool
) -> list[str]:
    """What empties tables, whatever points at their rows; for `DatabaseOperations.sql_flush`."""
    return [
        # No triggers, by which foreign keys are watched over.
        "SET LOCAL session_replication_role = replica",
        *(f"DELETE FROM {self.quote_name(table)}" for table in tables),
    ]


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> Iterator[None]:
    """A test's few rows are deleted: PostgreSQL's TRUNCATE makes every table's files anew, 150 ms after each test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", _sql_delete)
        yield


@pytest.fixture(autouse=True)
def _fresh_hub() -> Iterator[None]:
    """No test hears what another one said."""
    yield
    fanout.close_hub()


@pytest.fixture(autouse=True)
def _fresh_manager() -> Iterator[None]:
    """Nor remembers what states it had."""
    yield
    conf.close_manager()


@pytest.fixture
def ada(db: None) -> User:
    return make_user(username="ada")


@pytest.fixture
def bo(db: None) -> User:
    return make_user(username="bo")


@pytest.fixture
def vi(db: None) -> User:
    return make_user(username="vi")


@pytest.fixture
def cy(db: None) -> User:
    return make_user(username="cy")


@pytest.fixture
def harbour(ada: User, bo: User, vi: User) -> Group:
    """A group with a leader and two workers."""
    return make_group(
        group_id="Harbour", owner=ada, operator=bo, viewer=vi, leader="lena", workers=("wim", "wes")
    )
