"""The shared states of its group, as an agent at work sees them: reads and writes in its own name and rights."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from groups.agents.base import AgentError, StateConflict
from groups.agents.surroundings import StateDocument, StateWritten
from groups.events import StateChanged
from groups.services import run_states, subtasks
from groups.services.subtasks import Work
from groups.spaces import agent_caller
from state import conf
from state.errors import Conflict, StarsError, Unavailable
from state.manager import Base, WriteResult
from state.policy import Caller
from state.threads import in_thread
from state.values import Filters, Json, Operation, SharedState, StateType

#: Seconds that a claim may take to be committed.
PATIENCE: Final = 10.0
#: How an agent may call the state of the run it works in.
RUN: Final = "run"


class AgentStates:
    """See `agents.surroundings.States`. What the agent has read is the base of what it writes then."""

    def __init__(self, work: Work, changed: Callable[[StateChanged], None]) -> None:
        """`changed` is told, on the event loop, of every version that the agent made: it goes into the run's log."""
        self._group_id, self._agent_id = work.request.group_id, work.request.agent_id
        self._run_id, self._token = work.run_id, work.token
        self._is_claimed = False
        self._changed = changed
        #: Kept with each entry: whoever looks at the state finds the run in which it was written.
        self._note: dict[str, Json] = {"run": str(work.run_id)}
        #: By state: the version that was read last, and the agent's own writes upon it since.
        self._seen: dict[str, int] = {}
        self._own: dict[str, list[str]] = {}

    async def read(self, state_id: str, *, version: int | None = None) -> StateDocument:
        """See `agents.surroundings.States`."""
        with _as_agent_errors():
            state = await in_thread(self._read)(self._id(state_id), version)
        if version is None:
            self._seen[state.id] = state.version
            self._own[state.id] = []
        return _document(state)

    async def list(self, prefix: str = "") -> tuple[StateDocument, ...]:
        """See `agents.surroundings.States`."""
        with _as_agent_errors():
            return tuple(map(_document, await in_thread(self._list)(prefix)))

    async def create(
        self, state_id: str, data: Mapping[str, Any], *, type: str = StateType.RESOURCE
    ) -> StateWritten:
        """See `agents.surroundings.States`."""
        with _as_agent_errors():
            result = await in_thread(self._create)(state_id, dict(data), StateType(type))
        self._seen[result.state_id], self._own[result.state_id] = result.version, []
        return self._written(result)

    async def write(
        self,
        state_id: str,
        ops: Sequence[Mapping[str, Any]],
        *,
        base_version: int | None = None,
        op_id: str = "",
    ) -> StateWritten:
        """See `agents.surroundings.States`."""
        key = self._id(state_id)
        base = self._seen.get(key) if base_version is None else base_version
        op_id = op_id or str(uuid.uuid4())
        after = tuple(self._own.get(key, ())) if base_version is None else ()
        with _as_agent_errors():
            operations = _operations(ops)
            result = await in_thread(self._write)(key, operations, base, op_id, after)
        # What others wrote in between has not been seen by the agent: its base stays where it was.
        self._own.setdefault(key, []).append(op_id)
        return self._written(result)

    # -- in a thread ----------------------------------------------------------------------------------------------

    def _read(self, state_id: str, version: int | None) -> SharedState:
        return conf.manager().get_state(self._caller(state_id), state_id, version=version)

    def _list(self, prefix: str) -> Sequence[SharedState]:
        found = conf.manager().list_states(self._caller(), Filters(prefix=prefix), limit=1000)
        return found.states

    def _create(self, state_id: str, data: dict[str, Any], kind: StateType) -> WriteResult:
        return conf.manager().create_state(
            self._caller(), state_id, state_type=kind, data=data, note=self._note
        )

    def _write(
        self,
        state_id: str,
        ops: tuple[Operation, ...],
        base: int | None,
        op_id: str,
        after: tuple[str, ...],
    ) -> WriteResult:
        caller = self._caller(state_id)
        return conf.manager().update_state(
            caller, state_id, ops, self._note, base=Base(version=base), op_id=op_id, after=after
        )

    def _caller(self, state_id: str = "") -> Caller:
        """The agent. Before it looks at the state of its own run, all results that stand are in there."""
        self.await_claim()
        if state_id == run_states.state_id(self._run_id):
            run_states.write(self._run_id)
        return agent_caller(self._group_id, self._agent_id)

    def await_claim(self) -> None:
        """Agents begin before their claim is committed; what reaches beyond the run must wait for that.

        Raises AgentError when the claim never came to be, or somebody else has the subtask now.
        """
        until = time.monotonic() + PATIENCE
        while not subtasks.held_leases([self._token]):
            if self._is_claimed or time.monotonic() > until:
                raise AgentError("This attempt has lost its lease.", transient=True)
            time.sleep(0.005)
        self._is_claimed = True

    # -- on the loop ----------------------------------------------------------------------------------------------

    def _id(self, state_id: str) -> str:
        return run_states.state_id(self._run_id) if state_id == RUN else state_id

    def _written(self, result: WriteResult) -> StateWritten:
        if result.changed:
            self._changed(StateChanged(state_id=result.state_id, version=result.version))
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
