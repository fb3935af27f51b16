"""Spaces: which there are, and where they stand."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from state import conf
from state.api.base import REVISION, StateView
from state.api.queries import Query
from state.api.schema import CONTINUE, LIMIT, described, page, thing
from state.values import SpaceInfo

_COUNT = {"type": "integer", "minimum": 0}
_SPACE: dict[str, Any] = {
    "id": {"type": "string"},
    "epoch": {
        "type": ["string", "null"],
        "description": "Names the lineage of its history; null: nothing was ever kept in it.",
    },
    "revision": {**_COUNT, "description": "Of the last committed transaction."},
    "compact_revision": {**_COUNT, "description": "Entries up to here may be gone."},
}
_COUNTS = ("total_states", "active_states", "pending_operations", "open_conflicts")


def _shown(space: SpaceInfo) -> dict[str, Any]:
    return {name: getattr(space, name) or None for name in ("id", "epoch")} | {
        name: getattr(space, name) for name in ("revision", "compact_revision")
    }


class SpacesView(StateView):
    @described("list_spaces", LIMIT, CONTINUE, answer=page(thing(**_SPACE)), in_space=False)
    def get(self, request: Request) -> Response:
        """The spaces that you may see, by id: a group's has the group's id, `_global` is everybody's."""
        query = Query(request, "limit", "continue")
        limit, position = query.limit(100, 1000), query.position()
        after = [each for each in sorted(conf.directory().spaces(request.user)) if each > position]
        kept = {space.id: space for space in self.manager.store.spaces()}
        seen = [kept.get(each) or SpaceInfo(id=each, epoch="") for each in after[:limit]]
        following = query.following(seen[-1].id if len(after) > limit else "")
        return Response({"results": [_shown(each) for each in seen], "next": following})


class SpaceView(StateView):
    @described("get_space", answer=thing(**_SPACE, counts=thing(**dict.fromkeys(_COUNTS, _COUNT))))
    def get(self, request: Request, space: str) -> Response:
        """Where the space stands, and how much is in it."""
        Query(request)
        info = self.manager.space(self.caller)
        counts = self.manager.store.counts(space)
        shown = {**_shown(info), "counts": {name: counts[name] for name in _COUNTS}}
        return Response(shown, headers={REVISION: str(info.revision)})
