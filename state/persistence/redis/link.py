"""The connection to Redis: runs scripts, tells what a broken connection leaves open, and knows which server answers.

Nothing is ever sent twice: redis-py's own retries are off.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    ConnectionError as LostError,
)
from redis.exceptions import (
    NoScriptError,
    RedisError,
    ResponseError,
)
from redis.exceptions import (
    TimeoutError as LateError,
)
from redis.retry import Retry

from state.persistence.redis.keys import DEFAULT_PREFIX, Keys
from state.refusals import ConfigInvalid, Damaged, OutcomeUnknown, StoreDown

logger = logging.getLogger(__name__)

Durability: TypeAlias = Literal["safe", "relaxed", "unsafe"]
Argument: TypeAlias = str | bytes | int
#: redis-py's own, whose calls have no types.
Connection: TypeAlias = Any

_SCRIPTS: Final = Path(__file__).parent / "scripts"
#: Scripts whose KEYS[1] is no space.
_BARE: Final = frozenset({"lineage", "spaces", "swap", "sweep"})
#: Refusals that come before a script's first write. Redis 6 tells them inside its own sentence.
_BEFORE_WRITING: Final = (
    *("OOM ", "READONLY ", "MISCONF ", "BUSY ", "NOREPLICAS ", "MASTERDOWN ", "LOADING "),
    *("NOPERM ", "NOAUTH ", "CLUSTERDOWN ", "MOVED ", "command not allowed when used memory"),
)
_DURABILITY: Final[dict[Durability, str]] = {
    "relaxed": "Redis may lose the last second of states in a crash: set `appendfsync always`.",
    "unsafe": "Redis may lose states: set `appendonly yes`, `appendfsync always` and "
    "`maxmemory-policy noeviction`.",
}


class Script:
    """One script with what precedes it."""

    def __init__(self, name: str) -> None:
        source = (_SCRIPTS / f"{name}.lua").read_text(encoding="utf-8")
        if name not in _BARE:
            source = (_SCRIPTS / "_lib.lua").read_text(encoding="utf-8") + source
        self.source = source
        # Redis names scripts so; nothing is protected by it.
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


@cache
def script(name: str) -> Script:
    """The script of that name, read once."""
    return Script(name)


class Link:
    """Connections to one Redis. Thread-safe."""

    def __init__(self, url: str, *, timeout: float, connections: int) -> None:
        """`url` as redis-py reads it, with `?prefix=`; `timeout` in seconds, of each answer.

        Raises ConfigInvalid, and StoreDown when Redis does not answer.
        """
        url, prefix = _without_prefix(url)
        self.keys = Keys(prefix)
        #: As of the latest connection.
        self.durability: Durability = "unsafe"
        self._warned: Durability | None = None
        try:
            self._pool = redis.ConnectionPool.from_url(
                url,
                max_connections=connections,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                retry=Retry(NoBackoff(), 0),
                protocol=2,
                redis_connect_func=self._greet,
            )
        except ValueError as error:
            raise ConfigInvalid(
                f"This is no address of a Redis: {error}",
                fields={"connection_string": [str(error)]},
            ) from error
        #: For what needs no script; raises redis-py's errors, so use it inside `translated`.
        self.client = redis.Redis(connection_pool=self._pool)
        with self.translated():
            self.client.ping()

    def run(
        self,
        name: str,
        keys: Sequence[str],
        args: Sequence[Argument] = (),
        *,
        writes: bool = False,
    ) -> Any:
        """What the script answers. Raises StoreDown; with `writes` OutcomeUnknown when the answer did not come."""
        asked = script(name)
        with self._connection() as connection:
            rest = (len(keys), *keys, *args)
            try:
                return _ask(connection, writes, "EVALSHA", asked.sha, *rest)
            except NoScriptError:  # so it did not run
                return _ask(connection, writes, "EVAL", asked.source, *rest)

    def close(self) -> None:
        """Close the connections; those in use end with their call."""
        self._pool.disconnect(inuse_connections=False)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Errors of redis-py as ours: StoreDown or Damaged."""
        try:
            yield
        except ResponseError as error:
            raise _refused(error) from error
        except (RedisError, OSError) as error:
            raise StoreDown(f"Redis did not answer; nothing was written: {error}") from error

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self.translated():
            connection: Connection = self._pool.get_connection()
        try:
            with self.translated():
                yield connection
        except BaseException:
            # An answer may still be under way: whoever comes next must not take it for its own.
            connection.disconnect()
            raise
        finally:
            self._pool.release(connection)

    # -- which server answers -------------------------------------------------------------------------------------

    def _greet(self, connection: Connection) -> None:
        """On every new connection, for a restart breaks the old ones: see what Redis promises, and give all spaces
        new epochs before anything is read from a server that may have gone back in time."""
        connection.on_connect()
        about = _about(_plain(connection, "INFO"))
        fsync: bytes | None = None
        with suppress(ResponseError):  # some hosts forbid it; then nothing is promised
            connection.send_command("CONFIG", "GET", "appendfsync")
            found = cast(list[bytes], connection.read_response())
            fsync = found[1] if len(found) > 1 else None
        self.durability = _durability(about, fsync)
        if self.durability in _DURABILITY and self._warned != self.durability:
            logger.warning("%s", _DURABILITY[self.durability])
            self._warned = self.durability
        keys = (self.keys.server, self.keys.spaces)
        lineage = (about["master_replid"], about["master_replid2"], about["run_id"])
        asked = (len(keys), *keys, *lineage, self.durability, uuid.uuid4().hex)
        changed = cast(int, _plain(connection, "EVAL", script("lineage").source, *asked))
        if changed:
            logger.warning("Redis may have lost writes: %d spaces have new epochs.", changed)


def _plain(connection: Connection, *command: Argument) -> Any:
    connection.send_command(*command)
    return connection.read_response()


def _ask(connection: Connection, writes: bool, *command: Argument) -> Any:
    """One command and its answer. What was not sent whole is not carried out."""
    connection.send_command(*command, check_health=False)
    try:
        return connection.read_response()
    except (LostError, LateError, OSError) as error:
        if writes:
            raise OutcomeUnknown(extra={"outcome_unknown": True}) from error
        raise


def _refused(error: ResponseError) -> StoreDown | Damaged:
    text = f"{getattr(error, 'status_code', '') or ''} {error}"
    names = ("OutOfMemoryError", "ReadOnlyError", "NoPermissionError", "MasterDownError")
    if type(error).__name__ in names or any(word in text for word in _BEFORE_WRITING):
        return StoreDown(f"Redis refuses; nothing was written: {error}")
    return Damaged(f"What is kept in Redis is not as expected: {error}")


def _about(answer: object) -> dict[str, str]:
    lines = cast(bytes, answer).decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _durability(about: dict[str, str], fsync: bytes | None) -> Durability:
    evicts = about.get("maxmemory_policy", "noeviction") != "noeviction"
    if about.get("aof_enabled") != "1" or evicts:
        return "unsafe"
    return "safe" if fsync == b"always" else "relaxed"


def _without_prefix(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    prefix = query.pop("prefix", [DEFAULT_PREFIX])[-1]
    return urlunsplit(parts._replace(query=urlencode(query, doseq=True))), prefix
