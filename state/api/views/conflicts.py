"""Parked conflicts: the inbox of a space."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from state.api import schema
from state.api.base import StateView
from state.api.bodies import ResolveRequest
from state.api.preconditions import refuse_if_match
from state.api.queries import Query
from state.values import ConflictRecord, ConflictStatus

#: The three documents, which a list leaves out.
_DOCUMENTS = ("base", "current", "incoming")


class Wanted(StrEnum):
    """Which conflicts to list."""

    OPEN = "open"
    RESOLVED = "resolved"
    REJECTED = "rejected"
    ALL = "all"


class ConflictsView(StateView):
    @schema.described(
        "list_conflicts",
        schema.query("status", "`open` if absent.", {"type": "string", "enum": list(Wanted)}),
        schema.query("state", "Of the state with this id."),
        schema.LIMIT,
        answer=schema.page(schema.ref(ConflictRecord)),
        refuses=(400, 404, 503),
    )
    def get(self, request: Request, space: str) -> Response:
        """Parked conflicts of the states that you may read, newest first, without their documents."""
        query = Query(request, "status", "state", "limit")
        wanted = query.choice("status", Wanted) or Wanted.OPEN
        found = self.manager.conflicts(
            self.caller,
            status=None if wanted is Wanted.ALL else ConflictStatus(wanted),
            state_id=query.text("state"),
            limit=query.limit(100, self.manager.limits.entries_per_page),
        )
        results = [_shown(each) for each in found]
        for each in results:
            for name in _DOCUMENTS:
                del each[name]
        return Response({"results": results, "next": None})


class ConflictView(StateView):
    @schema.described("get_conflict", answer=schema.ref(ConflictRecord))
    def get(self, request: Request, space: str, conflict_id: str) -> Response:
        """One parked conflict with the three documents, whether you may settle it (`may_resolve`), and the
        state's version at this moment (`present_version`), which is what `expected_head` asks for."""
        Query(request)
        record = self.manager.conflict(self.caller, conflict_id)
        may = self.manager.may_resolve(self.caller, record)
        head = self.manager.store.load_state(space, record.state_id).version
        return Response({**_shown(record), "may_resolve": may, "present_version": head})


class ResolveView(StateView):
    @schema.writing(
        "resolve_conflict", schema.ETAG, schema.REVISION, request=ResolveRequest, on_state=False
    )
    def post(self, request: Request, space: str, conflict_id: str) -> Response:
        """Settle a conflict: by another document, by operations, by picking `mine`, `theirs` or `base` for each path
        (or giving a value of your own in `values`), or by dismissing the parked write."""
        Query(request)
        refuse_if_match(request)
        given = self.given(ResolveRequest)
        result = self.manager.resolve_conflict(
            self.caller,
            conflict_id,
            given.answer(),
            expected_head=given.expected_head,
            op_id=self.op_id(given.op_id),
        )
        return self.answer(result)


def _shown(record: ConflictRecord) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(record)
    return found
