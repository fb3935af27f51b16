"""Colleagues as members: runs in which people work, lead and vote."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.utils import timezone

from groups.agents import human
from groups.agents.base import Answered, Finding, Request, Waiting
from groups.errors import LevelTooLow, PlanInvalid
from groups.execution.plan import Assignable
from groups.execution.statuses import SubtaskKind
from groups.models import Group, GroupAccess, Level, Subtask
from groups.services import groups, recovery, reminders, runs
from state.errors import Invalid
from tests.engine.conftest import Doorbell
from tests.engine.scripted import ended, sub
from tests.factories import make_run
from tests.inbox.conftest import change, lead, start, user, waiting

MEMBERS = (
    Assignable(agent_id="lena", role="leader"),
    Assignable(agent_id="wim", role="worker", tags=("ships",)),
    Assignable(agent_id="wes", role="worker"),
)


def test_a_colleague_carries_out_a_subtask(doorbell: Doorbell, crew: Group) -> None:
    doorbell.engine()
    run = start(crew, "@bob count the ships")
    asked = waiting(run, "1")
    assert "count the ships" in asked.question.lower()
    assert asked.due_at is not None
    assert timedelta(hours=47) < asked.due_at - timezone.now() < timedelta(hours=49)
    runs.answer(actor=user("bo"), run=run, subtask=asked, text="Seven.")
    run = ended(run)
    assert run.status == "completed"
    assert (sub(run, "1").result, sub(run, "1").attempt) == ("Seven.", 1)


def test_a_colleague_finds_the_attachments_beside_what_is_asked(
    doorbell: Doorbell, crew: Group, client: Client
) -> None:
    doorbell.engine()
    ships = SimpleUploadedFile("ships.csv", b"name\nMayflower\n", "text/csv")
    run = start(crew, "@bob count the ships", attachments=[ships])
    waiting(run, "1")
    client.force_login(user("bo"), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/inbox/").content.decode()
    address = f"/runs/{run.id}/attachments/{run.attachments.get().id}/"
    assert "ships.csv" in page and address in page
    assert b"".join(client.get(address)) == b"name\nMayflower\n"
    runs.cancel(actor=None, run=run)
    ended(run)


def test_only_who_is_named_or_an_owner_may_answer(doorbell: Doorbell, crew: Group) -> None:
    doorbell.engine()
    change("bob", user="carl")
    run = start(crew, "@bob count the ships")
    asked = waiting(run, "1")
    with pytest.raises(LevelTooLow, match="Only carl"):
        runs.answer(actor=user("bo"), run=run, subtask=asked, text="Seven.")
    assert sub(run, "1").status == "waiting"
    runs.answer(actor=user("ada"), run=run, subtask=asked, text="Eight.")
    assert ended(run).status == "completed"
    assert sub(run, "1").result == "Eight."


def test_a_person_leads_by_lists_and_text(doorbell: Doorbell, crew: Group) -> None:
    doorbell.engine()
    lead(crew, "bob")
    run = start(crew, "Count the ships")
    asked = waiting(run, "plan")
    assert "@wim (worker)" in asked.question
    with pytest.raises(PlanInvalid) as refused:
        runs.answer(actor=user("bo"), run=run, subtask=asked, text="- @stranger: count")
    assert "'stranger' is neither a member" in refused.value.fields["text"][0]
    assert sub(run, "plan").status == "waiting"
    runs.answer(actor=user("bo"), run=run, subtask=asked, text="- @wim: count\n- then @any: tell")
    told = waiting(run, "2")
    assert "[1] Count (wim, completed)" in told.question
    runs.answer(actor=user("ada"), run=run, subtask=told, text="Told.")
    runs.answer(actor=user("bo"), run=run, subtask=waiting(run, "summary"), text="All done.")
    run = ended(run)
    assert (run.status, run.result) == ("completed", "All done.")


def test_nobody_answering_in_time_is_a_failure_and_a_retry_asks_again(
    doorbell: Doorbell, crew: Group
) -> None:
    doorbell.engine()
    run = start(crew, "@bob count the ships", failure_policy="stop")
    asked = waiting(run, "1")
    Subtask.objects.filter(pk=asked.pk).update(due_at=timezone.now())
    recovery.sweep(owner="test")
    run = ended(run)
    assert sub(run, "1").error == "Nobody answered in time."
    runs.retry(actor=user("ada"), run=run)
    runs.answer(actor=user("bo"), run=run, subtask=waiting(run, "1"), text="Seven.")
    assert ended(run).status == "completed"


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("- @wim: Count ships\n- @wes tell", [("wim", "Count ships", ()), ("wes", "Tell", ())]),
        ("1. count\n2. then tell #ships", [("wim", "Count", ()), ("ships", "Tell #ships", ("1",))]),
        (
            '{"subtasks": [{"title": "Count", "assignee": "wes"}]}',
            [("wes", "Count", ())],
        ),
    ],
)
def test_plans_in_words(text: str, items: list[tuple[str, str, tuple[str, ...]]]) -> None:
    plan = human.plan_of(text, MEMBERS)
    assert [(i.assignee, i.title, i.depends_on) for i in plan.subtasks] == items


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- @nobody: count", "neither a member"),
        ('{"subtasks": [', "not JSON"),
        ('{"subtasks": [{"title": 7, "assignee": "wim"}]}', "subtasks"),
        ('{"subtasks": []}', "at least one subtask"),
    ],
)
def test_wrong_plans_are_told_beside_the_field(text: str, told: str) -> None:
    with pytest.raises(PlanInvalid) as refused:
        human.plan_of(text, MEMBERS)
    assert told in refused.value.fields["text"][0]


async def test_a_vote_is_one_of_the_answers() -> None:
    request = Request(
        kind=SubtaskKind.VOTE,
        run_id="r",
        subtask_id="s",
        group_id="g",
        agent_id="bob",
        config={},
        task="Best?",
        findings=(
            Finding(key="a", title="A", agent_id="wim", status="completed", text="one"),
            Finding(key="b", title="B", agent_id="wes", status="completed", text="two"),
        ),
    )
    [asked] = [each async for each in human.HumanRuntime().perform(request)]
    assert isinstance(asked, Waiting) and asked.options == ("a", "b")
    answered = msgspec.structs.replace(request, memo=asked.memo, answers=("b",))
    [outcome] = [each async for each in human.HumanRuntime().perform(answered)]
    assert outcome == Answered("b", {"choice": "b"})


@pytest.mark.parametrize("config", [{"user": 7}, {"deadline": 0}, {"remind_every": -1}, {"x": 1}])
def test_wrong_settings_are_refused(config: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        human.validate_config(config)


def test_people_are_reminded_now_and_then(doorbell: Doorbell, crew: Group) -> None:
    doorbell.engine()
    change("bob", user="bo", remind_every=2.0)
    bo = user("bo")
    bo.email = "bo@example.org"
    bo.save()
    run = start(crew, "@bob count the ships")
    asked = waiting(run, "1")
    assert reminders.remind() == 0
    Subtask.objects.filter(pk=asked.pk).update(started_at=timezone.now() - timedelta(hours=3))
    assert reminders.remind() == 1
    assert mail.outbox == []  # no mail is configured
    assert reminders.remind() == 0
    Subtask.objects.filter(pk=asked.pk).update(reminded_at=timezone.now() - timedelta(hours=3))
    # As a leader may write it, though no mail has a subject of two lines.
    Subtask.objects.filter(pk=asked.pk).update(title="Count\nthe ships")
    with override_settings(EMAIL_HOST="mail.example.org"):
        assert reminders.remind() == 1
    [letter] = mail.outbox
    assert "'Count the ships' waits for you" in letter.subject
    assert letter.to == ["bo@example.org"]
    assert "count the ships" in letter.body.lower()


@pytest.mark.parametrize("level", [None, Level.VIEWER])
def test_nobody_is_told_by_mail_what_he_may_not_answer(crew: Group, level: Level | None) -> None:
    """The agent's owner names whom it stands for, not the group's."""
    change("bob", user="bo", remind_every=2.0)
    bo = user("bo")
    bo.email = "bo@example.org"
    bo.save()
    before = timezone.now() - timedelta(hours=3)
    row = {"kind": "work", "assignee": "bob", "agent_id": "bob", "status": "waiting"}
    asked = Subtask.objects.create(run=make_run(group=crew), key="a", started_at=before, **row)
    access = GroupAccess.objects.filter(group=crew, user=bo)
    access.update(level=level) if level else access.delete()
    with override_settings(EMAIL_HOST="mail.example.org"):
        assert reminders.remind() == 1 and mail.outbox == []
        groups.grant(actor=None, group=crew, user=bo, level=Level.OPERATOR)
        Subtask.objects.filter(pk=asked.pk).update(reminded_at=before)
        assert reminders.remind() == 1 and len(mail.outbox) == 1


def test_many_who_were_reminded_keep_nobody_from_being_reminded(
    crew: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the database puts those who never were first or last."""
    monkeypatch.setattr(reminders, "AT_ONCE", 1)
    change("bob", remind_every=2.0)
    run, now = make_run(group=crew), timezone.now()
    given = {"run": run, "kind": "work", "assignee": "bob", "agent_id": "bob", "status": "waiting"}
    Subtask.objects.bulk_create(
        Subtask(**given, title=f"{n}", key=f"{n}", started_at=now, reminded_at=reminded)
        for n, reminded in enumerate([now] * 25 + [None] * 25)
    )
    late = Subtask.objects.create(
        **given, title="late", key="late", started_at=now - timedelta(hours=3)
    )
    again = Subtask.objects.create(
        **given,
        title="again",
        key="again",
        started_at=now - timedelta(hours=9),
        reminded_at=now - timedelta(hours=2, minutes=30),
    )
    assert [reminders.remind() for _ in range(3)] == [1, 1, 0]
    for row in (late, again):
        row.refresh_from_db()
        assert row.reminded_at is not None and row.reminded_at >= now
