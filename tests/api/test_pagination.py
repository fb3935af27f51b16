"""Cursor pagination: every row once, whatever the page size; bad cursors are named."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from groups.models import Group, Run
from groups.services import runs

Refused = Callable[..., Any]
URL = "/api/v1/runs/"


def walk(client: APIClient, url: str) -> list[list[str]]:
    """The ids of every page, in order."""
    pages = []
    where: str | None = url
    while where:
        page = client.get(where).json()
        pages.append([row["id"] for row in page["results"]])
        where = page["next"]
    return pages


def test_pages_hold_every_row_once(viewer: APIClient, lab: Group, ada: User) -> None:
    started = [str(runs.start(actor=ada, group=lab, task="x").id) for _ in range(7)]
    pages = walk(viewer, f"{URL}?limit=3")
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [row for page in pages for row in page] == started[::-1]
    last = viewer.get(f"{URL}?limit=3").json()
    assert last["previous"] is None


def test_runs_of_the_same_moment_are_neither_lost_nor_doubled(
    viewer: APIClient, lab: Group, ada: User
) -> None:
    for _ in range(7):
        runs.start(actor=ada, group=lab, task="x")
    Run.objects.update(created_at=timezone.now())
    walked = [row for page in walk(viewer, f"{URL}?limit=2") for row in page]
    assert len(walked) == len(set(walked)) == 7


def test_the_page_size_is_capped(viewer: APIClient, lab: Group, ada: User) -> None:
    Run.objects.bulk_create(Run(group=lab, task="x", created_at=timezone.now()) for _ in range(120))
    assert len(viewer.get(f"{URL}?limit=1000000").json()["results"]) == 100
    assert len(viewer.get(URL).json()["results"]) == 25


def cursor(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=-5", "limit"),
        ("limit=many", "limit"),
        ("cursor=é", "cursor"),
        (f"cursor={cursor('p=yesterday')}", "cursor"),
        (f"cursor={cursor('p=2026-13-01')}", "cursor"),
        (f"cursor={cursor('p=a%00b')}", "cursor"),
        (f"cursor={cursor('o=x')}", "cursor"),
    ],
)
def test_bad_input(viewer: APIClient, refused: Refused, query: str, field: str) -> None:
    refused(viewer.get(f"{URL}?{query}"), 400, "invalid", field)
