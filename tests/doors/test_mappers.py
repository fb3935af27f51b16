"""The pure mappers: logs in, frames out, without a server, a database or a run."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from groups.doors.agui.mapping import Told
from groups.doors.agui.profiles import Old
from groups.doors.agui.shapes import AgentInput, Resume, answers, plan_id, question_id
from groups.doors.common.entry import Entry
from groups.doors.common.refusals import BodyInvalid
from groups.doors.common.standing import Standing
from groups.doors.openai.answers import Answer
from groups.doors.openai.chat import AGAIN, Chat
from groups.doors.openai.shapes import Turn, asked_of
from tests.doors.test_agui import validated

AT = "2026-03-04T05:06:07.891Z"
PLAN = {
    "note": "",
    "subtasks": [
        {"id": name, "key": name, "title": f"Do {name}", "assignee": "wim", "depends_on": []}
        for name in ("a", "b")
    ],
}


class Log:
    """Entries, numbered as they are added."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(
        self, type: str, subtask: str | None = None, agent: str | None = None, **data: Any
    ) -> None:
        number = len(self.entries) + 1
        self.entries.append(Entry(number, type, AT, agent, subtask, data))

    def ready(self, id: str, kind: str = "work", agent: str = "wim") -> None:
        self.add("subtask.ready", id, key=id, kind=kind, title=f"Do {id}", assignee=agent)

    def begin(self, id: str, kind: str = "work", agent: str = "wim") -> None:
        self.ready(id, kind, agent)
        self.add("subtask.started", id, agent, attempt=1, max_attempts=3)

    def say(self, id: str, *texts: str) -> None:
        for text in texts:
            self.add("text.delta", id, "wim", text=text)


@pytest.fixture
def log() -> Log:
    """A run that was planned, and whose worker "a" has begun."""
    made = Log()
    made.add(
        "run.queued", task="Count", mode="leader_worker", failure_policy="", approve_plan=False
    )
    made.add("run.started")
    made.begin("p", "plan", "lena")
    made.add("plan.proposed", "p", "lena", plan=PLAN, approval_required=False)
    made.add("subtask.completed", "p", "lena", result="")
    made.begin("a")
    return made


def test_a_summary_that_is_begun_again_does_not_run_into_the_old_one(log: Log) -> None:
    log.begin("s", "summary", "lena")
    log.say("s", "Two sh")
    log.add("subtask.retrying", "s", error="cut", attempt=1, max_attempts=3, delay=0, cause="error")
    log.add("subtask.started", "s", "lena", attempt=2, max_attempts=3)
    log.say("s", "Two ships.")
    log.add("run.completed", result="Two ships.", usage={})
    chat = Chat()
    told = "".join(delta.get("content", "") for entry in log.entries for delta in chat.take(entry))
    assert told == f"Two sh{AGAIN}Two ships." == chat.content
    answer = Answer({"id": "resp_1"}, "http://here")
    numbers = [event["sequence_number"] for e in log.entries for event in answer.take(e)]
    assert numbers == sorted(set(numbers))
    last = answer.last()
    assert last is not None and last["type"] == "response.completed"
    said = [part["text"] for item in last["response"]["output"] for part in item.get("content", ())]
    assert said == ["Two ships."]


def test_a_result_that_nobody_streamed_is_told_whole(log: Log) -> None:
    log.add("run.completed", result="Two ships.", usage={})
    chat, answer = Chat(), Answer({}, "")
    for entry in log.entries:
        chat.take(entry)
        answer.take(entry)
    assert chat.content == "Two ships."
    assert answer.response()["output"][-1]["content"][0]["text"] == "Two ships."


@pytest.mark.parametrize(
    ("last", "status", "kind"),
    [
        (("run.failed", {"error": "no ink"}), "failed", "response.failed"),
        (("run.cancelled", {"reason": "", "by": "ada"}), "cancelled", "response.incomplete"),
    ],
)
def test_an_end_settles_what_was_open(
    log: Log, last: tuple[str, dict[str, Any]], status: str, kind: str
) -> None:
    log.say("a", "One")
    log.add(last[0], **last[1])
    answer, told = Answer({}, ""), Told(thread_id="t", run_id="r", message_id="m", link="")
    opened: set[str] = set()
    for entry in log.entries:
        answer.take(entry)
        for event in told.take(entry):
            if event["type"] in ("SUBAGENT_STARTED", "TEXT_MESSAGE_START"):
                opened.add(_subject(event))
            elif event["type"] in ("SUBAGENT_ERROR", "TEXT_MESSAGE_END"):
                opened.discard(_subject(event))
    assert not opened
    final = answer.last()
    assert final is not None and final["type"] == kind and final["response"]["status"] == status
    assert all(i["status"] != "in_progress" for i in final["response"]["output"])
    ends = {"failed": "RUN_ERROR", "cancelled": "RUN_FINISHED"}
    assert told.end()[-1]["type"] == ends[status]


def _subject(event: dict[str, Any]) -> str:
    return str(event.get("messageId", event.get("subagentRunId")))


