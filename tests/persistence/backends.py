"""The four persistence layers as tests open them: each on a store of its own, and the same store again."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import pytest
from _pytest.mark import ParameterSet
from django.db import connection, connections

from state.persistence.base import PersistenceLayer
from state.persistence.codec import Codec
from state.persistence.keyring import Keyring
from state.values import PersistenceConfig, PersistenceType

T = TypeVar("T")

PLAIN = Codec(False, False, Keyring())
KEY = Keyring.generate("first")
PRIVATE = Codec(True, True, Keyring.parse(KEY))

CLASSES = {
    "memory": "MemoryPersistence",
    "file": "FilePersistence",
    "database": "DatabasePersistence",
    "redis": "RedisPersistence",
}


class Backend:
    """One store of one kind, fresh for each test."""

    def __init__(self, name: str, connection_string: str, kept: Callable[[], bytes]) -> None:
        """`kept` reads everything that lies in the store, as it lies there."""
        self.name = name
        #: Whether what is written outlives the layer that wrote it.
        self.keeps = name != "memory"
        self.kept = kept
        self._at = connection_string
        self._opened: list[PersistenceLayer] = []

    def open(self, codec: Codec = PLAIN, **changes: Any) -> PersistenceLayer:
        """A layer on this store; `changes` are of the configuration."""
        module = import_module(f"state.persistence.{self.name}")
        make: Callable[[PersistenceConfig, Codec], PersistenceLayer] = getattr(
            module, CLASSES[self.name]
        )
        config = PersistenceConfig(
            type=PersistenceType(self.name),
            connection_string=self._at,
            **{"timeout": timedelta(seconds=15), **changes},
        )
        layer = make(config, codec)
        self._opened.append(layer)
        return layer

    def close(self) -> None:
        """Close whatever was opened."""
        for layer in self._opened:
            layer.close()


def files_below(folder: Path) -> bytes:
    """All that lies in the files of a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def rows_of_states() -> bytes:
    """All that lies in the tables of `state`."""
    found: list[object] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith("state_"):
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
                found += [
                    bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode()
                    for row in cursor.fetchall()
                    for value in row
                ]
    return b"\n".join(each for each in found if isinstance(each, bytes))


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Run these in threads that start together, and wait; the first error of any is raised."""
    start = threading.Barrier(len(calls))
    results: dict[int, T] = {}
    errors: list[BaseException] = []

    def work(number: int, call: Callable[[], T]) -> None:
        try:
            start.wait(10)
            results[number] = call()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=work, args=(number, call), daemon=True)
        for number, call in enumerate(calls)
    ]
    usual = sys.getswitchinterval()
    # Take turns often, or threads of one process would hardly ever meet in the middle of something.
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(50)
    finally:
        sys.setswitchinterval(usual)
    if errors:
        raise errors[0]
    assert len(results) == len(calls), "a thread hangs"
    return [results[number] for number in range(len(calls))]


def _parameter(name: str) -> ParameterSet:
    """With what pytest-django must know before any fixture runs; it empties the tables of `state` alone."""
    database = pytest.mark.django_db(transaction=True, available_apps=["state"])
    marks = [database] if name == "database" else []
    return pytest.param(name, marks=marks, id=name)


ALL = [_parameter(name) for name in CLASSES]
#: Those that a restart does not empty.
LASTING = [_parameter(name) for name in CLASSES if name != "memory"]
