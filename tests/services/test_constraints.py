"""What the database refuses whoever writes: each constraint by rows that break it, on SQLite and on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from groups.events import CATALOGUE
from groups.execution.statuses import RunStatus, SubtaskStatus
from groups.models import (
    Agent,
    Attachment,
    Budget,
    Call,
    CallFrame,
    Delivery,
    Group,
    GroupAccess,
    Member,
    Message,
    Process,
    Run,
    RunEvent,
    RunTemplate,
    Subtask,
)
from tests.factories import NOW, append_events, make_agent, make_group, make_run, make_user

BAD_IDS = ["", " ", ".hidden", "-x", "_x", "a b", "a\n", "a\nb", "a/b", "é", "群星", "a\u0660", "%"]
GOOD_IDS = ["a", "9", "Data.Pipeline-2_b", "x" * 64]


@pytest.fixture
def run(harbour: Group) -> Run:
    """A running run of the group Harbour, with one event, one subtask and one attachment."""
    run = make_run(group=harbour, events=1)
    Subtask.objects.create(run=run, key="plan", kind="plan", title="Plan", assignee="lena")
    _attach(run, "sales.csv")
    return run


def _attach(run: Run, name: str, size: int = 9) -> Attachment:
    return Attachment.objects.create(run=run, name=name, media_type="text/csv", size=size, file="f")


def refused(name: str, write: Callable[[], object]) -> None:
    """Asserts that the database refuses the write by the constraint of that name."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        write()
    # SQLite names an index by its columns, not by its name.
    nameless = connection.vendor == "sqlite" and name.startswith("one_")
    assert ("UNIQUE constraint failed" if nameless else name) in str(refusal.value)


@pytest.mark.parametrize("bad", BAD_IDS, ids=ascii)
def test_ids_of_agents_and_groups_have_their_pattern(db: None, bad: str) -> None:
    refused("agent_id_is_legal", lambda: Agent.objects.create(agent_id=bad))
    refused("group_id_is_legal", lambda: Group.objects.create(id=bad, name="Harbour"))


@pytest.mark.parametrize("good", GOOD_IDS, ids=len)
def test_ids_that_callers_may_choose(db: None, good: str) -> None:
    Agent.objects.create(agent_id=good)
    Group.objects.create(id=good, name="Harbour")


def test_nobody_is_called_system(db: None) -> None:
    refused("agent_id_is_legal", lambda: Agent.objects.create(agent_id="system"))
    refused("group_has_a_name", lambda: Group.objects.create(id="a", name=""))


@pytest.mark.parametrize("status", list(RunStatus))
def test_ended_means_finished(run: Run, status: RunStatus) -> None:
    ended = status in {RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED}
    rows = Run.objects.filter(pk=run.pk)
    wrong, right = (None, NOW) if ended else (NOW, None)
    refused("run_ended_means_finished", lambda: rows.update(status=status, finished_at=wrong))
    assert rows.update(status=status, finished_at=right) == 1


def test_a_run_has_a_task_and_legal_words(run: Run) -> None:
    rows = Run.objects.filter(pk=run.pk)
    refused("run_has_a_task", lambda: rows.update(task=""))
    refused("run_status_is_legal", lambda: rows.update(status="lost"))
    refused("run_failure_policy_is_legal", lambda: rows.update(failure_policy="shrug"))
    refused("run_last_seq_counts", lambda: rows.update(last_seq=-1))


def test_two_files_of_a_run_bear_two_names(run: Run, harbour: Group) -> None:
    refused("one_attachment_per_run_and_name", lambda: _attach(run, "sales.csv"))
    refused("attachment_is_not_empty", lambda: _attach(run, "empty.csv", 0))
    _attach(run, "Sales.csv")
    _attach(make_run(group=harbour), "sales.csv")


def test_the_log_knows_its_events_and_numbers_them(run: Run) -> None:
    for type in CATALOGUE:
        append_events(run=run, type=type, data={}, announce=False)
    for bad in ("", "run.exploded", "Run.Failed", "text.delta "):
        refused("event_type_is_known", partial(append_events, run=run, type=bad))
    events = RunEvent.objects.filter(run=run)
    refused("one_event_per_run_and_seq", lambda: events.filter(seq=2).update(seq=1))
    refused("event_seq_counts_from_one", lambda: events.filter(seq=1).update(seq=0))


