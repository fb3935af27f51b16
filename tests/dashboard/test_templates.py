"""Templates of runs: the box filled with one, keeping what is in the box, removing one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from groups.models import Group, RunTemplate
from groups.services import seed, templates
from tests.dashboard.conftest import Browser
from tests.factories import make_user

PATH = "/groups/Harbour/templates/"
BOX = {
    "keep_as": "Tide",
    "task": "Measure\r\nthe tide",
    "mode": "pipeline",
    "order": "members",
    "failure_policy": "stop",
    "approve_plan": "",
    "time_limit": "1.5",
    "max_tokens": "900",
}


def test_keeping_what_is_in_the_box(harbour: Group, operator: Browser, viewer: Browser) -> None:
    assert viewer.post(PATH, BOX, htmx=True).status_code == 403
    answer = operator.post(PATH, BOX, htmx=True)
    assert answer.status_code == 200
    kept = RunTemplate.objects.get()
    assert (kept.name, kept.task, kept.mode) == ("Tide", "Measure\nthe tide", "pipeline")
    assert (kept.options, kept.time_limit, kept.max_tokens) == ({"order": "members"}, 90.0, 900)
    page = answer.content.decode()
    assert 'id="run-box"' in page and "Measure\nthe tide</textarea>" in page
    assert f"{PATH}{kept.pk}/" in page


def test_what_is_refused_stands_beside_its_field_and_nothing_is_lost(
    harbour: Group, operator: Browser
) -> None:
    answer = operator.post(PATH, {**BOX, "keep_as": ""}, htmx=True)
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "id_keep_as_error" in page and "the tide</textarea>" in page
    operator.post(PATH, BOX, htmx=True)
    again = operator.post(PATH, {**BOX, "task": "Other"}, htmx=True)
    assert again.status_code == 409
    assert "has a template of that name" in again.content.decode()
    assert RunTemplate.objects.count() == 1


def test_choosing_changing_and_removing(
    harbour: Group, operator: Browser, viewer: Browser, guarded: Callable[..., None]
) -> None:
    kept = templates.create(
        actor=None, group=harbour, name="Tide", task="Measure <it>", approve_plan=True
    )
    one = f"{PATH}{kept.pk}/"
    guarded("get", one)
    assert viewer.get(one).status_code == 403
    page = operator.get(one, htmx=True).content.decode()
    assert "Measure &lt;it&gt;</textarea>" in page and 'value="Tide"' in page
    assert 'name="approve_plan" id="id_approve_plan" checked' in page
    assert operator.post(one, {**BOX, "keep_as": "Ebb"}, htmx=True).status_code == 200
    kept.refresh_from_db()
    assert (kept.name, kept.mode, kept.approve_plan) == ("Ebb", "pipeline", False)
    assert viewer.post(f"{one}remove/", htmx=True).status_code == 403
    assert "Ebb" not in operator.post(f"{one}remove/", htmx=True).content.decode()
    assert operator.get(one, htmx=True).status_code == 404


def test_the_list_alone_for_a_poke(harbour: Group, operator: Browser) -> None:
    templates.create(actor=None, group=harbour, name="Tide", task="Measure")
    page = operator.get(f"{PATH}?part=list", htmx=True).content.decode()
    assert "Tide" in page and "run-box" not in page.replace('hx-target="#run-box"', "")


def test_the_box_costs_the_same_for_any_number(
    harbour: Group, operator: Browser, django_assert_max_num_queries: Any
) -> None:
    for n in range(9):
        templates.create(actor=None, group=harbour, name=f"T{n}", task="Count")
    with django_assert_max_num_queries(6):
        operator.get(PATH, htmx=True)


def test_the_example_groups_have_some(db: None) -> None:
    seed.seed_demo(make_user(username="admin"))
    found = RunTemplate.objects.values_list("group_id", flat=True)
    assert {"DevTeam", "DataPipeline", "SupportTeam"} == set(found)
