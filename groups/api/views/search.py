"""Search everywhere."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from groups.api.base import ApiView
from groups.api.pagination import positive
from groups.api.serializers.search import SearchSerializer
from groups.search import FEW, LAST_PAGE, LONGEST, MANY, Kind, search


class SearchView(ApiView):
    @extend_schema(
        operation_id="search",
        tags=["search"],
        parameters=[
            OpenApiParameter(
                "q",
                str,
                required=True,
                description="Words that all have to be there, in upper or lower case, or the beginning of a run's id.",
            ),
            OpenApiParameter(
                "kind",
                str,
                enum=[kind.value for kind in Kind],
                description="Only this kind; without it, the first of every kind.",
            ),
            OpenApiParameter(
                "page", int, description=f"With `kind`: which page, from 1 to {LAST_PAGE}."
            ),
            OpenApiParameter("limit", int, description=f"Hits of a kind, {MANY} at most."),
        ],
        responses=SearchSerializer,
    )
    def get(self, request: Request) -> Response:
        """Groups, agents, runs, states and messages that you may see, newest first.

        States are found by id, name, tags and owners.
        """
        query, kinds = self._query(request), self._kinds(request)
        one = len(kinds) == 1
        size = positive(request, "limit", default=MANY if one else FEW, cap=MANY)
        page = positive(request, "page", default=1, cap=LAST_PAGE) if one else 1
        found = search(self.actor, query, kinds=kinds, page=page, size=size)
        shown: dict[str, Any] = {"query": query}
        for kind, hits in found.items():
            link = replace_query_param(request.build_absolute_uri(), "kind", kind.value)
            # Pages are as long as this one, whatever a page of one kind is by default.
            link = replace_query_param(link, "limit", str(size))
            link = replace_query_param(link, "page", str(page + 1))
            shown[kind.value] = {"hits": hits.hits, "next": link if hits.more else None}
        return self.shown(SearchSerializer, shown)

    def _query(self, request: Request) -> str:
        """Raises ValidationError."""
        query: str = request.query_params.get("q", "").strip()
        if not query:
            raise ValidationError({"q": ["Write what to look for."]})
        if len(query) > LONGEST:
            raise ValidationError({"q": [f"At most {LONGEST} characters."]})
        return query

    def _kinds(self, request: Request) -> tuple[Kind, ...]:
        """Raises ValidationError."""
        given = request.query_params.get("kind")
        if given is None:
            return tuple(Kind)
        try:
            return (Kind(given),)
        except ValueError:
            known = ", ".join(kind.value for kind in Kind)
            raise ValidationError({"kind": [f"The kinds are {known}."]}) from None
