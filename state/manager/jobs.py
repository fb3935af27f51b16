"""A write on its way: what it needs to know, how it is judged, how it ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from state import jsonvalue
from state.errors import StarsError
from state.manager.answers import Recorded
from state.persistence.base import PersistenceLayer
from state.policy import Caller
from state.refusals import OpIdReuse
from state.values import (
    AuditRecord,
    Committed,
    Entry,
    Json,
    OperationStatus,
    OpRecord,
    Replayed,
    SharedState,
    Transaction,
    Write,
)


class View:
    """The states of a space as a batch finds them, with what its earlier jobs are about to write."""

    def __init__(
        self, store: PersistenceLayer, space: str, ids: Iterable[str], now: datetime
    ) -> None:
        self.store = store
        self.space = space
        self.now = now
        self._states = store.load_states(space, ids)
        self._stored = {key: state.version for key, state in self._states.items()}
        self._drafts: dict[str, list[tuple[Entry, dict[str, Json]]]] = {}

    def get(self, state_id: str) -> SharedState | None:
        """The state, a tombstone included."""
        return self._states.get(state_id)

    def data_at(self, state_id: str, version: int) -> dict[str, Json]:
        """Raises VersionNotFound, Compacted."""
        for entry, data in self._drafts.get(state_id, ()):
            if entry.version == version:
                return data
        return self.store.data_at(self.space, state_id, version)

    def since(self, state_id: str, version: int) -> tuple[Entry, ...]:
        """The entries after that version, ascending."""
        stored = self._stored.get(state_id, 0)
        found: list[Entry] = []
        while version < stored:
            page = self.store.history(
                self.space,
                state_id,
                after=version,
                until=stored,
                limit=self.store.config.batch_size,
            )
            if not page:
                break
            found += page
            version = page[-1].version
        drafts = self._drafts.get(state_id, ())
        return (*found, *(entry for entry, _ in drafts if entry.version > version))

    def take(self, writes: Sequence[Write]) -> None:
        """Later jobs of the batch see these."""
        for write in writes:
            self._states[write.state.id] = write.state
            self._drafts.setdefault(write.state.id, []).append((write.entry, write.state.data))


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a job came to, before it stands."""

    writes: tuple[Write, ...] = ()
    checks: dict[str, int] = {}
    conflicts: tuple[Any, ...] = ()
    audit: tuple[AuditRecord, ...] = ()
    #: How the journal names it.
    status: OperationStatus = OperationStatus.APPLIED


class Job(ABC):
    """One write of one caller, from its request to its end."""

    #: It decides by more than versions tell, so it is judged with its states held, and alone on them.
    alone = False

    def __init__(
        self, caller: Caller, *, op_id: str = "", digest: str = "", journalled: bool = False
    ) -> None:
        """`digest` is the request's, compared when `op_id` is used again; `journalled` jobs settle a queued row."""
        self.caller = caller
        self.op_id = op_id
        self.digest = digest
        self.journalled = journalled
        self.made_at = datetime.now(UTC)
        self.settled = False
        self.error: BaseException | None = None
        #: The store failed under it: `error` is no verdict, and nothing is recorded.
        self.stranded = False

    @property
    @abstractmethod
    def ids(self) -> tuple[str, ...]:
        """The states it has to see."""

    @abstractmethod
    def judge(self, view: View) -> Draft:
        """Decide upon the states as they stand; may be asked again when they moved. Raises StarsError to refuse."""

    @abstractmethod
    def answer(self, committed: Committed) -> None:
        """It stands: keep the answer."""

    @abstractmethod
    def replay(self, outcome: dict[str, Json], store: PersistenceLayer) -> None:
        """It was settled earlier with this outcome: keep the answer."""

    @abstractmethod
    def outcome(self, draft: Draft) -> dict[str, Json]:
        """What to record under the op_id, without the revision: the store gives that, and `replay` looks it up."""

    def audit_of(self, error: StarsError, view: View) -> tuple[AuditRecord, ...]:
        """What a refusal leaves in the space's audit trail."""
        return ()

    def fail(self, error: BaseException) -> None:
        """It ends with this error."""
        if not self.settled:
            self.error = error
            self.settled = True

    def strand(self, error: Exception) -> None:
        """The store failed before there was a verdict."""
        if not self.settled:
            self.stranded = True
            self.fail(error)

    def again(self) -> None:
        """It was stranded and is to be tried once more."""
        self.settled, self.stranded, self.error = False, False, None

    def result_or_raise(self) -> None:
        """Raise what it ended with, if that was an error."""
        if self.error is not None:
            raise self.error

    def transaction(self, draft: Draft, now: datetime) -> Transaction:
        """The draft as the store takes it, with the outcome to record."""
        op = self.record(draft.status, self.outcome(draft), now) if self.op_id else None
        return Transaction(
            writes=draft.writes,
            checks=draft.checks,
            op=op,
            conflicts=draft.conflicts,
            audit=draft.audit,
        )

    def record(self, status: OperationStatus, outcome: dict[str, Json], now: datetime) -> OpRecord:
        """A settled operation."""
        return OpRecord(
            space=self.caller.space,
            agent=self.caller.name,
            op_id=self.op_id,
            digest=self.digest,
            status=status,
            state_id=self.ids[0] if self.ids else "",
            outcome=outcome,
            at=now,
            done_at=now,
        )

    def settle(self, result: Committed | Replayed, store: PersistenceLayer) -> None:
        """The store's word."""
        try:
            if isinstance(result, Replayed):
                if result.op.digest != self.digest:
                    raise OpIdReuse
                outcome = result.op.outcome or {}
                if outcome.get("refused"):
                    raise Recorded(outcome)
                self.replay(outcome, store)
            else:
                self.answer(result)
        except StarsError as error:
            self.fail(error)
        self.settled = True


def request_digest(**parts: Any) -> str:
    """Of a request, to recognise it when its op_id comes again."""
    return jsonvalue.digest(plain(parts))


def plain(value: Any) -> Any:
    """Our values as JSON has them: structs as objects, tuples as arrays."""
    return msgspec.json.decode(msgspec.json.encode(value))
