"""Messages of a group."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from groups import access, selectors
from groups.api.base import ApiView
from groups.api.pagination import HistoryPages
from groups.api.schema import problems
from groups.api.serializers.messages import MessageNewSerializer, MessageSerializer
from groups.models import Level
from groups.services import messaging


class MessagesView(ApiView):
    pagination_class = HistoryPages

    @extend_schema(
        operation_id="list_messages", tags=["messages"], responses=MessageSerializer(many=True)
    )
    def get(self, request: Request, group_id: str) -> Response:
        """The group's history, newest first: the last 100, and older ones at `next`."""
        group = access.get_group(self.actor, group_id)
        return self.page(MessageSerializer, selectors.messages_of(group))

    @extend_schema(
        operation_id="send_message",
        tags=["messages"],
        request=MessageNewSerializer,
        responses={201: MessageSerializer, **problems(413)},
    )
    def post(self, request: Request, group_id: str) -> Response:
        """Send a message to one member, or (with an empty `to`) to all. Operators and owners.

        The recipient answers it, and so does whoever the text mentions: `@agent`, `@role:worker`,
        `@tag:python`, `@all`.
        """
        group = access.get_group(self.actor, group_id, Level.OPERATOR)
        given = self.given(MessageNewSerializer)
        to, reply_to = given["to"], given["reply_to"]
        said = {
            "sender": given["from"],
            "text": given["text"],
            "reply_to": None if reply_to is None else access.get_message(group, reply_to),
        }
        if to:
            message = messaging.send(actor=self.actor, group=group, to=to, **said)
        else:
            message = messaging.broadcast(actor=self.actor, group=group, **said)
        return self.shown(MessageSerializer, message, status=201)
