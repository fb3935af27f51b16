"""A person's own settings."""

from __future__ import annotations

from django.contrib.auth import update_session_auth_hash
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from groups.api.base import ApiView
from groups.api.schema import problems
from groups.api.serializers.profile import (
    PasswordSerializer,
    ProfileChangeSerializer,
    ProfileSerializer,
)
from groups.services import guesses, profile
from state.errors import Invalid


class ProfileView(ApiView):
    @extend_schema(operation_id="get_profile", tags=["auth"], responses=ProfileSerializer)
    def get(self, request: Request) -> Response:
        """Who you are, and what language and time zone you chose."""
        return self.shown(ProfileSerializer, profile.of(self.actor)._asdict())

    @extend_schema(
        operation_id="change_profile",
        tags=["auth"],
        request=ProfileChangeSerializer,
        responses=ProfileSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change them; pages follow when you sign in again."""
        changed = profile.change(actor=self.actor, **self.given(ProfileChangeSerializer))
        return self.shown(ProfileSerializer, changed._asdict())


class PasswordView(ApiView):
    @extend_schema(
        operation_id="change_password",
        tags=["auth"],
        request=PasswordSerializer,
        responses={204: None, **problems(429)},
    )
    def post(self, request: Request) -> Response:
        """Give yourself another password; API tokens stay as they are."""
        name = request.user.get_username()
        if guesses.are_too_many(request, name):
            raise Throttled(wait=guesses.WINDOW)
        try:
            user = profile.change_password(actor=self.actor, **self.given(PasswordSerializer))
        except Invalid as refused:
            if "old" in refused.fields:
                guesses.count(request, name)
            raise
        guesses.forget(request, name)
        update_session_auth_hash(request._request, user)
        return Response(status=status.HTTP_204_NO_CONTENT)
