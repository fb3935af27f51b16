"""A group as an AG-UI agent, over a real server; every event is held against the protocol's own models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import httpx
import pytest
from ag_ui.core import Event
from pydantic import BaseModel, TypeAdapter

from tests.doors.conftest import Site

pytestmark = pytest.mark.timeout(120)

EVENT: TypeAdapter[Any] = TypeAdapter(Event)
_numbers = count(1)


def validated(data: str) -> dict[str, Any]:
    """The event; it must be one of AG-UI 1.0, without a field that the protocol does not know."""
    event = EVENT.validate_json(data)

    def check(value: Any) -> None:
        if isinstance(value, BaseModel):
            assert not value.model_extra, (value, value.model_extra)
            for each in value.__dict__.values():
                check(each)
        elif isinstance(value, list):
            for each in value:
                check(each)

    check(event)
    found: dict[str, Any] = json.loads(data)
    assert None not in found.values()
    return found


class Frames:
    """The frames of one stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.last_id = ""
        self._lines = response.iter_lines()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        number = ""
        for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "id":
                number = value
            elif name == "data":
                self.last_id, number = number or self.last_id, ""
                yield validated(value)


@contextmanager
def running(
    site: Site, group: str, thread: str, *, query: str = "", headers: Any = None, **fields: Any
) -> Iterator[Frames]:
    """A request as AG-UI's clients make it."""
    body = {
        "threadId": thread,
        "runId": f"run-{next(_numbers)}",
        "messages": [{"id": "m1", "role": "user", "content": "Count the ships"}],
        **fields,
    }
    bearer = {"Authorization": f"Bearer {site.token}", **(headers or {})}
    address = f"{site.url}/agui/{group}/{query}"
    with httpx.stream("POST", address, json=body, headers=bearer, timeout=30) as response:
        if response.status_code != 200:
            response.read()
        yield Frames(response)


def events_of(site: Site, group: str, thread: str, **fields: Any) -> list[dict[str, Any]]:
    with running(site, group, thread, **fields) as frames:
        return list(frames)


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def texts(events: list[dict[str, Any]]) -> dict[str, str]:
    """Messages by id, put together as clients do."""
    found: dict[str, str] = {}
    for event in events:
        if event["type"] == "TEXT_MESSAGE_START":
            assert event["messageId"] not in found
            found[event["messageId"]] = ""
        elif event["type"] == "TEXT_MESSAGE_CONTENT":
            found[event["messageId"]] += event["delta"]
    return found


USAGE = {"input_tokens": 7, "output_tokens": 5, "requests": 1, "model": "little"}
TALK = {"reply": "Two ships, both of them wooden.", "chunks": 8, "pace": 0.02}


@pytest.fixture(scope="session")
def crew(site: Site) -> str:
    return site.group("Fleet", lead={"plan": 2, **TALK}, one={"usage": USAGE, **TALK})


@pytest.fixture(scope="session")
def shy(site: Site) -> str:
    ask = {"ask": "Which harbour?", "reply": "Counted in {answer}."}
    return site.group("Bashful", lead={"kinds": ["plan"], "plan": 2}, one=ask, two=ask)


def test_a_run_is_told_with_steps_subagents_plan_state_and_usage(site: Site, crew: str) -> None:
    events = events_of(site, crew, "t-whole")
    told = kinds(events)
    assert told[:2] == ["RUN_STARTED", "STATE_SNAPSHOT"]
    assert events[0]["protocolVersion"] == "1.0" and events[0]["threadId"] == "t-whole"
    last = events[-1]
    assert (last["type"], last["outcome"]) == ("RUN_FINISHED", {"type": "success"})
    assert last["usage"] == [
        {"model": "little", "inputTokens": 7, "outputTokens": 5, "totalTokens": 12}
    ]
    steps = [e["stepName"] for e in events if e["type"] == "STEP_STARTED"]
    assert steps == ["plan", "summary"] and told.count("STEP_FINISHED") == 2
    plans = [e for e in events if e["type"] == "ACTIVITY_SNAPSHOT"]
    assert plans[0]["activityType"] == "PLAN" and len(plans[0]["content"]["subtasks"]) == 2
    started = {e["subagentRunId"]: e["name"] for e in events if e["type"] == "SUBAGENT_STARTED"}
    assert sorted(started.values()) == [f"{crew}-one", f"{crew}-two"]
    ended = {
        started[e["subagentRunId"]]: e["type"] for e in events if e["type"].startswith("SUBAGENT_")
    }
    assert ended == {f"{crew}-one": "SUBAGENT_FINISHED", f"{crew}-two": "SUBAGENT_FINISHED"}
    assert last["result"] == TALK["reply"] and list(texts(events).values())[-1] == TALK["reply"]


def test_the_deltas_lead_from_the_first_state_to_the_last_plan(site: Site, crew: str) -> None:
    events = events_of(site, crew, "t-state")
    plan = next(e for e in events if e["type"] == "ACTIVITY_SNAPSHOT")["content"]
    state = next(e for e in events if e["type"] == "STATE_SNAPSHOT")["snapshot"]
    for event in events:
        for op in event.get("patch", ()) or event.get("delta", ()):
            if event["type"] == "ACTIVITY_DELTA":
                _, name, index, field = op["path"].split("/")
                assert field in plan[name][int(index)]
                plan[name][int(index)][field] = op["value"]
            elif event["type"] == "STATE_DELTA":
                *parents, key = op["path"].split("/")[1:]
                at = state
                for parent in parents:
                    at = at[parent]
                at[key] = op["value"]
    assert [item["status"] for item in plan["subtasks"]] == ["completed"] * 2
    assert state["status"] == "completed"
    assert {s["status"] for s in state["subtasks"].values()} == {"completed"}


