"""The files given with a run's task."""

from __future__ import annotations

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from groups import access, selectors
from groups.api.base import ApiView
from groups.api.serializers.runs import AttachmentSerializer
from groups.downloads import Download
from groups.errors import AttachmentNotFound


class AnyRenderer(JSONRenderer):
    """Lets a client that accepts only the file's own type in; what it renders is refusals."""

    media_type = "*/*"
    format = ""


class AttachmentsView(ApiView):
    @extend_schema(
        operation_id="list_attachments",
        tags=["attachments"],
        responses=AttachmentSerializer(many=True),
    )
    def get(self, request: Request, run_id: str) -> Response:
        """The files given with the run's task."""
        run = access.get_run(self.actor, run_id)
        return self.page(AttachmentSerializer, selectors.attachments_of(run))


class AttachmentView(ApiView):
    renderer_classes = (AnyRenderer,)

    @extend_schema(
        operation_id="download_attachment",
        tags=["attachments"],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, run_id: str, attachment_id: str) -> FileResponse:
        """The file's content, to be saved rather than shown."""
        run = access.get_run(self.actor, run_id)
        attachment = access.get_attachment(run, attachment_id)
        try:
            content = attachment.file.open("rb")
        except FileNotFoundError:
            raise AttachmentNotFound("The attachment's content is gone from the server.") from None
        return Download(
            content,
            as_attachment=True,
            filename=attachment.name,
            content_type=attachment.media_type,
            headers={"X-Content-Type-Options": "nosniff"},
        )
