"""Callbacks: one answer per address, and none from strangers, too late, for another attempt or of another shape."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from groups.execution.statuses import RunStatus, SubtaskStatus
from groups.models import Callback, Group, Run, Subtask
from groups.services import callbacks, recovery, runs
from tests.engine.conftest import Doorbell
from tests.engine.scripted import ended, events, start, sub, wait_for
from tests.remote.conftest import Register
from tests.remote.receiver import SECRET, Receiver, answer, receiving, status


@pytest.fixture
def receiver(crew: Group, doorbell: Doorbell, become: Register) -> Iterator[Receiver]:
    """wim is a webhook that answers later."""
    with receiving(status(202)) as found:
        become("wim", "webhook", {"url": found.url, "patience": 500}, secret=SECRET)
        yield found


def waits(run: Run) -> None:
    """Until the subtask waits to be called back."""
    wait_for(lambda: sub_or_none(run) == SubtaskStatus.WAITING, "the wait")


def sub_or_none(run: Run) -> str:
    """The status of the work; empty before there is any."""
    return Subtask.objects.filter(run=run, key="a").values_list("status", flat=True).first() or ""


def call(url: str, body: Any) -> tuple[int, dict[str, Any]]:
    """POST it there; status and problem."""
    got = Client().post(
        urlsplit(url).path,
        body if isinstance(body, str) else json.dumps(body),
        content_type="application/json",
    )
    return got.status_code, json.loads(got.content) if got.content else {}


def told(run: Run) -> list[str]:
    """Why answers were refused, as the log has it."""
    return [event.data["reason"] for event in events(run, "callback.refused")]


def apart(act: Callable[[], object]) -> threading.Thread:
    """Do it in another thread; the receiver's own has an event loop, where Django refuses to work."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_an_answer_later_is_the_result_and_the_address_is_used(
    crew: Group, receiver: Receiver
) -> None:
    run = start(crew)
    waits(run)
    assert events(run, "subtask.waiting")[0].data["waits_for"] == "remote"
    url = receiver.bodies[0]["callback"]["url"]
    assert url.startswith("http://testserver/api/v1/callbacks/")
    assert call(url, {"text": "Seven."}) == (HTTPStatus.NO_CONTENT, {})
    code, problem = call(url, {"text": "Eight."})
    assert (code, problem["reason"]) == (409, "callback_used")
    run = ended(run)
    assert sub(run, "a").result == "Seven."
    code, problem = call(url, {"text": "Eight."})
    assert (code, problem["reason"]) == (409, "callback_used")
    assert told(run) == ["callback_used"]


def test_a_token_used_after_the_end_is_told_of_and_changes_nothing(
    crew: Group, receiver: Receiver
) -> None:
    run = start(crew)
    waits(run)
    url = receiver.bodies[0]["callback"]["url"]
    call(url, {"text": "Seven."})
    before = ended(run).last_seq
    assert not told(run)
    threads = [apart(lambda: call(url, {"text": "Eight."})) for _ in range(4)]
    for thread in threads:
        thread.join()
    assert told(run) == ["callback_used"]
    [event] = events(run, "callback.refused")
    assert (event.agent_id, event.subtask) == ("wim", sub(run, "a").id)
    assert event.data["text"].startswith("This callback address has been used already")
    run = ended(run)  # whose log tells the same as its rows
    assert (run.status, sub(run, "a").result) == (RunStatus.COMPLETED, "Seven.")
    assert run.last_seq == event.seq == before + 1


def test_only_the_token_s_digest_is_kept(crew: Group, receiver: Receiver) -> None:
    run = start(crew)
    waits(run)
    token = receiver.bodies[0]["callback"]["url"].rstrip("/").rpartition("/")[2]
    row = Callback.objects.get()
    assert token not in str(vars(row))
    assert len(row.digest) == 64


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"text": "a", "error": "b"}, "body"),
        ({"text": 7}, "text"),
        ({"question": ""}, "question"),
        ([], "body"),
    ],
)
def test_a_misshapen_answer_is_refused_and_leaves_the_address(
    crew: Group, receiver: Receiver, body: Any, field: str
) -> None:
    run = start(crew)
    waits(run)
    url = receiver.bodies[0]["callback"]["url"]
    code, problem = call(url, body)
    assert code == HTTPStatus.BAD_REQUEST
    assert list(problem["errors"]) == [field]
    assert call(url, "{")[0] == HTTPStatus.BAD_REQUEST
    assert call(url, {"text": "Seven."})[0] == HTTPStatus.NO_CONTENT
    assert ended(run).status == RunStatus.COMPLETED


def test_a_stranger_s_token_is_none(crew: Group, receiver: Receiver) -> None:
    code, problem = call("/api/v1/callbacks/guess/", {"text": "x"})
    assert (code, problem["reason"]) == (404, "callback_not_found")


