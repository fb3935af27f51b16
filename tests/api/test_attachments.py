"""runs/<id>/attachments/ and their content."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from groups.downloads import Download
from groups.models import Group, Level, Run
from groups.services import runs

Refused = Callable[..., Any]
CONTENT = b"day,sum\n" + b"1,2\n" * 100_000


@pytest.fixture
def fed(settings: Any, tmp_path: Path, lab: Group, ada: User) -> Run:
    """A run with one attachment, larger than what is sent at a time."""
    settings.MEDIA_ROOT = tmp_path
    file = SimpleUploadedFile("Umsätze 2026.csv", CONTENT)
    return runs.start(actor=ada, group=lab, task="Sum", attachments=[file])


def url(run: Run) -> str:
    return f"/api/v1/runs/{run.id}/attachments/"


def test_list(viewer: APIClient, fed: Run, guarded: Any, django_assert_num_queries: Any) -> None:
    guarded(lambda client: client.get(url(fed)), Level.VIEWER)
    with django_assert_num_queries(3):
        [shown] = viewer.get(url(fed)).json()["results"]
    assert (shown["name"], shown["size"]) == ("Umsätze 2026.csv", len(CONTENT))
    assert len(shown["sha256"]) == 64
    assert shown["url"].endswith(f"{url(fed)}{shown['id']}/")


def test_download(viewer: APIClient, fed: Run, guarded: Any, refused: Refused) -> None:
    where = f"{url(fed)}{fed.attachments.get().id}/"
    guarded(lambda client: client.get(where), Level.VIEWER)
    answer = viewer.get(where, HTTP_ACCEPT="text/csv")
    assert answer.status_code == 200
    assert b"".join(answer) == CONTENT
    assert answer["Content-Disposition"].startswith("attachment; ")
    assert "Ums%C3%A4tze%202026.csv" in answer["Content-Disposition"]
    assert answer["Content-Type"] == "text/csv"
    assert answer["Content-Length"] == str(len(CONTENT))
    assert answer["X-Content-Type-Options"] == "nosniff"


async def test_an_asgi_server_gets_it_piece_by_piece() -> None:
    pieces = [piece async for piece in Download(BytesIO(CONTENT))]
    assert b"".join(pieces) == CONTENT
    assert [len(piece) for piece in pieces] == [256 * 1024, len(CONTENT) - 256 * 1024]


def test_unknown(viewer: APIClient, fed: Run, run: Run, refused: Refused) -> None:
    attachment = fed.attachments.get()
    refused(viewer.get(f"{url(fed)}nonsense/"), 404, "attachment_not_found")
    refused(viewer.get(f"{url(run)}{attachment.id}/"), 404, "attachment_not_found")
    Path(attachment.file.path).unlink()
    refused(viewer.get(f"{url(fed)}{attachment.id}/"), 404, "attachment_not_found")
