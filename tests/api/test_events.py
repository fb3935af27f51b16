"""runs/<id>/events/: the log, page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from rest_framework.test import APIClient

from groups.models import Level, Run

Refused = Callable[..., Any]


def url(run: Run, query: str = "") -> str:
    return f"/api/v1/runs/{run.id}/events/{query}"


def test_the_whole_log(
    viewer: APIClient, working: Run, guarded: Any, django_assert_num_queries: Any
) -> None:
    guarded(lambda client: client.get(url(working)), Level.VIEWER)
    with django_assert_num_queries(3):
        page = viewer.get(url(working)).json()
    assert set(page) == {"results", "next"}
    assert page["next"] is None
    assert [event["seq"] for event in page["results"]] == list(range(1, working.last_seq + 1))
    first = page["results"][0]
    assert set(first) == {"seq", "type", "at", "agent_id", "subtask", "data"}
    assert (first["type"], first["agent_id"], first["subtask"]) == ("run.queued", None, None)
    assert first["data"]["task"] == "Count the stars"
    assert first["at"].endswith("Z")


def test_after_and_limit(viewer: APIClient, working: Run) -> None:
    page = viewer.get(url(working, "?after=2&limit=3")).json()
    assert [event["seq"] for event in page["results"]] == [3, 4, 5]
    seqs = []
    while page["next"]:
        page = viewer.get(page["next"]).json()
        seqs += [event["seq"] for event in page["results"]]
    assert seqs == list(range(6, working.last_seq + 1))
    end = viewer.get(url(working, f"?after={working.last_seq}")).json()
    assert end == {"results": [], "next": None}
    assert viewer.get(url(working, f"?after={10**18}")).json() == end


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?after=-1", "after"),
        ("?after=x", "after"),
        ("?after=", "after"),
        ("?after=1e3", "after"),
        (f"?after={'9' * 5000}", "after"),
        ("?limit=0", "limit"),
        ("?limit=٣", "limit"),
    ],
)
def test_bad_input(viewer: APIClient, run: Run, refused: Refused, query: str, field: str) -> None:
    refused(viewer.get(url(run, query)), 400, "invalid", field)


def test_events_are_as_the_openapi_document_says(viewer: APIClient, working: Run) -> None:
    document = viewer.get("/api/schema/", HTTP_ACCEPT="application/json").json()
    schema = {"$ref": "#/components/schemas/Event", "components": document["components"]}
    check = jsonschema.Draft202012Validator(schema)
    for event in viewer.get(url(working)).json()["results"]:
        check.validate(event)
    with pytest.raises(jsonschema.ValidationError):
        check.validate({**event, "type": "run.exploded"})
