"""A backup as a download: also of stores that only the running process can open."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from django.contrib.auth.models import User
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from state.api.base import StateView
from state.api.queries import Query
from state.refusals import NotPermitted


class _AnyRenderer(JSONRenderer):
    """Lets a client in that accepts only archives; what it renders is refusals."""

    media_type = "*/*"
    format = ""


class BackupView(StateView):
    renderer_classes = (_AnyRenderer,)

    @extend_schema(
        operation_id="get_backup",
        tags=["states"],
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> FileResponse:
        """All spaces with their history, each at one revision, made while they are in use. For administrators.

        `manage.py state_restore` brings it back, into a store of any kind.
        """
        Query(request)
        if not cast(User, request.user).is_superuser:
            raise NotPermitted(extra={"required": "admin"})
        now = datetime.now(UTC)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "states.zip"
            self.manager.store.backup(path)
            # Stays readable until the response is closed, though its name is gone by then.
            opened = path.open("rb")
        name = f"stars-states-{now:%Y%m%d-%H%M%S}.zip"
        return FileResponse(opened, as_attachment=True, filename=name)
