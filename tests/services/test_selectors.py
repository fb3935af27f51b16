"""What the shared reads promise: their order, what they count, what they leave out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User

from groups import selectors
from groups.models import Agent, Group, Member, Role
from tests.factories import NOW, make_group, make_run


def test_runs_come_newest_first(harbour: Group, ada: User) -> None:
    ages = [3, 1, 4, 0, 2]
    for hours in ages:
        run = make_run(group=harbour, task=f"{hours} h old")
        run.created_at = NOW - timedelta(hours=hours)
        run.save()
    expected = [f"{hours} h old" for hours in sorted(ages)]
    assert [run.task for run in selectors.runs_of(harbour)] == expected
    assert [run.task for run in selectors.recent_runs(ada)] == expected
    assert selectors.runs_of(harbour).ordered and selectors.recent_runs(ada).ordered


def test_lists_of_runs_leave_long_texts_in_the_database(
    harbour: Group, ada: User, django_assert_num_queries: Any
) -> None:
    make_run(group=harbour, task="星" * 40_000, error="x" * 40_000, result="y" * 40_000)
    for rows in (selectors.runs_of(harbour), selectors.recent_runs(ada)):
        with django_assert_num_queries(1):
            (run,) = rows
            shown = vars(run)
        assert (shown["task_brief"], shown["error_brief"]) == ("星" * 300, "x" * 300)
        assert {"task", "plan", "result", "error"} <= run.get_deferred_fields()


def test_groups_come_by_name(ada: User) -> None:
    for group_id, name in (("a", "Zephyr"), ("b", "Anchor"), ("c", "Mole"), ("d", "Anchor")):
        make_group(group_id=group_id, name=name, owner=ada)
    assert [group.id for group in selectors.groups_with_counts(ada)] == ["b", "d", "c", "a"]
    assert selectors.groups_with_counts(ada).ordered


def test_the_leader_comes_first(ada: User) -> None:
    group = make_group(group_id="Crew", owner=ada, workers=("a", "b"))
    leader = Agent.objects.create(agent_id="z")
    Member.objects.create(group=group, agent=leader, role=Role.LEADER)
    assert [m.agent.agent_id for m in selectors.members_of(group)] == ["z", "a", "b"]


def test_access_comes_by_level_then_name(harbour: Group) -> None:
    assert [row.user.username for row in selectors.access_of(harbour)] == ["ada", "bo", "vi"]
