"""Groups, and the users' access to them."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from groups import access, selectors
from groups.access import Actor
from groups.api.base import ApiView
from groups.api.schema import problems
from groups.api.serializers.groups import (
    AccessGrantSerializer,
    AccessSerializer,
    GroupChangeSerializer,
    GroupNewSerializer,
    GroupSerializer,
)
from groups.errors import GroupNotFound
from groups.models import Group, Level
from groups.services import groups
from state.errors import NotFound


def _seen_by(actor: Actor) -> QuerySet[Group]:
    found = selectors.groups_with_counts(actor).select_related("created_by")
    return selectors.with_levels(found, actor)


class GroupsView(ApiView):
    @extend_schema(
        operation_id="list_groups", tags=["groups"], responses=GroupSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """The groups that you may see, by id."""
        return self.page(GroupSerializer, _seen_by(self.actor))

    @extend_schema(
        operation_id="create_group",
        tags=["groups"],
        request=GroupNewSerializer,
        responses={201: GroupSerializer, **problems(409)},
    )
    def post(self, request: Request) -> Response:
        """Make a group; you become its owner."""
        given = self.given(GroupNewSerializer)
        group = groups.create(actor=self.actor, group_id=given.pop("id", None), **given)
        where = reverse("api:group", [group.id], request=request)
        row = _seen_by(self.actor).get(id=group.id)
        return self.shown(GroupSerializer, row, status=201, headers={"Location": where})


class GroupView(ApiView):
    def _show(self, group_id: str) -> Response:
        row = _seen_by(self.actor).filter(id=group_id).first()
        if row is None:
            raise GroupNotFound
        return self.shown(GroupSerializer, row)

    @extend_schema(operation_id="get_group", tags=["groups"], responses=GroupSerializer)
    def get(self, request: Request, group_id: str) -> Response:
        """One group."""
        return self._show(group_id)

    @extend_schema(
        operation_id="change_group",
        tags=["groups"],
        request=GroupChangeSerializer,
        responses=GroupSerializer,
    )
    def patch(self, request: Request, group_id: str) -> Response:
        """Change a group's name or description. Owners only."""
        group = access.get_group(self.actor, group_id, Level.OWNER)
        groups.change(actor=self.actor, group=group, **self.given(GroupChangeSerializer))
        return self._show(group_id)

    @extend_schema(
        operation_id="remove_group",
        tags=["groups"],
        request=None,
        responses={204: None, **problems(409)},
    )
    def delete(self, request: Request, group_id: str) -> Response:
        """Remove a group with its messages and runs. Owners only; refused while a run is under way."""
        groups.remove(actor=self.actor, group=access.get_group(self.actor, group_id, Level.OWNER))
        return Response(status=status.HTTP_204_NO_CONTENT)


class AccessesView(ApiView):
    @extend_schema(
        operation_id="list_access", tags=["access"], responses=AccessSerializer(many=True)
    )
    def get(self, request: Request, group_id: str) -> Response:
        """Which users may see or steer the group."""
        return self.page(
            AccessSerializer, selectors.access_of(access.get_group(self.actor, group_id))
        )

    @extend_schema(
        operation_id="grant_access",
        tags=["access"],
        request=AccessGrantSerializer,
        responses={200: AccessSerializer, **problems(409)},
    )
    def post(self, request: Request, group_id: str) -> Response:
        """Give a user a level in the group, instead of any it has. Owners only."""
        group = access.get_group(self.actor, group_id, Level.OWNER)
        given = self.given(AccessGrantSerializer)
        user = selectors.user_named(given["username"])
        if user is None:
            raise ValidationError({"username": ["There is no user by that name."]})
        granted = groups.grant(actor=self.actor, group=group, user=user, level=given["level"])
        return self.shown(AccessSerializer, granted)


class AccessView(ApiView):
    @extend_schema(
        operation_id="revoke_access",
        tags=["access"],
        request=None,
        responses={204: None, **problems(409)},
    )
    def delete(self, request: Request, group_id: str, username: str) -> Response:
        """Take a user's access away. Owners only; the last owner stays."""
        group = access.get_group(self.actor, group_id, Level.OWNER)
        user = selectors.user_named(username)
        if user is None:
            raise NotFound("That user has no access to this group.")
        groups.revoke(actor=self.actor, group=group, user=user)
        return Response(status=status.HTTP_204_NO_CONTENT)
