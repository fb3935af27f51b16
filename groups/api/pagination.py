"""Cursor pagination: stable while rows come and go, one query per page, `limit` rows and never more than the cap."""

from __future__ import annotations

from typing import Any, cast

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Field, Model, QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from groups.selectors import HISTORY


def positive(request: Request, name: str, *, default: int, cap: int, least: int = 1) -> int:
    """The whole number in the query under `name`, at most `cap`. Raises ValidationError naming it."""
    text = request.query_params.get(name)
    if text is None:
        return default
    # Longer than any number meant: int() would take long or refuse beyond Python's own limit.
    if not (text.isascii() and text.isdigit() and len(text) <= 19) or int(text) < least:
        raise ValidationError({name: [f"This must be a whole number of at least {least}."]})
    return min(int(text), cap)


class CursorPages(CursorPagination):
    """Pages by cursor; `ordering` begins with a unique, or nearly unique, unchanging column."""

    ordering: Any = "id"
    page_size = 50
    max_page_size = 100
    page_size_query_param = "limit"
    page_size_query_description = "How many results a page has, 100 at most."
    cursor_query_description = "Where the page begins; taken from `next` or `previous`."

    def get_page_size(self, request: Request) -> int:
        """Raises ValidationError naming `limit` instead of silently taking the default."""
        return positive(
            request, "limit", default=self.page_size or 50, cap=self.max_page_size or 100
        )

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """The page; the model is kept to check the cursor's position against its column."""
        self.model = cast("QuerySet[Model]", queryset).model
        return super().paginate_queryset(queryset, request, view)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Raises ValidationError naming `cursor` when it is not ours, or its position no value of the column."""
        try:
            cursor = super().decode_cursor(request)
            if cursor is not None and cursor.position is not None:
                column = self.ordering[0].lstrip("-")
                if "\x00" in str(cursor.position):
                    raise NotFound
                cast("Field[Any, Any]", self.model._meta.get_field(column)).to_python(
                    cursor.position
                )
        except (NotFound, DjangoValidationError):
            raise ValidationError(
                {"cursor": ["This cursor is not valid; take it from `next` or `previous`."]}
            ) from None
        return cursor

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The page's JSON schema (OpenAPI 3.1)."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }


class HistoryPages(CursorPages):
    """Newest first; the first page has the seed's History, the last 100, and `next` leads to older ones."""

    ordering = "-id"
    page_size = HISTORY


class RunPages(CursorPages):
    """Newest first, as the index has them."""

    ordering = ("-created_at", "-id")
    page_size = 25


class AgentPages(CursorPages):
    ordering = "agent_id"


class ToolServerPages(CursorPages):
    ordering = "name"


class SubtaskPages(CursorPages):
    """In the plan's order."""

    ordering = ("position", "id")
    page_size = 100
    max_page_size = 500
