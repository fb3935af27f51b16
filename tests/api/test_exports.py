"""Taking a run away over REST."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from groups.models import Level, Run


def test_whoever_may_see_the_run_may_take_it_away(run: Run, guarded: Callable[..., None]) -> None:
    guarded(lambda who: who.get(f"/api/v1/runs/{run.id}/export/"), Level.VIEWER)


@pytest.mark.parametrize(
    ("form", "media_type", "beginning"),
    [
        ("json", "application/json", '{"format":"stars.run"'),
        ("html", "text/html; charset=utf-8", "<!doctype html>"),
        ("markdown", "text/markdown; charset=utf-8", "# "),
    ],
)
def test_each_form(run: Run, viewer: APIClient, form: str, media_type: str, beginning: str) -> None:
    answer: Any = viewer.get(f"/api/v1/runs/{run.id}/export/?as={form}")
    assert answer.status_code == 200
    assert answer.streaming
    assert answer["Content-Type"] == media_type
    extension = {"markdown": "md"}.get(form, form)
    assert answer["Content-Disposition"].startswith('attachment; filename="')
    assert answer["Content-Disposition"].endswith(f'.{extension}"')
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert b"".join(answer).decode().startswith(beginning)


def test_json_unless_asked_otherwise(run: Run, viewer: APIClient) -> None:
    told = json.loads(b"".join(viewer.get(f"/api/v1/runs/{run.id}/export/")))
    assert told["run"]["id"] == str(run.id)
    assert len(told["events"]) == run.last_seq


def test_another_form_is_refused(
    run: Run, viewer: APIClient, refused: Callable[..., dict[str, Any]]
) -> None:
    refused(viewer.get(f"/api/v1/runs/{run.id}/export/?as=pdf"), 400, "invalid", "as")
