"""The cast: ada owns the group Harbour, bo operates it, vi may look, cy is an outsider."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management.commands import flush
from django.db import connection

from groups.models import Group
from state import conf, fanout, structs
from tests import migrated
from tests.factories import make_group, make_user

pytest_plugins = ["tests.servers"]


#: What `migrate` fills, the same for every test.
KEPT = ("auth_permission", "django_content_type")


def _sql_delete(self: Any, _style: object, tables: list[str], **_options: bool) -> list[str]:
    """What empties the other tables; for `DatabaseOperations.sql_flush`."""
    deletions = [f"DELETE FROM {self.quote_name(name)}" for name in tables if name not in KEPT]
    if connection.vendor == "postgresql":
        # No triggers, by which foreign keys are watched over.
        deletions.insert(0, "SET LOCAL session_replication_role = replica")
    return deletions


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """On SQLite the database is there already: a migrated one, laid in place by the next."""
    return connection.vendor == "sqlite"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Before the database is set up."""
    if connection.vendor == "sqlite":
        migrated.lay(Path(connection.settings_dict["TEST"]["NAME"]))


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> Iterator[None]:
    """After a test without a transaction its few rows are deleted, 20 to 200 ms faster than by Django, which fills
    tables again and on PostgreSQL makes their files anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(connection.ops), "sql_flush", _sql_delete)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_args, **_options: None)
        yield


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: the garbage collector need not look at them again and again."""
    structs.learn()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


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
