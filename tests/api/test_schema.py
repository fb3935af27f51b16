"""The OpenAPI document: complete, valid, without a warning."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import call_command

from groups.events import CATALOGUE
from groups.services.inputs import MAX_REASON


@pytest.fixture(scope="module")
def document() -> Any:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    return yaml.safe_load(out.getvalue())


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_version_and_security(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    assert set(document["components"]["securitySchemes"]) == {"token", "cookieAuth"}


def test_every_operation_says_who_what_and_how_it_fails(document: Any) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) > 30
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert operation["description"], where
        assert operation["tags"], where
        assert {"token": []} in operation["security"] or operation["security"] == [{}], where
        responses = operation["responses"]
        assert any(code.startswith("2") for code in responses), where
        failures = {code: r for code, r in responses.items() if code >= "4"}
        assert failures, where
        for code, response in failures.items():
            schema = response["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}, f"{where} {code}"
        for parameter in operation.get("parameters", []):
            assert parameter["description"], f"{where} {parameter['name']}"


def test_runs_are_started_by_json_or_multipart(document: Any) -> None:
    body = document["paths"]["/api/v1/groups/{group_id}/runs/"]["post"]["requestBody"]
    assert set(body["content"]) == {"application/json", "multipart/form-data"}


def test_a_reason_is_as_long_as_the_service_allows(document: Any) -> None:
    assert (
        document["components"]["schemas"]["CancelRequest"]["properties"]["reason"]["maxLength"]
        == 500
    )
    assert MAX_REASON == 500


def test_every_event_type_has_its_schema(document: Any) -> None:
    schemas = document["components"]["schemas"]
    mapping = schemas["Event"]["discriminator"]["mapping"]
    assert set(mapping) == set(CATALOGUE)
    for kind, ref in mapping.items():
        event = schemas[ref.rsplit("/", 1)[1]]
        assert event["properties"]["type"]["const"] == kind
        data = event["properties"]["data"]["$ref"].rsplit("/", 1)[1]
        assert schemas[data]["type"] == "object"
    # What no log can hold yet says so.
    assert "Reserved" in schemas["MessageSentData"]["description"]
