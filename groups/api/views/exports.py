"""A run as a file to take away."""

from __future__ import annotations

from typing import Final

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from groups import access
from groups.api.base import ApiView
from groups.api.schema import problems
from groups.api.views.attachments import AnyRenderer
from groups.downloads import Made
from groups.takeaway import FORMS, take

_TYPES: Final = {
    (200, form.content_type.split(";")[0]): OpenApiTypes.BINARY for form in FORMS.values()
}


class ExportView(ApiView):
    renderer_classes = (AnyRenderer,)

    @extend_schema(
        operation_id="export_run",
        tags=["runs"],
        parameters=[
            OpenApiParameter(
                "as",
                str,
                enum=list(FORMS),
                default="json",
                description="`json` has everything and can be opened again; the others are to be read.",
            )
        ],
        responses={**_TYPES, **problems(400)},
    )
    def get(self, request: Request, run_id: str) -> StreamingHttpResponse:
        """The run with plan, subtasks and log as a file, made while it is sent. Secrets are taken out."""
        run = access.get_run(self.actor, run_id)
        parcel = take(run, request.query_params.get("as", "json"))
        return Made(parcel.pieces, filename=parcel.filename, content_type=parcel.content_type)
