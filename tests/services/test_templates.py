"""Templates: kept as a run would be started, changed, removed, told to whoever looks."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from groups.errors import (
    GroupNotFound,
    TaskEmpty,
    TemplateExists,
    TemplateNotFound,
    TooManyTemplates,
    UnknownMode,
)
from groups.models import Group, RunTemplate
from groups.services import templates
from state import fanout
from state.errors import Invalid, StarsError
from tests.engine.scripted import wait_for


def keep(group: Group, **settings: Any) -> RunTemplate:
    return templates.create(
        actor=None, group=group, **{"name": "Morning", "task": "Count the ships", **settings}
    )


def test_what_is_kept(harbour: Group, bo: User) -> None:
    given: dict[str, Any] = {
        "mode": "pipeline",
        "options": {"order": "members", "members": ["wes", "wim"]},
        "failure_policy": "stop",
        "time_limit": 90.0,
        "max_tokens": 7,
    }
    templates.create(actor=bo, group=harbour, name=" Tide ", task=" Measure\n", **given)
    kept = RunTemplate.objects.get()
    assert (kept.name, kept.task, kept.created_by) == ("Tide", " Measure\n", bo)
    assert {name: getattr(kept, name) for name in given} == given


@pytest.mark.parametrize(
    ("given", "refusal", "field"),
    [
        ({"name": " "}, Invalid, "name"),
        ({"name": "x" * 81}, Invalid, "name"),
        ({"name": "a\x00b"}, Invalid, "name"),
        ({"task": "\n"}, TaskEmpty, "task"),
        ({"mode": "chaos"}, UnknownMode, "mode"),
        ({"options": {"speed": 3}}, Invalid, "options.speed"),
        (
            {"mode": "pipeline", "options": {"order": "members", "members": ["ghost"]}},
            StarsError,
            "options.members",
        ),
        (
            {"mode": "swarm", "options": {"board": "task"}, "approve_plan": True},
            Invalid,
            "approve_plan",
        ),
        ({"failure_policy": "hope"}, Invalid, "failure_policy"),
        ({"time_limit": 0.5}, Invalid, "time_limit"),
        ({"max_tokens": 0}, Invalid, "max_tokens"),
        ({"max_cost_usd": -1.0}, Invalid, "max_cost_usd"),
        ({"name": "Evening"}, TemplateExists, "name"),
    ],
)
def test_what_a_run_would_be_refused_for_is_not_kept(
    given: dict[str, Any], refusal: type[StarsError], field: str, harbour: Group
) -> None:
    keep(harbour, name="Evening")
    kept = keep(harbour)
    with pytest.raises(refusal) as new:
        keep(harbour, **{"name": "Other", **given})
    with pytest.raises(refusal) as changed:
        templates.change(actor=None, template=RunTemplate.objects.get(pk=kept.pk), **given)
    for refused in (new, changed):
        assert refused.value.fields.keys() == {field}
    assert list(RunTemplate.objects.values_list("name", "task")) == [
        ("Evening", "Count the ships"),
        ("Morning", "Count the ships"),
    ]


def test_change_leaves_what_is_not_given(harbour: Group) -> None:
    kept = keep(harbour, approve_plan=True, max_cost_usd=2.5)
    templates.change(actor=None, template=kept, task="Count the buoys", max_cost_usd=None)
    found = RunTemplate.objects.get()
    assert (found.name, found.task) == ("Morning", "Count the buoys")
    assert (found.approve_plan, found.max_cost_usd) == (True, None)


def test_one_group_has_a_hundred(harbour: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MAX_TEMPLATES", 2)
    keep(harbour, name="One")
    keep(harbour, name="Two")
    with pytest.raises(TooManyTemplates):
        keep(harbour, name="Three")


def test_a_group_that_is_gone_keeps_nothing(harbour: Group) -> None:
    Group.objects.filter(pk=harbour.pk).delete()
    with pytest.raises(GroupNotFound):
        keep(harbour)


@pytest.mark.django_db(transaction=True)
def test_whoever_looks_is_told(harbour: Group) -> None:
    heard: list[bytes] = []
    subscription = fanout.hub().subscribe(
        "group:Harbour", lambda message: heard.append(message.payload)
    )
    subscription.ready.result(10)
    kept = keep(harbour)
    templates.change(actor=None, template=kept, name="Noon")
    templates.remove(actor=None, template=kept)
    wait_for(lambda: len(heard) >= 3, "the third word of the templates")
    subscription.close()
    assert [b'"what":"templates"' in each for each in heard] == [True] * 3
    assert not RunTemplate.objects.exists()


def test_two_who_change_it_do_not_undo_each_other(harbour: Group) -> None:
    mine = keep(harbour)
    theirs = RunTemplate.objects.get()
    templates.change(actor=None, template=theirs, task="Count the gulls")
    templates.change(actor=None, template=mine, name="Evening")
    kept = RunTemplate.objects.get()
    assert (kept.name, kept.task) == ("Evening", "Count the gulls")


def test_what_was_removed_meanwhile_does_not_come_back(harbour: Group) -> None:
    mine = keep(harbour)
    RunTemplate.objects.all().delete()
    with pytest.raises(TemplateNotFound):
        templates.change(actor=None, template=mine, name="Evening")
    assert not RunTemplate.objects.exists()
