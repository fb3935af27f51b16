"""Credentials with which an agent's own programs dial in; whoever may change the agent makes and revokes them."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from groups import access, selectors
from groups.api.base import ApiView
from groups.api.pagination import CursorPages
from groups.api.schema import problems
from groups.api.serializers.base import EmptySerializer
from groups.api.serializers.credentials import CredentialSerializer, NewCredentialSerializer
from groups.services import credentials


class CredentialPages(CursorPages):
    ordering = ("-id",)


class CredentialsView(ApiView):
    pagination_class = CredentialPages

    @extend_schema(
        operation_id="list_credentials",
        tags=["agents"],
        responses=CredentialSerializer(many=True),
    )
    def get(self, request: Request, agent_id: str) -> Response:
        """The agent's credentials, newest first, revoked ones included."""
        agent = access.get_agent(self.actor, agent_id, change=True)
        return self.page(CredentialSerializer, selectors.credentials_of(agent))

    @extend_schema(
        operation_id="create_credential",
        tags=["agents"],
        request=EmptySerializer,
        responses={201: NewCredentialSerializer, **problems(409)},
    )
    def post(self, request: Request, agent_id: str) -> Response:
        """Make one more credential; its text is in this answer and nowhere else."""
        agent = access.get_agent(self.actor, agent_id, change=True)
        self.given(EmptySerializer)
        row, text = credentials.make(actor=self.actor, agent=agent)
        body = {"id": row.id, "prefix": row.prefix, "credential": text}
        return self.shown(
            NewCredentialSerializer, body, status=201, headers={"Cache-Control": "no-store"}
        )


class CredentialView(ApiView):
    @extend_schema(
        operation_id="revoke_credential", tags=["agents"], request=None, responses={204: None}
    )
    def delete(self, request: Request, agent_id: str, credential_id: str) -> Response:
        """Revoke a credential: its sockets are closed, and it opens none any more."""
        agent = access.get_agent(self.actor, agent_id, change=True)
        found = access.get_credential(agent, credential_id)
        credentials.revoke(actor=self.actor, credential=found)
        return Response(status=status.HTTP_204_NO_CONTENT)