def test_an_expired_address_is_gone(crew: Group, receiver: Receiver) -> None:
    run = start(crew)
    waits(run)
    Callback.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    code, problem = call(receiver.bodies[0]["callback"]["url"], {"text": "x"})
    assert (code, problem["reason"]) == (410, "callback_expired")
    assert told(run) == ["callback_expired"]


def test_an_attempt_s_address_is_stale_when_the_next_one_has_its_own(
    crew: Group, receiver: Receiver
) -> None:
    receiver.handlers.insert(0, status(503))
    run = start(crew)
    waits(run)
    first, second = (body["callback"]["url"] for body in receiver.bodies)
    code, problem = call(first, {"text": "late"})
    assert (code, problem["reason"]) == (409, "callback_stale")
    assert told(run) == ["callback_stale"]
    assert call(second, {"text": "Seven."})[0] == HTTPStatus.NO_CONTENT
    assert sub(ended(run), "a").result == "Seven."


def test_an_answer_by_a_person_makes_the_address_stale(crew: Group, receiver: Receiver) -> None:
    run = start(crew)
    waits(run)
    runs.answer(actor=None, run=run, subtask=sub(run, "a"), text="Eight, I looked.")
    url = receiver.bodies[0]["callback"]["url"]
    wait_for(lambda: sub_or_none(run) == SubtaskStatus.COMPLETED)
    code, problem = call(url, {"text": "Seven."})
    assert code == HTTPStatus.CONFLICT
    assert problem["reason"] in {"callback_stale", "run_finished"}
    assert sub(ended(run), "a").result == "Eight, I looked."


def test_an_address_of_a_cancelled_run_is_refused(crew: Group, receiver: Receiver) -> None:
    run = start(crew)
    waits(run)
    runs.cancel(actor=None, run=run)
    code, problem = call(receiver.bodies[0]["callback"]["url"], {"text": "x"})
    assert (code, problem["reason"]) == (409, "run_finished")


def test_an_answer_that_comes_before_the_202_waits_for_it(
    crew: Group, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    give = callbacks._give

    def slow(callback: Callback, text: str) -> bool:
        seen.append(Subtask.objects.get(pk=callback.subtask_id).status)
        return give(callback, text)

    monkeypatch.setattr(callbacks, "_give", slow)

    def at_once(body: dict[str, Any]) -> Any:
        apart(lambda: call(body["callback"]["url"], {"text": "Quick."}))
        wait_for(lambda: seen, "the callback")
        return status(202)(body)

    receiver.handlers[0] = at_once
    run = ended(start(crew))
    assert seen[0] == SubtaskStatus.RUNNING
    assert sub(run, "a").result == "Quick."


def test_an_answer_while_another_is_still_given_directly_is_too_early(
    crew: Group, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "EARLY", 0.1)
    found: list[tuple[int, dict[str, Any]]] = []

    def both(body: dict[str, Any]) -> Any:
        calling = apart(lambda: found.append(call(body["callback"]["url"], {"text": "Callback."})))
        calling.join()
        return answer(text="Direct.")(body)

    receiver.handlers[0] = both
    run = ended(start(crew))
    assert found[0][0] == HTTPStatus.CONFLICT
    assert found[0][1]["reason"] == "callback_too_early"
    assert sub(run, "a").result == "Direct."


def test_a_failure_by_callback_fails_the_subtask_for_good(crew: Group, receiver: Receiver) -> None:
    run = start(crew)
    waits(run)
    call(receiver.bodies[0]["callback"]["url"], {"error": "no boat"})
    run = ended(run)
    assert (sub(run, "a").status, sub(run, "a").error) == (SubtaskStatus.FAILED, "no boat")


def test_a_question_by_callback_is_asked_of_people(crew: Group, receiver: Receiver) -> None:
    run = start(crew)
    waits(run)
    call(receiver.bodies[0]["callback"]["url"], {"question": "Which harbour?"})
    wait_for(lambda: len(events(run, "subtask.waiting")) == 2, "the question")
    asked = events(run, "subtask.waiting")[1].data
    assert (asked["question"], asked["waits_for"]) == ("Which harbour?", "person")
    receiver.handlers[0] = answer(text="Nine in Kiel.")
    runs.answer(actor=None, run=run, subtask=sub(run, "a"), text="Kiel")
    assert sub(ended(run), "a").result == "Nine in Kiel."
    assert receiver.bodies[-1]["answers"] == ["Kiel"]


def test_nobody_who_calls_back_fails_the_subtask_in_time(crew: Group, receiver: Receiver) -> None:
    run = start(crew)
    waits(run)
    Subtask.objects.filter(run=run, key="a").update(due_at=timezone.now())
    recovery.sweep(owner="a test")
    run = ended(run)
    assert sub(run, "a").error == "Nobody answered in time."
