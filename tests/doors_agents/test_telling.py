"""The fold of a log into a task: what clients have put together is what the task says, whatever happened between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groups.doors.a2a import legacy, telling
from groups.doors.a2a.telling import Teller
from groups.doors.common.entry import Entry

Event = tuple[str, str | None, dict[str, Any]]
Told = tuple[Teller, list[dict[str, Any]]]

SUB = "5f2b2ff0-2d0c-4a0b-8b54-000000000001"
OTHER = "5f2b2ff0-2d0c-4a0b-8b54-000000000002"
QUEUED: Event = ("run.queued", None, {"task": "Count", "mode": "m"})
READY: Event = ("subtask.ready", SUB, {"key": "a", "kind": "work", "title": "A", "assignee": "wim"})
STARTED: Event = ("subtask.started", SUB, {"attempt": 1, "max_attempts": 3})


def told(*events: Event) -> Told:
    """The task after these events of wim's, and all that a stream said of them."""
    teller, said = Teller("t", "c"), list[dict[str, Any]]()
    for seq, (kind, subtask, data) in enumerate(events, 1):
        said += teller.take(Entry(seq, kind, "2026-01-01T00:00:00Z", "wim", subtask, data))
    return teller, said


def put_together(said: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The texts of artifacts as a client has them."""
    found: dict[str, str] = {}
    for event in said:
        if update := event.get("artifactUpdate"):
            text = "".join(part.get("text", "") for part in update["artifact"]["parts"])
            key = update["artifact"]["artifactId"]
            found[key] = found.get(key, "") + text if update["append"] else text
    return found


def delta(text: str) -> Event:
    return "text.delta", SUB, {"text": text}


def done(result: str) -> Event:
    return "subtask.completed", SUB, {"result": result}


def test_what_an_earlier_attempt_wrote_is_replaced_and_the_rest_of_a_result_is_added() -> None:
    retrying = ("subtask.retrying", SUB, {"error": "cut", "attempt": 1, "delay": 0})
    teller, said = told(
        QUEUED, READY, STARTED, delta("lost "), retrying, STARTED, delta("one "), done("one two")
    )
    assert put_together(said) == {SUB: "one two"}
    [artifact] = teller.as_json()["artifacts"]
    assert artifact["parts"][0]["text"] == "one two"
    assert [e["artifactUpdate"]["lastChunk"] for e in said if "artifactUpdate" in e] == [
        *(False, False, True)
    ]


def test_a_result_that_is_not_what_was_streamed_takes_its_place() -> None:
    _, said = told(QUEUED, READY, STARTED, delta("draft"), done("final"))
    assert put_together(said) == {SUB: "final"}


def test_the_task_waits_for_its_people_but_not_for_programs() -> None:
    question = {"question": "Which?", "waits_for": "approval", "options": ["a", "b"]}
    remote = {"question": "", "waits_for": "remote"}
    other = ("subtask.ready", OTHER, {**READY[2], "key": "b"})
    teller, _ = told(QUEUED, READY, ("subtask.waiting", SUB, remote))
    assert teller.state == telling.WORKING
    events: list[Event] = [QUEUED, READY, other, ("subtask.waiting", SUB, question)]
    teller, said = told(*events, ("subtask.started", OTHER, STARTED[2]))
    # What others do meanwhile does not hide the question.
    assert said[-1]["statusUpdate"]["status"] == said[-2]["statusUpdate"]["status"]
    assert said[-1]["statusUpdate"]["metadata"]["seq"] == 5
    assert teller.state == telling.INPUT_REQUIRED
    assert told(*events, READY)[0].state == telling.WORKING


def test_a_retried_run_works_again_without_what_is_done_anew() -> None:
    failed = ("run.failed", None, {"error": "no"})
    resumed = ("run.resumed", None, {"status": "running", "retried": [SUB]})
    teller, said = told(QUEUED, READY, STARTED, done("old"), failed)
    assert teller.state == telling.FAILED
    teller, _ = told(QUEUED, READY, STARTED, done("old"), failed, resumed)
    assert teller.state == telling.WORKING and "artifacts" not in teller.as_json()
    assert said[-1]["statusUpdate"]["status"]["message"]["parts"][0]["text"] == "no"


def test_an_event_of_a_later_catalogue_is_passed_on_as_it_is() -> None:
    teller, said = told(QUEUED, ("wind.turned", None, {"to": "north"}))
    assert said[-1]["statusUpdate"]["metadata"]["data"] == {"to": "north"}
    old = legacy.event(said[-1])
    assert (old["kind"], old["final"]) == ("status-update", False)
    assert legacy.task(teller.as_json())["history"][0]["kind"] == "message"
