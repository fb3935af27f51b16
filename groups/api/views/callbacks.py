"""Answers that agents' own programs give later, at an address they were given."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from groups.api.base import ApiView
from groups.api.schema import problems
from groups.api.serializers.callbacks import CallbackSerializer
from groups.services import callbacks


class CallbackView(ApiView):
    """Whoever has the address may answer, once: it is what shows who they are."""

    def get_authenticators(self) -> list[BaseAuthentication]:
        """None: not even a session counts here."""
        return []

    def get_permissions(self) -> list[Any]:
        """Anybody may ask; the service looks at the token."""
        return [AllowAny()]

    @extend_schema(
        operation_id="call_back",
        tags=["subtasks"],
        request=CallbackSerializer,
        responses={204: None, **problems(409, 410)},
    )
    def post(self, request: Request, token: str) -> Response:
        """Answer a request that a webhook agent took with 202: exactly one of text, plan, question, hand_over, error.

        The address is good for one answer, until it expires or the request is sent again with another one.
        """
        callbacks.answer(token=token, body=request.data)
        return Response(status=status.HTTP_204_NO_CONTENT)