def test_a_run_is_stuck_only_when_nobody_works_any_more(log: Log) -> None:
    standing = Standing()
    log.begin("b")
    log.add("subtask.waiting", "a", "wim", question="Which?", options=["one", "two"])
    for entry in log.entries:
        standing.take(entry)
    assert standing.questions and not standing.stuck
    log.add("subtask.completed", "b", "wes", result="Done")
    standing.take(log.entries[-1])
    assert standing.stuck
    log.ready("a")
    standing.take(log.entries[-1])
    assert not standing.stuck and not standing.questions


def test_who_waits_for_its_own_program_waits_for_nobody_here(log: Log) -> None:
    standing = Standing()
    log.add("subtask.waiting", "a", "wim", question="", waits_for="remote")
    for entry in log.entries:
        standing.take(entry)
    assert not standing.stuck and not standing.questions


def test_answers_must_be_to_all_open_interrupts_and_no_others(log: Log) -> None:
    standing = Standing()
    log.add("subtask.waiting", "a", "wim", question="Which?")
    for entry in log.entries:
        standing.take(entry)
    id = question_id(standing.pieces["a"])
    assert answers(standing, [Resume(id, "resolved", {"answer": "Palos"})]).texts == [
        ("a", "Palos")
    ]
    assert answers(standing, [Resume(id, "cancelled")]).cancel
    for wrong in ([], [Resume("x", "resolved", "y")], [Resume(id, "resolved", 7)]):
        with pytest.raises(BodyInvalid):
            answers(standing, wrong)


def test_a_plan_is_approved_by_saying_so(log: Log) -> None:
    standing = Standing()
    log.add("plan.proposed", "p", "lena", plan=PLAN, approval_required=True)
    for entry in log.entries:
        standing.take(entry)
    assert standing.stuck
    id = plan_id(standing)
    assert answers(standing, [Resume(id, "resolved", {"approved": True})]).approve
    assert answers(standing, [Resume(id, "resolved", True)]).approve
    assert answers(standing, [Resume(id, "resolved", {"approved": "no"})]).cancel


def test_every_event_of_the_catalogue_becomes_valid_events(log: Log) -> None:
    log.add("tool.started", "a", "wim", call_id="c", tool="add", arguments={"x": 1})
    log.add("tool.finished", "a", "wim", call_id="c", tool="add", summary="2", ok=True)
    log.add("message.sent", "a", "wim", sender="wim", to="", text="Hello")
    log.add("state.changed", "a", "wim", state_id="plan", version=2)
    log.add("usage.recorded", "a", "wim", input_tokens=3, output_tokens=4, model="")
    log.add("subtask.retrying", "a", error="cut", attempt=1, max_attempts=3, delay=0, cause="error")
    log.add("subtask.started", "a", "wim", attempt=2, max_attempts=3)
    log.add("subtask.handed_over", "a", "wim", to="wes", text="")
    log.add("subtask.skipped", "b", reason="")
    log.add("run.paused", by="ada")
    log.add("run.resumed", status="running", retried=[], by="ada")
    log.add("votes.counted", rule="plurality", votes={}, counts={}, winner="")
    log.add("budget.reached", scope="run", limit="max_tokens", text="")
    log.add("plan.changed", plan=PLAN, added=[], reason="")
    log.add("run.completed", result="Two.", usage={})
    told, old = Told(thread_id="t", run_id="r", message_id="m", link=""), Old()

    events = told.open(rejoining=True)
    for entry in log.entries:
        events += told.take(entry)
        for opening in told.open(rejoining=True):
            validated(json.dumps(opening))
    events += told.end()
    for event in events:
        validated(json.dumps(event))
        validated(json.dumps(old(event)))
    names = {event["name"] for event in events if event["type"] == "CUSTOM"}
    assert names >= {"stars.retry", "stars.message", "stars.state", "stars.votes", "stars.budget"}


def test_messages_become_a_task_and_turns() -> None:
    said = [
        Turn("system", "Be brief."),
        Turn("user", "One?"),
        Turn("assistant", "1"),
        Turn("user", [{"type": "text", "text": "Two?"}]),
    ]
    asked = asked_of(said)
    assert asked.task == "Two?" and asked.earlier == [("Be brief.", ""), ("One?", "1")]
    for wrong in (
        [Turn("assistant", "1")],
        [Turn("user", " ")],
        [Turn("tool", "x"), Turn("user", "y")],
        [Turn("user", [{"type": "image_url", "image_url": {}}])],
    ):
        with pytest.raises(BodyInvalid):
            asked_of(wrong)


def test_an_ag_ui_input_tells_the_task_and_what_was_said_before() -> None:

    given = msgspec.convert(
        {
            "threadId": "t",
            "runId": "r",
            "messages": [
                {"id": "1", "role": "user", "content": "One?"},
                {"id": "2", "role": "assistant", "content": "1"},
                {"id": "3", "role": "user", "content": [{"type": "text", "text": "Two?"}]},
            ],
            "context": [{"description": "place", "value": "Palos"}],
            "forwardedProps": {"approve_plan": True, "theme": "dark"},
        },
        AgentInput,
    )
    assert given.last.text == "Two?" and given.settings == {"approve_plan": True}
    assert given.earlier == [("place: Palos", ""), ("One?", "1")]
