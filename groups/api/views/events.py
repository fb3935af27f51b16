"""The log of a run, page by page; `groups.api.stream` is its twin that follows."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from groups import access, live, selectors
from groups.api.base import ApiView
from groups.api.pagination import positive
from groups.api.schema import EVENT_PAGE, problems

LIMIT: Final = 500
MOST: Final = 2000


class EventsView(ApiView):
    @extend_schema(
        operation_id="list_events",
        tags=["events"],
        parameters=[
            OpenApiParameter(
                "after", int, default=0, description="Only events with a greater `seq`."
            ),
            OpenApiParameter("limit", int, default=LIMIT, description=f"At most {MOST:,}."),
        ],
        responses={200: EVENT_PAGE, **problems(400)},
    )
    def get(self, request: Request, run_id: str) -> Response:
        """The run's events in ascending `seq`. To follow it, ask again after the last `seq` you have."""
        run = access.get_run(self.actor, run_id)
        after = positive(request, "after", default=0, cap=2**63 - 1, least=0)
        limit = positive(request, "limit", default=LIMIT, cap=MOST)
        events = selectors.events_after(run.id, after, limit + 1)
        shown = events[:limit]
        more = None
        if len(events) > limit:
            here = request.build_absolute_uri()
            more = replace_query_param(here, "after", str(shown[-1].seq))
        return Response({"results": [live.event_json(event) for event in shown], "next": more})
