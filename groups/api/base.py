"""What every view shares: who acts, reading a body, answering a list page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.http import Http404
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.parsers import BaseParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from groups.access import Actor
from groups.api.authentication import TokenAuthentication
from groups.api.pagination import CursorPages
from groups.api.parsers import JsonParser
from groups.api.schema import StarsSchema


class ApiView(APIView):
    """A resource. Tokens are tried first, so that whoever is refused learns how to sign in (401)."""

    authentication_classes = (TokenAuthentication, SessionAuthentication)
    permission_classes = (IsAuthenticated,)
    parser_classes: Sequence[type[BaseParser]] = (JsonParser,)
    renderer_classes: Sequence[type[BaseRenderer]] = (JSONRenderer,)
    pagination_class: ClassVar[type[CursorPages]] = CursorPages
    schema = StarsSchema()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After the usual checks: an address with a NUL names nothing (and PostgreSQL would refuse the question)."""
        super().initial(request, *args, **kwargs)
        if any("\x00" in str(value) for value in kwargs.values()):
            raise Http404

    @property
    def actor(self) -> Actor:
        """Whoever is signed in."""
        return cast(Actor, self.request.user)

    def given(
        self, kind: type[serializers.Serializer[Any]], *, partial: bool = False
    ) -> dict[str, Any]:
        """The request's body as `kind` reads it, `partial` without what it requires. Raises ValidationError."""
        body = kind(data=self.request.data, partial=partial, context={"request": self.request})
        body.is_valid(raise_exception=True)
        return cast(dict[str, Any], body.validated_data)

    def shown(
        self, kind: type[serializers.BaseSerializer[Any]], row: Any, **kwargs: Any
    ) -> Response:
        """The row as `kind` writes it; further arguments are the Response's."""
        return Response(kind(row, context={"request": self.request}).data, **kwargs)

    def page(self, kind: type[serializers.BaseSerializer[Any]], rows: QuerySet[Any]) -> Response:
        """One page of the rows, each as `kind` writes it."""
        pages = self.pagination_class()
        found = pages.paginate_queryset(rows, self.request, view=self)
        listed = kind(found, many=True, context={"request": self.request})
        return pages.get_paginated_response(listed.data)
