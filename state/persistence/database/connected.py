"""The connection of a layer: transactions that are durable, reads at one moment, and errors in the contract's words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, Final, TypeVar

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.db.models import QuerySet

from state.models import Space
from state.persistence.base import PersistenceLayer
from state.persistence.codec import Codec
from state.persistence.database import faults
from state.persistence.database.rows import Rows
from state.persistence.database.statements import Statement, send, takes_many
from state.refusals import Closed, ConfigInvalid, Damaged, OutcomeUnknown, SpaceNotFound, StoreDown
from state.values import PersistenceConfig, PersistenceType

T = TypeVar("T")

#: Tries of a transaction that was rolled back for a passing reason.
TRIES: Final = 4
#: Rows deleted in one transaction at most.
PART: Final = 1000


class _Thread(threading.local):
    """What a thread is about."""

    #: Blocks of `hold` that it is in.
    holds = 0


class Connected(PersistenceLayer):
    """What all parts of the layer stand on. Connections are Django's: one for each thread."""

    type = PersistenceType.DATABASE

    def __init__(self, config: PersistenceConfig, codec: Codec) -> None:
        super().__init__(config, codec)
        self.alias = config.connection_string or DEFAULT_DB_ALIAS
        if self.alias not in connections:
            raise ConfigInvalid(
                f"There is no database by the name {self.alias!r}.",
                fields={"connection_string": ["No such database is set up."]},
            )
        self._rows = Rows(codec)
        self._thread = _Thread()
        self._milliseconds = max(1, round(config.timeout.total_seconds() * 1000))

    @property
    def _connection(self) -> Any:
        """The thread's connection; Any, because what is asked of it differs between databases."""
        return connections[self.alias]

    @property
    def _is_sqlite(self) -> bool:
        return bool(self._connection.vendor == "sqlite")

    @contextmanager
    def _call(self) -> Iterator[None]:
        """As the contract says; within `hold`, which has its slot and its connection, a call takes no other."""
        if self._closed:
            raise Closed
        with super()._call() if not self._thread.holds else nullcontext(), self._translated():
            yield

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Errors of the driver become those of the contract."""
        try:
            yield
        except faults.AWAY as error:
            self._let_go()
            if faults.is_mistake(error):
                raise
            raise StoreDown from error
        except DatabaseError as error:
            if faults.is_damage(error):
                raise Damaged(f"The database is damaged: {error}") from error
            raise

    def _let_go(self) -> None:
        """After an error: the next call gets a new connection, unless a transaction has this one."""
        if not self._connection.in_atomic_block:
            self._connection.close()

    def _run(self, work: Callable[[], T]) -> T:
        """Do the work, again when the connection was lost before (a server was restarted) or it was rolled back.

        Work that had come to its COMMIT is not repeated, except where the server says that it was rolled back.
        """
        for _ in range(1, TRIES):
            if self._connection.in_atomic_block:
                break
            try:
                return work()
            except faults.AWAY as error:
                if not faults.is_passing(error):
                    raise
                self._let_go()
        return work()

    @contextmanager
    def _transaction(self, *, limited: bool = True) -> Iterator[Any]:
        """A transaction that is durable when the block has ended; yields the connection. Within `hold`, a part of it.

        Where it is not `limited` yet, what the block sends first begins with `_limits`. Raises OutcomeUnknown when the
        connection broke under the COMMIT.
        """
        connection = self._connection
        whole = not self._thread.holds
        complete = False
        try:
            with self._flushed(), transaction.atomic(using=self.alias, durable=whole):
                if limited:
                    send(connection, self._limits())
                yield connection
                complete = True
        except faults.AWAY as error:
            if complete and faults.is_lost(error):
                self._let_go()
                raise OutcomeUnknown(extra={"outcome_unknown": True}) from error
            raise

    def _limits(self) -> list[Statement]:
        """How long PostgreSQL may take for each statement of this transaction, and wait for each lock."""
        if self._is_sqlite or self._thread.holds:
            return []
        return [
            (f"SET LOCAL lock_timeout = {self._milliseconds}", []),
            (f"SET LOCAL statement_timeout = {self._milliseconds}", []),
        ]

    def _flushed(self) -> AbstractContextManager[None]:
        """On SQLite: what is committed in the block reaches the disk, and waits for its turn as long as configured."""
        if not self._is_sqlite or self._connection.in_atomic_block:
            return nullcontext()
        return self._pragmas()

    @contextmanager
    def _pragmas(self) -> Iterator[None]:
        connection = self._connection
        connection.ensure_connection()
        raw = connection.connection
        # Neither may be changed within a transaction. The site's other writes need no flush each.
        before = {
            name: raw.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("synchronous", "busy_timeout")
        }
        raw.execute("PRAGMA synchronous = FULL")
        raw.execute(f"PRAGMA busy_timeout = {self._milliseconds}")
        try:
            yield
        finally:
            if connection.connection is raw:
                for name, value in before.items():
                    raw.execute(f"PRAGMA {name} = {value}")

    @contextmanager
    def _moment(self, alias: str | None = None) -> Iterator[None]:
        """Everything read in the block is as of one moment, and keeps nobody waiting."""
        alias = alias or self.alias
        connection: Any = connections[alias]
        if connection.in_atomic_block:  # has a moment of its own, or holds what it reads
            yield
            return
        connection.ensure_connection()
        if connection.vendor == "sqlite":
            # The site's transactions take the writers' lock when they begin; this one writes nothing.
            mode, connection.transaction_mode = connection.transaction_mode, "DEFERRED"
        try:
            with transaction.atomic(using=alias):
                if connection.vendor == "sqlite":
                    connection.transaction_mode = mode
                else:
                    with connection.cursor() as cursor:
                        cursor.execute(
                            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
                            f" SET LOCAL statement_timeout = {self._milliseconds}"
                        )
                yield
        finally:
            if connection.vendor == "sqlite":
                connection.transaction_mode = mode

    def _change(self, work: Callable[[], T]) -> T:
        """Do the work in a transaction of its own."""
        with self._transaction():
            return work()

    def _delete_in_parts(self, rows: QuerySet[Any]) -> int:
        """Delete the rows, never so many at once that others wait for it; how many there were."""
        total = 0
        while True:
            part = list(rows.values_list("pk", flat=True)[:PART])
            gone = rows.model._default_manager.using(self.alias).filter(pk__in=part)
            if part:
                self._run(partial(self._change, gone.delete))
            total += len(part)
            if len(part) < PART:
                return total

    def _require(self, space: str) -> None:
        """Raises SpaceNotFound."""
        if not Space.objects.using(self.alias).filter(id=space).exists():
            raise SpaceNotFound

    def _read(self, work: Callable[[], T]) -> T:
        """What one statement reads, given up after the timeout."""
        connection = self._connection
        if self._is_sqlite or connection.in_atomic_block:
            return self._run(work)
        with connection.execute_wrapper(self._bounded):
            return self._run(work)

    def _bounded(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """The statement with its timeout in one message, which PostgreSQL takes for one transaction."""
        if not takes_many(self._connection):
            return execute(sql, params, many, context)
        result = execute(
            f"SET LOCAL statement_timeout = {self._milliseconds}; {sql}", params, many, context
        )
        context["cursor"].nextset()
        return result
