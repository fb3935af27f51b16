"""How the installation stands; what a person has put aside on the home page; the example run."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from groups import access
from groups.api.base import ApiView
from groups.api.serializers.home import HealthSerializer, SeenPatchSerializer, SeenSerializer
from groups.api.serializers.runs import RunSerializer
from groups.models import Seen
from groups.overview import health
from groups.overview.welcome import seen_by
from groups.selectors import in_full
from groups.services import seed, seen


class HealthView(ApiView):
    @extend_schema(operation_id="get_health", tags=["installation"], responses=HealthSerializer)
    def get(self, request: Request) -> Response:
        """How the installation stands: processes that live, slots, what waits, and what to do about what is wrong.

        200 whatever it says; `/readyz` is for machines that want a status.
        """
        access.must_reach_all(self.actor)
        return self.shown(HealthSerializer, health.health())


class HomeView(ApiView):
    @extend_schema(operation_id="get_home", tags=["installation"], responses=SeenSerializer)
    def get(self, request: Request) -> Response:
        """What you have put aside on your home page."""
        person = cast(User, request.user)
        return self.shown(SeenSerializer, seen_by(person) or Seen(user=person))

    @extend_schema(
        operation_id="change_home",
        tags=["installation"],
        request=SeenPatchSerializer,
        responses=SeenSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Put failures or the welcome aside, or take them back."""
        changes = self.given(SeenPatchSerializer)
        return self.shown(SeenSerializer, seen.put_aside(actor=cast(User, request.user), **changes))


class DemoView(ApiView):
    @extend_schema(
        operation_id="start_demo", tags=["runs"], request=None, responses={201: RunSerializer}
    )
    def post(self, request: Request) -> Response:
        """Start the example run in your example group, which is made if you have none."""
        run = seed.start_demo(actor=cast(User, request.user))
        return self.shown(RunSerializer, in_full(run), status=status.HTTP_201_CREATED)
