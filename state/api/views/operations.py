"""Operations on a state, and what became of those that waited."""

from __future__ import annotations

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from state.api import schema
from state.api.base import StateView
from state.api.bodies import OperationsRequest
from state.api.queries import Query
from state.manager import OperationState


class OperationsView(StateView):
    @schema.writing("operate_on_state", request=OperationsRequest, status=(200, 202))
    def post(self, request: Request, space: str, state_id: str) -> Response:
        """Carry out operations, all or none.

        `202` with a Location when they wait in the journal (an eventual state) or for somebody's decision (parked).
        """
        Query(request)
        given = self.given(OperationsRequest)
        result = self.manager.update_state(
            self.caller,
            state_id,
            given.changes(),
            given.metadata or None,
            base=self.base(state_id, given.base_version),
            reads=given.reads,
            read_mode=given.read_mode,
            after=given.after,
            resolution=given.resolution,
            op_id=self.op_id(given.op_id),
        )
        return self.answer(result)


class OperationView(StateView):
    @schema.described(
        "get_operation",
        schema.query("agent", "The agent in whose name it was asked, instead of Stars-Agent."),
        answer=schema.ref(OperationState),
    )
    def get(self, request: Request, space: str, op_id: str) -> Response:
        """What became of an operation of your own; known for a day after its end."""
        Query(request, "agent")
        return Response(msgspec.to_builtins(self.manager.operation(self.caller, op_id)))
