"""The shared states of its group, as an agent at work sees them: reads and writes in its own name and rights."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from groups.agents.base import AgentError, StateConflict, StateDocument, StateWritten
from groups.events import StateChanged
from groups.services import run_states
from groups.spaces import agent_caller
from groups.threads import in_thread
from state import conf
from state.errors import Conflict, StarsError, Unavailable
from state.manager import Base, WriteResult
from state.values import Filters, Operation, SharedState, StateType

#: How an agent may call the state of the run it works in.
RUN: Final = "run"


class AgentStates:
    """See `agents.base.States`. What the agent has read is the base of what it writes then."""

    def __init__(
        self,
        *,
        group_id: str,
        agent_id: str,
        run_id: uuid.UUID,
        changed: Callable[[StateChanged], None],
    ) -> None:
        """`changed` is told, on the event loop, of every version that the agent made: it goes into the run's log."""
        self._group_id, self._agent_id, self._run_id = group_id, agent_id, run_id
        self._changed = changed
        self._seen: dict[str, int] = {}

    async def read(self, state_id: str, *, version: int | None = None) -> StateDocument:
        """See `agents.base.States`."""
        with _as_agent_errors():
            state = await in_thread(self._read)(self._id(state_id), version)
        if version is None:
            self._seen[state.id] = state.version
        return _document(state)

    async def list(self, prefix: str = "") -> tuple[StateDocument, ...]:
        """See `agents.base.States`."""
        with _as_agent_errors():
            return tuple(map(_document, await in_thread(self._list)(prefix)))

    async def create(
        self, state_id: str, data: Mapping[str, Any], *, type: str = StateType.SESSION
    ) -> StateWritten:
        """See `agents.base.States`."""
        with _as_agent_errors():
            result = await in_thread(self._create)(state_id, dict(data), StateType(type))
        return self._written(result)

    async def write(
        self,
        state_id: str,
        ops: Sequence[Mapping[str, Any]],
        *,
        base_version: int | None = None,
        op_id: str = "",
    ) -> StateWritten:
        """See `agents.base.States`."""
        key = self._id(state_id)
        base = self._seen.get(key) if base_version is None else base_version
        with _as_agent_errors():
            operations = _operations(ops)
            result = await in_thread(self._write)(key, operations, base, op_id)
        return self._written(result)

    # -- in a thread ----------------------------------------------------------------------------------------------

    def _read(self, state_id: str, version: int | None) -> SharedState:
        self._prepare(state_id)
        caller = agent_caller(self._group_id, self._agent_id)
        return conf.manager().get_state(caller, state_id, version=version)

    def _list(self, prefix: str) -> Sequence[SharedState]:
        caller = agent_caller(self._group_id, self._agent_id)
        return conf.manager().list_states(caller, Filters(prefix=prefix), limit=1000).states

    def _create(self, state_id: str, data: dict[str, Any], kind: StateType) -> WriteResult:
        caller = agent_caller(self._group_id, self._agent_id)
        return conf.manager().create_state(caller, state_id, state_type=kind, data=data)

    def _write(
        self, state_id: str, ops: tuple[Operation, ...], base: int | None, op_id: str
    ) -> WriteResult:
        self._prepare(state_id)
        caller = agent_caller(self._group_id, self._agent_id)
        return conf.manager().update_state(
            caller, state_id, ops, base=Base(version=base), op_id=op_id
        )

    def _prepare(self, state_id: str) -> None:
        """The run's own state is there, with all results that stand, before the agent looks at it."""
        if state_id == run_states.state_id(self._run_id):
            run_states.write(self._run_id)

    # -- on the loop ----------------------------------------------------------------------------------------------

    def _id(self, state_id: str) -> str:
        return run_states.state_id(self._run_id) if state_id == RUN else state_id

    def _written(self, result: WriteResult) -> StateWritten:
        if result.changed:
            self._changed(StateChanged(state_id=result.state_id, version=result.version))
        if result.changed or result.status == "unchanged":
            self._seen[result.state_id] = result.version
        return StateWritten(
            id=result.state_id,
            version=result.version,
            revision=result.revision,
            status=str(result.status),
            conflict=result.conflict,
        )


def _operations(ops: Sequence[Mapping[str, Any]]) -> tuple[Operation, ...]:
    try:
        return msgspec.convert([dict(op) for op in ops], tuple[Operation, ...])
    except (TypeError, ValueError) as error:
        raise AgentError(f"These are no operations on a state: {error}") from None


def _document(state: SharedState) -> StateDocument:
    return StateDocument(
        id=state.id,
        type=str(state.type),
        version=state.version,
        revision=state.revision,
        frozen=state.frozen,
        data=state.data,
    )


@contextmanager
def _as_agent_errors() -> Iterator[None]:
    """What the manager refuses, in the words of agents."""
    try:
        yield
    except Unavailable as error:
        raise AgentError(error.message, transient=True) from None
    except Conflict as error:
        raise StateConflict(error.message, {"reason": error.reason, **error.extra}) from None
    except StarsError as error:
        told = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in error.fields.items())
        raise AgentError(f"{error.message} {told}".strip()) from None
