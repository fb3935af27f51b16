"""Members of a group: joining, changing, leaving."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from groups import access, selectors
from groups.api.base import ApiView
from groups.api.schema import problems
from groups.api.serializers.members import (
    MemberChangeSerializer,
    MemberNewSerializer,
    MemberSerializer,
    PlaceSerializer,
)
from groups.errors import NotAMember
from groups.models import Group, Level, Member
from groups.services import membership
from state.errors import NotFound


class MembersView(ApiView):
    @extend_schema(
        operation_id="list_members", tags=["members"], responses=MemberSerializer(many=True)
    )
    def get(self, request: Request, group_id: str) -> Response:
        """The group's members, in the order they joined."""
        group = access.get_group(self.actor, group_id)
        return self.page(MemberSerializer, selectors.members_of(group))

    @extend_schema(
        operation_id="join_group",
        tags=["members"],
        request=MemberNewSerializer,
        responses={201: MemberSerializer, **problems(409)},
    )
    def post(self, request: Request, group_id: str) -> Response:
        """Make a registered agent a member. Owners only."""
        group = access.get_group(self.actor, group_id, Level.OWNER)
        member = membership.join(actor=self.actor, group=group, **self.given(MemberNewSerializer))
        where = reverse("api:member", [group.id, member.agent.agent_id], request=request)
        return self.shown(MemberSerializer, member, status=201, headers={"Location": where})


class OneMemberView(ApiView):
    """What has a member as its address."""

    def found(self, group: Group, agent_id: str) -> Member:
        """Here the member is the address, so its absence is a 404 rather than a fault of the body."""
        try:
            return membership.get(group=group, agent_id=agent_id)
        except NotAMember as error:
            raise NotFound(error.message) from None


class MemberView(OneMemberView):
    @extend_schema(operation_id="get_member", tags=["members"], responses=MemberSerializer)
    def get(self, request: Request, group_id: str, agent_id: str) -> Response:
        """One member."""
        group = access.get_group(self.actor, group_id)
        return self.shown(MemberSerializer, self.found(group, agent_id))

    @extend_schema(
        operation_id="change_member",
        tags=["members"],
        request=MemberChangeSerializer,
        responses={200: MemberSerializer, **problems(409)},
    )
    def patch(self, request: Request, group_id: str, agent_id: str) -> Response:
        """Change a member's role or tags. Owners only."""
        group = access.get_group(self.actor, group_id, Level.OWNER)
        self.found(group, agent_id)
        given = self.given(MemberChangeSerializer)
        member = membership.change(actor=self.actor, group=group, agent_id=agent_id, **given)
        return self.shown(MemberSerializer, member)

    @extend_schema(
        operation_id="leave_group",
        tags=["members"],
        request=None,
        responses={204: None, **problems(409)},
    )
    def delete(self, request: Request, group_id: str, agent_id: str) -> Response:
        """Let a member leave. Owners only; the leader stays while a run is under way."""
        group = access.get_group(self.actor, group_id, Level.OWNER)
        self.found(group, agent_id)
        membership.leave(actor=self.actor, group=group, agent_id=agent_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class LeadView(OneMemberView):
    @extend_schema(
        operation_id="lead_group",
        tags=["members"],
        request=None,
        responses={200: MemberSerializer, **problems(409)},
    )
    def post(self, request: Request, group_id: str, agent_id: str) -> Response:
        """Let a member lead the group; the leader until now is a worker. Owners only; not while a run is under way."""
        group = access.get_group(self.actor, group_id, Level.OWNER)
        self.found(group, agent_id)
        member = membership.lead(actor=self.actor, group=group, agent_id=agent_id)
        return self.shown(MemberSerializer, member)


class PlaceView(OneMemberView):
    @extend_schema(
        operation_id="move_member",
        tags=["members"],
        request=PlaceSerializer,
        responses=MemberSerializer,
    )
    def put(self, request: Request, group_id: str, agent_id: str) -> Response:
        """Put a member into a place among the others; pipelines go through their workers in this order. Owners only."""
        group = access.get_group(self.actor, group_id, Level.OWNER)
        self.found(group, agent_id)
        member = membership.move(
            actor=self.actor, group=group, agent_id=agent_id, **self.given(PlaceSerializer)
        )
        return self.shown(MemberSerializer, member)
