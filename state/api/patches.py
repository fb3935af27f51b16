"""JSON Patch (RFC 6902) on a state: tests become conditions, the rest operations on the version that was read."""

from __future__ import annotations

from contextlib import suppress

from state import jsonvalue, patching
from state.manager import Base, StateManager, WriteResult
from state.policy import Caller
from state.refusals import BaseRequired, OperationNotFound
from state.values import ConsistencyLevel, Json, Operation, OperationType


class JsonPatch:
    """One patch of one caller for one state."""

    def __init__(self, manager: StateManager, caller: Caller, state_id: str, patch: Json) -> None:
        self._manager, self._caller, self._state_id = manager, caller, state_id
        self._patch = patch

    def carry_out(self, base: Base | None, op_id: str) -> WriteResult:
        """Raises what `StateManager.update_state` raises, and Unprocessable for a patch that does not fit."""
        asked = {"json_patch": self._patch, "version": base.version if base else None}
        if op_id and self._is_known(op_id):
            # It is answered as the first time; the document may not be as it was by now.
            return self._send((), base, op_id, asked)
        state = self._manager.get_state(self._caller, self._state_id)
        if base is None and state.consistency is ConsistencyLevel.STRONG:
            raise BaseRequired
        if base is not None and (base.version, base.uid) != (state.version, state.uid):
            return self._send((), base, op_id, asked)  # is refused, with all there is to say of it
        tests, ops = patching.from_json_patch(self._patch, state.data)
        conditions = tuple(
            Operation(OperationType.CAS, path, value, expect=value) for path, value in tests
        )
        if base is None and _is_positional(self._patch):
            base = Base(version=state.version, uid=state.uid)
        return self._send((*conditions, *ops), base, op_id, asked)

    def _send(
        self, ops: tuple[Operation, ...], base: Base | None, op_id: str, asked: Json
    ) -> WriteResult:
        return self._manager.update_state(
            self._caller, self._state_id, ops, base=base, op_id=op_id, asked=asked
        )

    def _is_known(self, op_id: str) -> bool:
        with suppress(OperationNotFound):
            self._manager.operation(self._caller, op_id)
            return True
        return False


def _is_positional(patch: Json) -> bool:
    """Whether it means something else once others have changed the document: it carries values about, or counts
    the elements of an array."""
    return any(
        item["op"] in ("move", "copy") or any(map(_is_index, jsonvalue.parse(item["path"])))
        for item in patch
    )


def _is_index(token: str) -> bool:
    return jsonvalue.index_of(token) is not None
