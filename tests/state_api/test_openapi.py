"""The OpenAPI document says all of it: every route, its headers, shapes and refusals."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

SPACE = "/api/v1/spaces/{space}/"
STATE = f"{SPACE}states/{{state_id}}/"
ROUTES = {
    "/api/v1/backup/": {"get"},
    "/api/v1/metrics/": {"get"},
    "/api/v1/spaces/": {"get"},
    SPACE: {"get"},
    f"{SPACE}txn/": {"post"},
    f"{SPACE}ops/{{op_id}}/": {"get"},
    f"{SPACE}conflicts/": {"get"},
    f"{SPACE}conflicts/{{conflict_id}}/": {"get"},
    f"{SPACE}conflicts/{{conflict_id}}/resolve/": {"post"},
    f"{SPACE}states/": {"get", "post"},
    STATE: {"get", "put", "patch", "delete"},
    f"{STATE}ops/": {"post"},
    f"{STATE}config/": {"get", "patch"},
    f"{STATE}freeze/": {"post"},
    f"{STATE}unfreeze/": {"post"},
    f"{STATE}history/": {"get"},
    f"{STATE}diff/": {"get"},
    f"{STATE}blame/": {"get"},
    f"{STATE}restore/": {"post"},
}


@pytest.fixture(scope="module")
def document() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]


def test_every_route_is_described(document: Any) -> None:
    found = {
        path: set(methods) for path, methods in document["paths"].items() if "groups" not in path
    }
    assert {path: found.get(path) for path in ROUTES} == ROUTES


def test_writes_name_their_headers_and_refusals(document: Any) -> None:
    for path, methods in ROUTES.items():
        for method in methods - {"get"}:
            operation = document["paths"][path][method]
            headers = {each["name"] for each in operation["parameters"] if each["in"] == "header"}
            assert headers >= {"Stars-Agent", "Idempotency-Key"}, (method, path)
            on_state = path.startswith(STATE)
            assert ("If-Match" in headers) is on_state, (method, path)
            codes = {"400", "401", "403", "404", "409", "413", "415", "422", "429", "503"}
            codes |= {"412", "423", "428"} if on_state else set()
            assert codes <= set(operation["responses"]), (method, path)
            assert "requestBody" in operation or method == "delete"


def test_a_state_is_answered_with_its_tag(document: Any) -> None:
    operation = document["paths"][STATE]["get"]
    assert {"ETag", "Stars-Revision"} <= set(operation["responses"]["200"]["headers"])
    assert "content" not in operation["responses"]["304"]
    patch = document["paths"][STATE]["patch"]["requestBody"]["content"]
    assert set(patch) == {"application/json-patch+json", "application/merge-patch+json"}


def refs(node: Any) -> set[str]:
    """All references to components under a node."""
    if isinstance(node, dict):
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*map(refs, node.values()))
    return set().union(*map(refs, node)) if isinstance(node, list) else set()


def test_every_shape_that_is_named_is_there(document: Any) -> None:
    schemas = document["components"]["schemas"]
    missing = {ref for ref in refs(document) if ref.rsplit("/", 1)[1] not in schemas}
    assert missing == set()
    state = schemas["SharedState"]["properties"]
    assert state["timestamp"] == {"type": "string", "format": "date-time"}
    assert state["etag"]["type"] == "string"
    assert {"causes", "current", "conflict_id", "failed"} <= set(schemas["Problem"]["properties"])
    assert schemas["StateNewRequest"]["required"] == ["id"]
    assert set(schemas["OperationRequest"]["required"]) == {"op", "path"}
