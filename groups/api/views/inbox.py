"""What waits for whoever asks; answered at the address that each item names."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from groups import inbox
from groups.api.base import ApiView
from groups.api.serializers.inbox import InboxSerializer


class InboxView(ApiView):
    @extend_schema(operation_id="get_inbox", tags=["subtasks"], responses=InboxSerializer)
    def get(self, request: Request) -> Response:
        """Questions, approvals, subtasks of human agents and plans that wait for you, the most urgent first.

        At most 200; what is left comes when some of it is done.
        """
        return self.shown(InboxSerializer, {"results": inbox.items_for(self.actor)})
