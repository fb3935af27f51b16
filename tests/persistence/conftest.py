"""What the contract suite runs on: every persistence layer, each test on a fresh store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from state.persistence.base import PersistenceLayer
from state.persistence.codec import Codec
from tests.persistence.backends import ALL, PLAIN, Backend, files_below, rows_of_states
from tests.persistence.build import SPACE
from tests.servers import RedisServer


@pytest.fixture(scope="session")
def durable_redis() -> Iterator[RedisServer]:
    """A Redis that acknowledges nothing before it is on disk."""
    server = RedisServer("--appendonly", "yes", "--appendfsync", "always")
    server.start()
    try:
        yield server
    finally:
        server.remove()


@contextmanager
def _backend(name: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Backend]:
    match name:
        case "redis":
            server = request.getfixturevalue("durable_redis")
            number = int(folder.name == "other")
            at = server.url.removesuffix("/0") + f"/{number}"
            with redis.Redis.from_url(at) as client:
                client.flushdb()
            backend = Backend(name, at, lambda: files_below(Path(server._folder)))
        case "database":
            backend = Backend(name, "", rows_of_states)
        case "file":
            backend = Backend(name, str(folder), lambda: files_below(folder))
        case _:
            backend = Backend(name, "", bytes)
    try:
        yield backend
    finally:
        backend.close()


@pytest.fixture(params=ALL)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """A store, fresh and not opened yet."""
    with _backend(request.param, request, tmp_path / "store") as found:
        yield found


@pytest.fixture(params=ALL)
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """A second store, for what is restored; of the database there is only one."""
    with _backend(request.param, request, tmp_path / "other") as found:
        yield found


@pytest.fixture
def layer(backend: Backend) -> PersistenceLayer:
    """A layer on a fresh store, with the space of the tests open."""
    opened = backend.open()
    opened.open_space(SPACE)
    return opened


@pytest.fixture
def reopen(backend: Backend) -> Callable[..., PersistenceLayer]:
    """Close a layer and open its store again, as a restart does; only where `backend.keeps`."""

    def again(layer: PersistenceLayer, codec: Codec = PLAIN, **changes: Any) -> PersistenceLayer:
        assert backend.keeps, "memory has nothing to reopen"
        layer.close()
        return backend.open(codec, **changes)

    return again
