"""What a state was: its history, differences, who wrote what, and going back."""

from __future__ import annotations

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from state import conflicts
from state.api import schema
from state.api.base import StateView
from state.api.bodies import RestoreRequest
from state.api.queries import Query
from state.errors import Invalid
from state.manager import Change
from state.manager.reading import blame
from state.values import Blame, Entry


class HistoryView(StateView):
    @schema.described(
        "list_history",
        schema.query("before", "Only versions before this one.", schema.VERSION),
        schema.LIMIT,
        answer=schema.page(schema.ref(Entry)),
    )
    def get(self, request: Request, space: str, state_id: str) -> Response:
        """What happened to the state, newest first: each entry is one version."""
        query = Query(request, "before", "limit")
        # One more than is shown tells whether there is a next page.
        limit = query.limit(50, self.manager.limits.entries_per_page - 1)
        entries = self.manager.history(
            self.caller, state_id, before=query.number("before"), limit=limit + 1
        )
        more = len(entries) > limit
        entries = entries[:limit]
        following = query.other("before", entries[-1].version) if more else None
        return Response({"results": msgspec.to_builtins(entries), "next": following})


class DiffView(StateView):
    @schema.described(
        "diff_state",
        schema.query("from", "The one version.", schema.VERSION, required=True),
        schema.query("to", "The other one; the present one if absent.", schema.VERSION),
        answer=schema.thing(
            **{"id": {"type": "string"}, "from": schema.VERSION, "to": schema.VERSION},
            changes={"type": "array", "items": schema.ref(Change)},
        ),
        refuses=(400, 404, 410, 503),
    )
    def get(self, request: Request, space: str, state_id: str) -> Response:
        """What differs between two versions, by path; arrays as a whole."""
        query = Query(request, "from", "to")
        old, new = query.number("from"), query.number("to")
        if old is None:
            raise Invalid(fields={"from": ["Say from which version."]})
        if new is None:
            new = self.manager.get_state(self.caller, state_id).version
        changes = self.manager.diff(self.caller, state_id, old, new)
        shown = {"id": state_id, "from": old, "to": new, "changes": msgspec.to_builtins(changes)}
        return Response(shown)


class BlameView(StateView):
    @schema.described(
        "blame_state",
        schema.ETAG,
        answer=schema.thing(
            id={"type": "string"},
            version=schema.VERSION,
            blame={"type": "object", "additionalProperties": schema.ref(Blame)},
        ),
    )
    def get(self, request: Request, space: str, state_id: str) -> Response:
        """Who wrote what stands at each leaf of the document, and at which version."""
        Query(request)
        state = self.manager.get_state(self.caller, state_id)
        found = msgspec.to_builtins(blame(self.manager.store, state))
        shown = {"id": state.id, "version": state.version, "blame": found}
        return Response(shown, headers={"ETag": conflicts.etag(state)})


class RestoreView(StateView):
    @schema.writing("restore_state", request=RestoreRequest)
    def post(self, request: Request, space: str, state_id: str) -> Response:
        """Make an old version's document the present one again, as a new version."""
        Query(request)
        given = self.given(RestoreRequest)
        result = self.manager.restore_version(
            self.caller,
            state_id,
            given.version,
            base=self.base(state_id, given.base_version),
            op_id=self.op_id(given.op_id),
        )
        return self.answer(result)
