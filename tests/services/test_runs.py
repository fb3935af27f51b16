"""People's doors to runs: what is refused leaves nothing behind, what is done stands in rows and log."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from pytest_django import DjangoCaptureOnCommitCallbacks

from groups import live, queue
from groups.agents.base import Waiting
from groups.errors import (
    AttachmentRefused,
    LeaderRequired,
    NothingToRetry,
    PlanInvalid,
    RunFinished,
    RunNotFound,
    TaskEmpty,
    TaskTooLarge,
    UnknownMode,
    WrongStatus,
)
from groups.events import MessageSent
from groups.models import Group, Run, RunEvent, Subtask
from groups.services import runs
from groups.services.inputs import MAX_REASON
from groups.services.ledger import Ledger, Machine, opened
from state import fanout
from state.errors import Invalid, StarsError
from tests.engine.scripted import check_log, wait_for
from tests.factories import make_group
from tests.unit.world import item, plan


def start(group: Group, actor: User | None = None, **fields: Any) -> Run:
    return runs.start(actor=actor, group=group, **{"task": "Count the ships", **fields})


def types(run: Run) -> list[str]:
    return list(RunEvent.objects.filter(run=run).order_by("seq").values_list("type", flat=True))


def claim(run: Run) -> Machine:
    """Lease everything that is ready, as an engine would."""
    with opened(run.id) as machine:
        machine.claim(100, owner="h/1/1", lease=timedelta(seconds=30), room=lambda agent_id: True)
    return machine


def do(run: Run, key: str, text: str = "done") -> None:
    """The running agent answers."""
    row = Subtask.objects.get(run=run, key=key)
    assert row.lease_token is not None
    with opened(run.id) as machine:
        assert machine.complete(row.id, row.lease_token, text)


def fail(run: Run, key: str) -> None:
    """The running agent fails for good."""
    row = Subtask.objects.get(run=run, key=key)
    assert row.lease_token is not None
    with opened(run.id) as machine:
        assert machine.fail(row.id, row.lease_token, "broken", transient=False)


def planned(group: Group, **fields: Any) -> Run:
    """A run whose plan is made: a, then b."""
    run = start(group, **fields)
    claim(run)
    row = Subtask.objects.get(run=run, key="plan")
    assert row.lease_token is not None
    with opened(run.id) as machine:
        assert machine.propose(row.id, row.lease_token, plan(item("a"), item("b", "a")))
    return run


def test_a_run_is_stored_logged_and_rung_for(
    harbour: Group,
    ada: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    rung: list[Any] = []
    monkeypatch.setattr(queue, "_send", lambda name, **kwargs: rung.append((name, kwargs)))
    with django_capture_on_commit_callbacks(execute=True):
        run = start(harbour, ada, max_attempts=7, max_parallel=3, time_limit=60.0)
        assert not rung, "the bell is rung after the commit"
    queue.settle()
    assert rung == [(queue.DRIVE, {"run_ids": [str(run.id)]})]
    run.refresh_from_db()
    assert (run.status, run.created_by, run.last_seq) == ("queued", ada, 2)
    assert (run.max_attempts, run.max_parallel, run.time_limit) == (7, 3, 60.0)
    queued, ready = RunEvent.objects.filter(run=run).order_by("seq")
    assert queued.data["task"] == "Count the ships" and queued.data["by"] == "ada"
    (row,) = Subtask.objects.filter(run=run)
    assert (row.key, row.status, row.assignee, row.max_attempts) == ("plan", "ready", "lena", 7)
    assert ready.subtask == row.id
    check_log(run)


BAD: list[tuple[dict[str, Any], type[StarsError], str]] = [
    ({"task": ""}, TaskEmpty, "task"),
    ({"task": " \n\t "}, TaskEmpty, "task"),
    ({"task": "nul \x00"}, Invalid, "task"),
    ({"task": "half \ud800"}, Invalid, "task"),
    ({"task": "x" * 100_001}, TaskTooLarge, "task"),
    ({"task": "星" * 33_334}, TaskTooLarge, "task"),
    ({"mode": "chaos"}, UnknownMode, "mode"),
    ({"mode": ""}, UnknownMode, "mode"),
    ({"failure_policy": "shrug"}, Invalid, "failure_policy"),
    ({"time_limit": 0.0}, Invalid, "time_limit"),
    ({"time_limit": -1.0}, Invalid, "time_limit"),
    ({"time_limit": 1e9}, Invalid, "time_limit"),
    ({"time_limit": float("nan")}, Invalid, "time_limit"),
    ({"time_limit": float("inf")}, Invalid, "time_limit"),
    ({"subtask_time_limit": 0.0}, Invalid, "subtask_time_limit"),
    ({"subtask_time_limit": float("nan")}, Invalid, "subtask_time_limit"),
    ({"max_attempts": 0}, Invalid, "max_attempts"),
    ({"max_attempts": 21}, Invalid, "max_attempts"),
    ({"max_parallel": 0}, Invalid, "max_parallel"),
    ({"max_parallel": 501}, Invalid, "max_parallel"),
    ({"max_parallel": "many"}, Invalid, "max_parallel"),
    ({"conversation": "nul \x00"}, Invalid, "conversation"),
    ({"earlier": [("nul \x00", "yes")]}, Invalid, "earlier"),
    ({"earlier": [("half", "\ud800")]}, Invalid, "earlier"),
    ({"kept": {"metadata": {"half \ud800": 1}}}, Invalid, "door"),
]


@pytest.mark.parametrize(("fields", "error", "field"), BAD, ids=range(len(BAD)))
def test_bad_input_is_refused_by_field_and_nothing_is_stored(
    harbour: Group,
    ada: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    fields: dict[str, Any],
    error: type[StarsError],
    field: str,
) -> None:
    with django_capture_on_commit_callbacks() as announced, pytest.raises(error) as caught:
        start(harbour, ada, **fields)
    assert list(caught.value.fields) == [field]
    assert not Run.objects.exists() and not RunEvent.objects.exists() and not announced


@pytest.mark.parametrize(
    "task", ["x" * 100_000, "星" * 33_333, "🚢", "  padded  ", "'; DROP TABLE--"]
)
def test_odd_but_good_tasks_are_kept_to_the_letter(harbour: Group, task: str) -> None:
    run = start(harbour, task=task)
    run.refresh_from_db()
    assert run.task == task


def test_a_group_without_a_leader_runs_nothing(ada: User) -> None:
    group = make_group(group_id="Headless", owner=ada, workers=("wim",))
    with pytest.raises(LeaderRequired):
        start(group, ada)
    assert not Run.objects.exists()


def test_a_refused_attachment_leaves_no_run_behind(harbour: Group, ada: User) -> None:
    bad = SimpleUploadedFile("empty.csv", b"", content_type="text/csv")
    with pytest.raises(AttachmentRefused):
        start(harbour, ada, attachments=[bad])
    assert not Run.objects.exists()


# --- steering ---


def test_cancel_says_who_and_why(harbour: Group, bo: User) -> None:
    run = planned(harbour)
    runs.cancel(actor=bo, run=run, reason="enough")
    last = RunEvent.objects.filter(run=run).last()
    assert last is not None and last.data == {"by": "bo", "reason": "enough"}
    assert check_log(run).status == "cancelled"
    with pytest.raises(RunFinished):
        runs.cancel(actor=bo, run=run)
    assert types(run).count("run.cancelled") == 1


@pytest.mark.parametrize("reason", ["x" * (MAX_REASON + 1), "nul \x00", "half \ud800"])
def test_a_reason_is_short_and_storable(harbour: Group, bo: User, reason: str) -> None:
    run = start(harbour)
    with pytest.raises(Invalid):
        runs.cancel(actor=bo, run=run, reason=reason)
    assert check_log(run).status == "queued"


def test_pause_and_resume(harbour: Group, bo: User) -> None:
    run = planned(harbour)
    assert runs.pause(actor=bo, run=run).status == "paused"
    with pytest.raises(WrongStatus):
        runs.pause(actor=bo, run=run)
    assert runs.resume(actor=bo, run=run).status == "running"
    with pytest.raises(WrongStatus):
        runs.resume(actor=bo, run=run)
    assert types(run)[-2:] == ["run.paused", "run.resumed"]
    check_log(run)


def test_an_edited_plan_is_checked_stored_and_approved(harbour: Group, bo: User) -> None:
    run = planned(harbour, approve_plan=True)
    runs.edit_plan(actor=bo, run=run, plan=plan(item("c", assignee="wes")).as_json())
    runs.approve(actor=bo, run=run)
    assert set(run.subtasks.values_list("key", flat=True)) == {"plan", "c"}
    proposed, edited = RunEvent.objects.filter(run=run, type="plan.proposed")
    assert (proposed.data["by"], edited.data["by"]) == ("", "bo")
    assert check_log(run).status == "running"


@pytest.mark.parametrize(
    "bad",
    [
        "plan",
        {},
        {"subtasks": []},
        plan(item("a", "a")).as_json(),
        plan(item("a", title="\ud800")).as_json(),
        plan(item("a", assignee="ghost")).as_json(),
        plan(item("a"), note="\x00").as_json(),
        {"subtasks": [{"key": "a", "title": "A", "assignee": "wim", "id": "x"}] * 2},
    ],
    ids=range(8),
)
def test_a_bad_plan_changes_nothing(harbour: Group, bo: User, bad: Any) -> None:
    run = planned(harbour, approve_plan=True)
    before = Run.objects.values().get(pk=run.pk)
    for command in (runs.edit_plan, runs.approve):
        with pytest.raises(PlanInvalid) as caught:
            command(actor=bo, run=run, plan=bad)
        # Whatever was sent, the answer can be sent back.
        msgspec.json.encode(caught.value.fields)
    assert Run.objects.values().get(pk=run.pk) == before


def test_a_wrong_status_is_told_before_a_wrong_plan(harbour: Group, bo: User) -> None:
    run = start(harbour)
    with pytest.raises(WrongStatus):
        runs.edit_plan(actor=bo, run=run, plan="nonsense")


def test_answers(harbour: Group, bo: User) -> None:
    run = planned(harbour)
    claim(run)
    row = Subtask.objects.get(run=run, key="a")
    assert row.lease_token is not None
    with pytest.raises(WrongStatus):
        runs.answer(actor=bo, run=run, subtask=row, text="too soon")
    with opened(run.id) as machine:
        machine.wait(row.id, row.lease_token, Waiting(question="which?"))
    for bad in ("", "  ", "\x00", "\ud800", "x" * 100_001):
        with pytest.raises(Invalid):
            runs.answer(actor=bo, run=run, subtask=row, text=bad)
    runs.answer(actor=bo, run=run, subtask=row, text="that")
    row.refresh_from_db()
    assert (row.status, row.answers, row.question) == ("ready", ["that"], "")
    told = run.events.filter(type="subtask.ready", subtask=row.id).latest("seq")
    assert (told.data["answer"], told.data["by"]) == ("that", "bo")
    check_log(run)


def test_retry(harbour: Group, bo: User) -> None:
    run = planned(harbour)
    with pytest.raises(WrongStatus):
        runs.retry(actor=bo, run=run)
    claim(run)
    fail(run, "a")
    run.refresh_from_db()
    assert run.status == "failed"
    assert runs.retry(actor=bo, run=run).status == "running"
    for key in ("a", "b", "summary"):
        claim(run)
        do(run, key)
    assert check_log(run).status == "completed"
    with pytest.raises(NothingToRetry):
        runs.retry(actor=bo, run=run)


def test_a_headless_group_cannot_retry(harbour: Group, bo: User) -> None:
    run = planned(harbour)
    claim(run)
    fail(run, "a")
    harbour.members.filter(role="leader").delete()
    with pytest.raises(LeaderRequired):
        runs.retry(actor=bo, run=run)


def test_an_unknown_run_is_not_found(db: None) -> None:
    with pytest.raises(RunNotFound), opened(uuid.uuid4()):
        pass


def test_what_raises_within_is_not_stored(harbour: Group) -> None:
    run = start(harbour)
    with pytest.raises(ZeroDivisionError), opened(run.id) as machine:
        machine.claim(1, owner="x", lease=timedelta(1), room=lambda agent_id: True)
        raise ZeroDivisionError
    assert check_log(run).last_seq == 2


# --- together ---


@pytest.mark.django_db(transaction=True)
def test_many_writers_leave_no_gap_and_are_heard_in_order(harbour: Group) -> None:
    run = start(harbour)
    heard: list[tuple[int, int]] = []
    topic = fanout.hub().subscribe(
        live.run_topic(run.id), lambda message: heard.append((message.first, message.last))
    )
    topic.ready.result(5)
    together = threading.Barrier(8)

    def write(who: int) -> None:
        together.wait()
        try:
            for n in range(12):
                with opened(run.id) as machine:
                    for _ in range(1 + n % 3):
                        machine.emit(MessageSent(sender=str(who), to="", text=str(n)))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    run.refresh_from_db()
    seqs = list(RunEvent.objects.filter(run=run).order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, 2 + 8 * 24 + 1)) and run.last_seq == seqs[-1]
    wait_for(lambda: any(last == seqs[-1] for _, last in heard), "the last number")
    told = [n for first, last in heard for n in range(first, last + 1)]
    assert sorted(told) == seqs[2:], "every number is announced exactly once"
    for who in range(8):
        mine = RunEvent.objects.filter(run=run, data__sender=str(who)).order_by("seq")
        texts = [int(row.data["text"]) for row in mine]
        assert texts == sorted(texts)


@pytest.mark.django_db(transaction=True)
def test_of_several_who_cancel_one_does(harbour: Group) -> None:
    run = start(harbour)
    together = threading.Barrier(6)

    def cancel(_: int) -> bool:
        together.wait()
        try:
            runs.cancel(actor=None, run=run)
        except RunFinished:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(cancel, range(6))) == 1
    assert types(run).count("run.cancelled") == 1


def test_several_runs_are_opened_and_stored_in_one_go(
    harbour: Group, django_assert_max_num_queries: Any
) -> None:
    several = [planned(harbour) for _ in range(5)]
    with django_assert_max_num_queries(10):
        ledger = Ledger()
        ledger.open([run.id for run in several] + [uuid.uuid4()])
        assert len(ledger.machines) == 5
        for machine in ledger.machines.values():
            machine.claim(1, owner="x", lease=timedelta(1), room=lambda agent_id: True)
        ledger.store()
    for run in several:
        check_log(run)