def test_a_question_is_an_interrupt_that_resume_answers(site: Site, shy: str) -> None:
    first = events_of(site, shy, "t-ask")
    assert kinds(first)[-3:] == ["MESSAGES_SNAPSHOT", "STATE_SNAPSHOT", "RUN_FINISHED"]
    asked = first[-1]["outcome"]["interrupts"]
    assert [each["message"] for each in asked] == ["Which harbour?"] * 2
    suspended = [e for e in first if e["type"] == "SUBAGENT_FINISHED"]
    assert {e["outcome"]["type"] for e in suspended} == {"suspended"}
    assert {e["subagentRunId"] for e in suspended} == {e["subagentRunId"] for e in asked}

    refused = events_of(site, shy, "t-ask")
    assert (refused[-1]["type"], refused[-1]["code"]) == ("RUN_ERROR", "interrupts_open")
    one = [{"interruptId": asked[0]["id"], "status": "resolved", "payload": "Palos"}]
    refused = events_of(site, shy, "t-ask", resume=one)
    assert kinds(refused) == ["RUN_STARTED", "RUN_ERROR"]

    both = [{**one[0], "interruptId": each["id"]} for each in asked]
    rest = events_of(site, shy, "t-ask", resume=both, messages=[])
    assert rest[0]["type"] == "RUN_STARTED"
    assert rest[-1]["outcome"] == {"type": "success"}
    assert list(texts(rest).values())[:2] == ["Counted in Palos."] * 2
    assert not set(texts(first)) & set(texts(rest))


@pytest.mark.parametrize(("approved", "outcome"), [(True, "success"), (False, "cancelled")])
def test_a_plan_is_approved_by_resume_or_not(
    site: Site, crew: str, approved: bool, outcome: str
) -> None:
    thread = f"t-plan-{outcome}"
    first = events_of(site, crew, thread, forwardedProps={"approve_plan": True})
    (asked,) = first[-1]["outcome"]["interrupts"]
    assert asked["reason"] == "plan_approval"
    answer = {"interruptId": asked["id"], "status": "resolved", "payload": {"approved": approved}}
    rest = events_of(site, crew, thread, resume=[answer])
    assert rest[-1]["outcome"] == {"type": outcome}


def test_a_cut_stream_is_rejoined_and_the_messages_are_whole(site: Site, crew: str) -> None:
    run_id, seen, last_id = "cut", set[str](), ""
    for cut in (9, 14, 22):
        headers = {"Last-Event-ID": last_id} if last_id else {}
        with running(site, crew, "t-cut", runId=run_id, headers=headers) as frames:
            assert frames.status == 200
            for number, event in enumerate(frames):
                seen.add(event["type"])
                if number == cut:
                    break
            last_id = frames.last_id
    final = events_of(site, crew, "t-cut", runId=run_id, query=f"?after={last_id}")
    assert kinds(final)[:3] == ["RUN_STARTED", "MESSAGES_SNAPSHOT", "STATE_SNAPSHOT"]
    snapshot = {m["id"]: m["content"] for m in final[1]["messages"]}
    assert snapshot.pop("m1") == "Count the ships"
    whole = texts(events_of(site, crew, "t-cut", runId=run_id))
    assert {**snapshot, **texts(final)} == whole
    assert [*whole.values()].count(str(TALK["reply"])) == 2
    assert final[-1]["outcome"] == {"type": "success"}


def test_the_old_profile_knows_no_subagents(site: Site, crew: str) -> None:
    events = events_of(site, crew, "t-old", query="?profile=0.1")
    assert not [kind for kind in kinds(events) if kind.startswith("SUBAGENT")]
    assert "subagentRunId" not in json.dumps(events) and "outcome" not in events[-1]
    open_: list[str] = []
    for event in events:
        if event["type"] == "STEP_STARTED":
            assert event["stepName"] not in open_
            open_.append(event["stepName"])
        elif event["type"] == "STEP_FINISHED":
            open_.remove(event["stepName"])
    assert not open_ and kinds(events).count("STEP_STARTED") == 4


@pytest.mark.parametrize(
    ("group", "fields", "status"),
    [
        ("Nobody", {}, 404),
        ("Fleet", {"messages": []}, 400),
        ("Fleet", {"query": "?profile=0.7"}, 400),
        ("Fleet", {"query": "?after=x"}, 400),
        ("Fleet", {"query": "?after=3", "runId": "none"}, 404),
        ("Fleet", {"forwardedProps": {"approve_plan": "perhaps"}}, 400),
        ("Fleet", {"headers": {"Authorization": "Bearer wrong"}}, 401),
    ],
)
def test_refusals_before_a_stream_are_problems(
    site: Site, crew: str, group: str, fields: dict[str, Any], status: int
) -> None:
    with running(site, group, "t-refused", **fields) as frames:
        assert frames.status == status
