"""Getting and giving back API tokens."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from groups.api.authentication import TokenAuthentication
from groups.api.base import ApiView
from groups.api.schema import problems
from groups.api.serializers.tokens import (
    CredentialsSerializer,
    TokenGrantSerializer,
    TokenMadeSerializer,
    TokenNewSerializer,
    TokenSerializer,
    TokenShape,
)
from groups.services import guesses, tokens
from state import conf, pace


class WrongCredentials(AuthenticationFailed):
    """The name or the password is wrong; which of them is not said."""

    default_detail = "There is no such user with that password."
    default_code = "wrong_credentials"


class TokenView(ApiView):
    """A token stands for its user until it expires or is given back."""

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Only the token itself can be given back; asking for one needs no credentials but the body's."""
        # There is no request yet when the OpenAPI document is made.
        method = getattr(self.request, "method", None)
        return [] if method == "POST" else [TokenAuthentication()]

    def get_permissions(self) -> list[Any]:
        """Anybody may ask."""
        return [AllowAny() if self.request.method == "POST" else IsAuthenticated()]

    def get_authenticate_header(self, request: Request) -> str:
        """What a 401 tells in WWW-Authenticate."""
        return str(TokenAuthentication().authenticate_header(request))

    @extend_schema(
        operation_id="create_token",
        tags=["auth"],
        request=CredentialsSerializer,
        responses={200: TokenSerializer, **problems(400, 401, 429)},
    )
    def post(self, request: Request) -> Response:
        """Get a token for a user's name and password."""
        given = self.given(CredentialsSerializer)
        if guesses.are_too_many(request, given["username"]):
            raise Throttled(guesses.WINDOW)
        user = authenticate(request, **given)
        if not isinstance(user, User):
            raise WrongCredentials
        # Not `user_logged_in`: that moves `last_login`, and with it spends the user's one-time link.
        guesses.forget(request, user.get_username())
        token, text = tokens.issue(actor=user)
        body = TokenSerializer({"token": text, "expiry": token.expiry}).data
        return Response(body, headers={"Cache-Control": "no-store"})

    @extend_schema(operation_id="revoke_token", tags=["auth"], request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Revoke the token that this request was sent with."""
        tokens.revoke(token=request.auth)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TokensView(ApiView):
    @extend_schema(operation_id="list_tokens", tags=["auth"], responses=TokenShape(many=True))
    def get(self, request: Request) -> Response:
        """Your tokens, newest first; not for tokens that are limited themselves."""
        rows = tokens.tokens_of(actor=cast(User, self.actor))
        return Response({"results": TokenGrantSerializer(rows, many=True).data, "next": None})

    @extend_schema(
        operation_id="make_token",
        tags=["auth"],
        request=TokenNewSerializer,
        responses={201: TokenMadeSerializer, **problems(429)},
    )
    def post(self, request: Request) -> Response:
        """Make a token that may do no more than it has to; not by one that is limited itself."""
        user = cast(User, self.actor)
        pace.check(conf.manager().limits, user.pk, "")
        token, text = tokens.make(actor=user, **self.given(TokenNewSerializer))
        body = {**TokenGrantSerializer(token).data, "token": text}
        return Response(body, status=201, headers={"Cache-Control": "no-store"})


class OneTokenView(ApiView):
    @extend_schema(
        operation_id="revoke_one_token", tags=["auth"], request=None, responses={204: None}
    )
    def delete(self, request: Request, token_id: str) -> Response:
        """Make one of your tokens worthless."""
        tokens.revoke_of(actor=cast(User, self.actor), token_id=token_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
