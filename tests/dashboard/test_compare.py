"""Comparing two runs: who may, which runs are offered, and what the page is given."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from groups.models import Group, GroupAccess, Level, Run
from tests.dashboard.conftest import Browser
from tests.factories import NOW, make_group, make_run

PATH = "/runs/compare/"
#: No run has it.
GHOST = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def pair(harbour: Group) -> tuple[Run, Run]:
    return make_run(group=harbour, task="Count the ships"), make_run(
        group=harbour, task="Count the ships </script><script>alert(1)</script>"
    )


def titles(page: str) -> list[str]:
    return re.findall(r'class="run-row-task">([^<]*)<', page)


def test_two_runs(
    pair: tuple[Run, Run], viewer: Browser, guarded: Callable[[str, str], None]
) -> None:
    a, b = pair
    path = f"{PATH}?a={a.id}&b={b.id}"
    guarded("get", path)
    page = viewer.get(path).content.decode()
    [about] = re.findall(r'<script id="compare-data" type="application/json">(.*?)</script>', page)
    told = json.loads(about)["runs"]
    assert [run["id"] for run in told] == [str(a.id), str(b.id)]
    assert told[1]["url"] == f"/runs/{b.id}/"
    assert "<script>alert" not in page
    assert viewer.post(path).status_code == 405


@pytest.mark.parametrize("query", ["", "?a=", "?a=x", f"?a={GHOST}", "?b={b}", "?a={a}&b=x"])
def test_a_run_that_is_not_there(query: str, pair: tuple[Run, Run], viewer: Browser) -> None:
    a, b = pair
    assert viewer.get(PATH + query.format(a=a.id, b=b.id)).status_code == 404


def test_both_must_be_visible(pair: tuple[Run, Run], vi: User, viewer: Browser) -> None:
    mine, _ = pair
    other = make_group(group_id="Lighthouse", name="Lighthouse")
    theirs = make_run(group=other)
    for query in (f"?a={mine.id}&b={theirs.id}", f"?a={theirs.id}&b={mine.id}", f"?a={theirs.id}"):
        assert viewer.get(PATH + query).status_code == 404
    GroupAccess.objects.create(group=other, user=vi, level=Level.VIEWER)
    assert viewer.get(f"{PATH}?a={mine.id}&b={theirs.id}").status_code == 200


def test_the_same_run_twice_asks_for_another(pair: tuple[Run, Run], viewer: Browser) -> None:
    a, b = pair
    page = viewer.get(f"{PATH}?a={a.id}&b={a.id}").content.decode()
    assert "That is the same run" in page
    assert f"b={b.id}" in page


def test_choosing_the_other_one(harbour: Group, viewer: Browser) -> None:
    run = make_run(group=harbour, task="Count the ships")
    page = viewer.get(f"{PATH}?a={run.id}").content.decode()
    assert "Nothing to compare with yet" in page
    make_run(group=make_group(name="Elsewhere"), task="Count the ships")
    for hours, task in ((1, "Newer"), (-1, "Older"), (-2, "Count the ships")):
        make_run(group=harbour, task=task, created_at=NOW + timedelta(hours=hours))
    page = viewer.get(f"{PATH}?a={run.id}").content.decode()
    assert titles(page) == ["Count the ships", "Newer", "Older"]
    assert page.count("same task<") == 1


def test_what_it_costs_does_not_grow(
    harbour: Group, viewer: Browser, django_assert_max_num_queries: Any
) -> None:
    made = [make_run(group=harbour, task=f"Task {n}.", events=5) for n in range(60)]
    with django_assert_max_num_queries(7):
        page = viewer.get(f"{PATH}?a={made[0].id}").content.decode()
    assert len(titles(page)) == 50
    with django_assert_max_num_queries(8):
        viewer.get(f"{PATH}?a={made[0].id}&b={made[1].id}")


def test_ways_to_it(working: Run, viewer: Browser) -> None:
    link = f'href="{PATH}?a={working.id}"'
    for path in (f"/runs/{working.id}/", "/runs/"):
        assert link in viewer.get(path).content.decode()
