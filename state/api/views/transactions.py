"""Several states at once."""

from __future__ import annotations

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from state.api import schema
from state.api.answers import TransactionWritten, written
from state.api.base import REPLAYED, REVISION, StateView
from state.api.bodies import TransactionRequest
from state.api.preconditions import refuse_if_match
from state.api.queries import Query


class TransactionView(StateView):
    @schema.writing(
        "transact",
        schema.REVISION,
        request=TransactionRequest,
        answer=TransactionWritten,
        on_state=False,
    )
    def post(self, request: Request, space: str) -> Response:
        """Operations on several states at one revision, all or none, if everything compared holds.

        `409 compare_failed` names every comparison that does not. A state that is compared as absent is made.
        """
        Query(request)
        refuse_if_match(request)
        given = self.given(TransactionRequest)
        result = self.manager.transact(
            self.caller,
            given.compares(),
            given.operations(),
            op_id=self.op_id(given.op_id),
            note=given.metadata or None,
        )
        shown = TransactionWritten(
            revision=result.revision,
            op_id=result.op_id,
            replayed=result.replayed,
            results=tuple(written(part) for part in result.results),
        )
        headers = {REVISION: str(result.revision)}
        if result.replayed:
            headers[REPLAYED] = "true"
        return Response(msgspec.to_builtins(shown), headers=headers)
