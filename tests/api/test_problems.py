"""Whatever goes wrong under /api/ is a problem (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.test import APIClient

from groups.api import errors
from groups.models import Group

Refused = Callable[..., Any]
URL = "/api/v1/groups/"


def send(client: APIClient, body: bytes | str) -> Any:
    return client.post(URL, body, content_type="application/json")


@pytest.mark.parametrize("body", ["{", "nonsense", '{"name": NaN}', b"\xff\xfe", "[" * 100_000])
def test_malformed_json(owner: APIClient, refused: Refused, body: str | bytes) -> None:
    refused(send(owner, body), 400, "malformed")


@pytest.mark.parametrize("body", ["[]", '"text"', "7", "null"])
def test_a_body_that_is_no_object(owner: APIClient, refused: Refused, body: str) -> None:
    assert refused(send(owner, body), 400, "invalid")["detail"]


def test_lone_surrogates(owner: APIClient, refused: Refused) -> None:
    problem = refused(send(owner, r'{"name": "\ud800", "\udfff": 1}'), 400, "invalid", "name")
    assert problem["errors"]["?"] == ["There is no such field here."]


def test_all_faults_at_once(owner: APIClient, refused: Refused) -> None:
    problem = refused(send(owner, '{"name": "", "id": "a b", "x": 1, "y": 2}'), 400, "invalid")
    assert set(problem["errors"]) == {"name", "id", "x", "y"}
    assert problem["detail"].startswith("4 faults")
    assert problem["instance"] == URL


def test_a_body_beyond_the_limit(owner: APIClient, refused: Refused, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    refused(send(owner, json.dumps({"name": "x" * 1000})), 413, "too_large")


def test_multipart_fields_beyond_the_limit(
    owner: APIClient, lab: Group, refused: Refused, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = owner.post(f"{URL}lab/runs/", {"task": "x" * 2000}, format="multipart")
    refused(answer, 413, "too_large")


def test_deeply_nested_settings(owner: APIClient, refused: Refused) -> None:
    config = '{"a":' * 40 + "1" + "}" * 40
    answer = owner.post(
        "/api/v1/agents/",
        f'{{"agent_id": "a", "config": {config}}}',
        content_type="application/json",
    )
    refused(answer, 400, "invalid", "config")


def test_other_media_types(owner: APIClient, refused: Refused) -> None:
    answer = owner.post(URL, "<name/>", content_type="application/xml")
    refused(answer, 415, "unsupported_media_type")
    refused(owner.get(URL, HTTP_ACCEPT="application/xml"), 406, "not_acceptable")


def test_other_methods(owner: APIClient, refused: Refused) -> None:
    answer = owner.put(URL, {}, format="json")
    refused(answer, 405, "method_not_allowed")
    assert answer["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_addresses_with_nul(owner: APIClient, lab: Group, refused: Refused) -> None:
    for path in ("groups/a%00b/", "groups/lab/members/a%00b/", "agents/a%00b/"):
        assert refused(owner.get(f"/api/v1/{path}"), 404)["instance"] == f"/api/v1/{path}"


@pytest.mark.parametrize(
    ("handler", "status", "reason"),
    [
        (errors.handler400, 400, "malformed"),
        (errors.handler403, 403, "not_allowed"),
        (errors.handler404, 404, "not_found"),
        (errors.handler500, 500, "error"),
    ],
)
def test_django_s_own_refusals(
    rf: RequestFactory, refused: Refused, handler: Any, status: int, reason: str
) -> None:
    answer = handler(rf.get("/api/v1/nowhere/"), exception=ValueError("secret"))
    answer.json = lambda: json.loads(answer.content)
    problem = refused(answer, status, reason)
    assert "secret" not in str(problem)
    page = handler(rf.get("/nowhere/"), exception=ValueError("secret"))
    assert (page.status_code, page["Content-Type"]) == (status, "text/html; charset=utf-8")