@pytest.mark.parametrize("status", list(SubtaskStatus))
def test_running_means_leased(run: Run, status: SubtaskStatus) -> None:
    rows = Subtask.objects.filter(run=run)
    leased = {"lease_token": uuid.uuid4(), "lease_until": NOW}
    if status == SubtaskStatus.RUNNING:
        for field in leased:
            half = partial(rows.update, status=status, **leased | {field: None})
            refused("subtask_running_means_leased", half)
        assert rows.update(status=status, **leased) == 1
    else:
        refused("subtask_running_means_leased", lambda: rows.update(status=status, **leased))
        assert rows.update(status=status) == 1


def test_subtasks_have_one_key_each_and_legal_words(run: Run) -> None:
    [row] = Subtask.objects.filter(run=run)
    row.pk = uuid.uuid4()
    refused("one_subtask_per_run_and_key", lambda: row.save(force_insert=True))
    rows = Subtask.objects.filter(run=run)
    refused("subtask_status_is_legal", lambda: rows.update(status="lost"))
    refused("subtask_kind_is_legal", lambda: rows.update(kind="lost"))


def test_a_group_has_one_leader_and_each_agent_once(harbour: Group) -> None:
    workers = Member.objects.filter(role="worker")
    refused("one_leader_per_group", lambda: workers.update(role="leader"))
    refused("member_role_is_legal", lambda: workers.update(role="captain"))
    again = Member(group=harbour, agent=Agent.objects.get(agent_id="wim"), role="worker")
    refused("one_membership_per_agent_and_group", again.save)
    make_group(group_id="Other", leader="lena")


def test_a_user_has_one_level_in_a_group(harbour: Group) -> None:
    user = make_user()
    GroupAccess.objects.create(group=harbour, user=user, level=1)
    again = GroupAccess(group=harbour, user=user, level=2)
    refused("one_access_per_user_and_group", again.save)
    refused("level_is_legal", lambda: GroupAccess.objects.filter(user=user).update(level=4))


def test_messages_say_something_and_reach_each_once(harbour: Group) -> None:
    message = Message.objects.create(group=harbour, sender="lena", text="hello")
    rows = Message.objects.filter(pk=message.pk)
    refused("message_has_sender_and_text", lambda: rows.update(sender=""))
    refused("message_has_sender_and_text", lambda: rows.update(text=""))
    Delivery.objects.create(message=message, recipient="wim")
    refused(
        "one_delivery_per_message_and_recipient",
        lambda: Delivery.objects.create(message=message, recipient="wim"),
    )
    refused("delivery_status_is_legal", lambda: message.deliveries.update(status="lost"))


def test_a_budget_is_of_one_and_there_is_one_of_the_site(harbour: Group) -> None:
    agent = make_agent(agent_id="kim")
    refused("budget_is_of_one", lambda: Budget.objects.create(agent=agent, group=harbour))
    Budget.objects.create(max_tokens=1)
    refused("one_budget_of_the_site", lambda: Budget.objects.create(max_tokens=2))


def test_a_frame_of_a_call_is_kept_once(harbour: Group) -> None:
    run = make_run(group=harbour)
    subtask = Subtask.objects.create(run=run, key="a", kind="work", title="A", assignee="kim")
    agent = make_agent(agent_id="kim")
    call = Call.objects.create(subtask=subtask, agent=agent, lease_token=uuid.uuid4(), request={})
    CallFrame.objects.create(call=call, seq=1, frame={})
    refused(
        "one_frame_per_call_and_seq",
        lambda: CallFrame.objects.create(call=call, seq=1, frame={}),
    )


def test_a_process_is_one_row_of_its_kind(db: None) -> None:
    here = {"name": "here/1/7", "started_at": NOW, "heard_at": NOW}
    Process.objects.create(kind="web", **here)
    Process.objects.create(kind="worker", **here)
    refused("one_process_per_kind_and_name", lambda: Process.objects.create(kind="web", **here))
    refused("process_kind_is_legal", lambda: Process.objects.update(kind="beat"))


def test_a_template_has_a_name_of_its_own_and_a_task(harbour: Group) -> None:
    RunTemplate.objects.create(group=harbour, name="Weekly", task="Count")
    refused(
        "one_template_per_name",
        lambda: RunTemplate.objects.create(group=harbour, name="Weekly", task="Look"),
    )
    refused("template_has_name_and_task", lambda: RunTemplate.objects.update(task=""))
    refused("template_has_name_and_task", lambda: RunTemplate.objects.update(name=""))
    RunTemplate.objects.create(group=make_group(), name="Weekly", task="Count")


def test_every_constraint_is_tried_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    names = [
        c.name for m in apps.get_app_config("groups").get_models() for c in m._meta.constraints
    ]
    assert names and [name for name in names if f'"{name}"' not in source] == []
