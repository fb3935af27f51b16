"""Runs of groups whose members are processes that dial in."""

from __future__ import annotations

import time
import uuid

import pytest
from django.test import Client
from django.utils import timezone

from groups.models import Agent, Call, Group, Member, Run, Spending, Subtask
from groups.services import calls, recovery, runs
from tests.dialin.conftest import address_of
from tests.dialin.process import Address, dialled, running
from tests.engine.conftest import Doorbell
from tests.engine.scripted import ended, events, log_of, sub, wait_for
from tests.factories import make_user

TASK = "- @dora: count the ships\n- @dirk: tell the master"


def start(group: Group, task: str = "@dora count the ships", **fields: object) -> Run:
    return runs.start(actor=None, group=group, task=task, **fields)  # type: ignore[arg-type]


def said(run: Run, agent_id: str = "dora") -> str:
    """What the log has of that agent's text."""
    texts = (each.data["text"] for each in events(run, "text.delta") if each.agent_id == agent_id)
    return "".join(texts)


@pytest.mark.parametrize("program", ["dial_in.py", "dial_in.js"])
def test_the_examples_carry_out_a_run(
    doorbell: Doorbell, dora: Address, crew: Group, program: str
) -> None:
    with running(dora, program), running(address_of(dora.server, "dirk"), program):
        run = ended(start(crew, TASK))
    assert run.status == "completed"
    assert sub(run, "1").result == "COUNT THE SHIPS "
    assert sub(run, "2").result == "TELL THE MASTER "
    assert said(run) == "COUNT THE SHIPS "


def test_a_process_leads(doorbell: Doorbell, dora: Address, crew: Group) -> None:
    Member.objects.filter(group=crew, agent__agent_id="lena").delete()
    Member.objects.filter(group=crew, agent__agent_id="dora").update(role="leader")
    with running(dora), running(address_of(dora.server, "dirk")):
        run = ended(start(crew, "count ships"))
    assert run.status == "completed", log_of(run)
    assert sub(run, "dirk").result == "COUNT SHIPS "
    assert run.result == "SUM UP THE RESULTS "


def test_a_run_waits_for_a_process_that_is_killed_and_comes_back(
    doorbell: Doorbell, dora: Address, crew: Group
) -> None:
    Agent.objects.filter(agent_id="dora").update(config={"grace": 0.6})
    run = start(crew)
    with running(dora, pace=30.0):
        wait_for(lambda: said(run), "its first word")
    # Killed within its work: the new process knows nothing, so the attempt is lost and another begins.
    with running(dora):
        run = ended(run)
    assert run.status == "completed"
    assert sub(run, "1").attempt == 2
    [again] = events(run, "subtask.retrying")
    assert again.data["cause"] == "lost"
    assert "is gone" in again.data["error"]
    assert sub(run, "1").result == "COUNT THE SHIPS "


def test_a_process_that_only_lost_its_connection_goes_on_in_the_same_attempt(
    doorbell: Doorbell, dora: Address, crew: Group
) -> None:
    run = start(crew)
    with dialled(dora) as process:
        process.hello()
        call = process.hear("work")["call"]
        process.say(call, "text", text="one ")
        process.heard(call, 1)
    with dialled(dora) as process:
        assert process.hello(holds=[call])["calls"] == {call: 1}
        process.send({"type": "text", "call": call, "seq": 1, "text": "one "})  # again: counts once
        process.send({"type": "text", "call": call, "seq": 2, "text": "two"})
        process.send({"type": "done", "call": call, "seq": 3})
        process.heard(call, 3)
    run = ended(run)
    assert (sub(run, "1").attempt, sub(run, "1").result) == (1, "one two")
    assert said(run) == "one two"


def test_a_call_of_which_nothing_was_said_goes_to_another_process(
    doorbell: Doorbell, dora: Address, crew: Group
) -> None:
    Agent.objects.filter(agent_id="dora").update(config={"grace": 0.6})
    run = start(crew)
    with dialled(dora) as other:
        with dialled(dora) as first:
            first.hello()
            call = first.hear("work")["call"]
            other.hello()
        assert other.hear("work")["call"] == call
        other.say(call, "done", text="by the other")
        run = ended(run)
    assert (sub(run, "1").attempt, sub(run, "1").result) == (1, "by the other")


def test_two_processes_share_the_calls_and_each_call_is_taken_once(
    doorbell: Doorbell, dora: Address, crew: Group
) -> None:
    with dialled(dora) as one, dialled(dora) as two:
        one.hello(parallel=2)
        two.hello(parallel=2)
        run = start(crew, "\n".join(f"- @dora step {n}" for n in range(4)))
        taken = [each.hear("work") for each in (one, two, one, two)]
        assert len({work["call"] for work in taken}) == 4
        assert one.silent() and two.silent()
        for process, work in zip((one, two, one, two), taken, strict=True):
            process.say(work["call"], "done", text=work["request"]["title"])
        run = ended(run)
    assert {sub(run, key).result for key in "1234"} == {f"step {n}" for n in range(4)}


def test_no_more_calls_come_than_a_connection_takes(
    doorbell: Doorbell, dora: Address, crew: Group
) -> None:
    with dialled(dora) as process:
        process.hello()
        run = start(crew, "- @dora step 1\n- @dora step 2")
        first = process.hear("work")["call"]
        assert process.silent()
        process.say(first, "done", text="1")
        second = process.hear("work")
        process.say(second["call"], "done", text="2")
        run = ended(run)
    assert sub(run, second["request"]["title"][-1]).result == "2"
    assert run.status == "completed"


def test_a_process_that_gives_up_says_why(doorbell: Doorbell, dora: Address, crew: Group) -> None:
    run = start(crew, failure_policy="stop")
    with dialled(dora) as process:
        process.hello()
        process.say(process.hear("work")["call"], "fail", error="no more", transient=True)
        process.say(process.hear("work")["call"], "fail", error="never")
        run = ended(run)
    assert (sub(run, "1").error, sub(run, "1").attempt) == ("never", 2)
    [again] = events(run, "subtask.retrying")
    assert (again.data["error"], again.data["cause"]) == ("no more", "error")


def test_a_cancelled_run_reaches_the_process_within_a_second(
    doorbell: Doorbell, dora: Address, crew: Group
) -> None:
    run = start(crew)
    with dialled(dora) as process:
        process.hello()
        call = process.hear("work")["call"]
        process.say(call, "text", text="so far")
        process.heard(call, 1)
        before = time.monotonic()
        runs.cancel(actor=None, run=run)
        assert process.hear("cancel")["call"] == call
        assert time.monotonic() - before < 1.0
        process.say(call, "text", text="too late")
        assert process.hear("error")["reason"] == "not_yours"
    assert ended(run).status == "cancelled"


def test_a_question_is_answered_within_the_same_call(
    doorbell: Doorbell, dora: Address, crew: Group
) -> None:
    run = start(crew)
    with dialled(dora) as process:
        process.hello()
        call = process.hear("work")["call"]
        process.say(call, "text", text="Ships: ")
        process.say(call, "ask", question="Barges too?", options=["yes", "no"])
        wait_for(lambda: sub(run, "1").status == "waiting", "the question")
        asked = sub(run, "1")
        assert (asked.question, asked.options) == ("Barges too?", ["yes", "no"])
        runs.answer(actor=None, run=run, subtask=asked, text="yes")
        answer = process.hear("answer")
        assert (answer["call"], answer["text"], answer["number"]) == (call, "yes", 1)
        process.say(call, "text", text="7")
        process.say(call, "done")
        run = ended(run)
    assert (sub(run, "1").result, sub(run, "1").attempt) == ("Ships: 7", 1)


def test_an_answer_finds_a_process_that_came_back_meanwhile(
    doorbell: Doorbell, dora: Address, crew: Group
) -> None:
    run = start(crew)
    with dialled(dora) as process:
        process.hello()
        call = process.hear("work")["call"]
        process.say(call, "ask", question="Barges too?")
        wait_for(lambda: sub(run, "1").status == "waiting", "the question")
    runs.answer(actor=None, run=run, subtask=sub(run, "1"), text="yes")
    with dialled(dora) as process:
        process.hello(holds=[call])
        assert process.hear("answer")["text"] == "yes"
        process.send({"type": "done", "call": call, "seq": 2, "text": "with barges"})
        run = ended(run)
    assert sub(run, "1").result == "with barges"


def test_after_a_question_that_nobody_answered_a_retry_begins_anew(
    doorbell: Doorbell, dora: Address, crew: Group
) -> None:
    """However quick: the old call waits for an answer for ever."""
    run = start(crew, failure_policy="stop")
    with dialled(dora) as process:
        process.hello()
        call = process.hear("work")["call"]
        process.say(call, "ask", question="Barges too?")
        wait_for(lambda: sub(run, "1").status == "waiting", "the question")
        Subtask.objects.filter(run=run, key="1").update(due_at=timezone.now())
        recovery.sweep(owner="elsewhere")
        runs.retry(actor=None, run=run)
        # At once, or once it has been told that nobody waits for the first.
        again = process.hear("work")["call"]
        assert again != call
        process.say(again, "done", text="without barges")
        run = ended(run)
    assert (run.status, sub(run, "1").result) == ("completed", "without barges")
    assert not Call.objects.exclude(status="ended").exists()


def test_nobody_connected_is_a_clear_failure_that_may_pass(doorbell: Doorbell, crew: Group) -> None:
    Agent.objects.filter(agent_id="dora").update(config={"patience": 0.2})
    run = ended(start(crew, max_attempts=1, failure_policy="stop"))
    assert "No process of this agent was connected for 0.2 s" in sub(run, "1").error
    assert not Call.objects.exclude(status="ended").exists()


def test_a_worker_that_dies_leaves_the_call_with_its_process(
    doorbell: Doorbell, dora: Address, crew: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(crew)
    with dialled(dora) as process:
        process.hello()
        call = process.hear("work")["call"]
        process.say(call, "text", text="half ")
        process.heard(call, 1)
        wait_for(lambda: said(run), "its first word")
        # The worker is gone: its attempt's lease is taken back while nobody ends the call.
        monkeypatch.setattr("groups.engine.line._end", _nothing)
        Subtask.objects.filter(run=run, key="1").update(lease_until=timezone.now())
        recovery.sweep(owner="elsewhere")
        wait_for(lambda: sub(run, "1").attempt == 2, "the second attempt")
        process.say(call, "done")
        run = ended(run)
    assert sub(run, "1").result == "half "
    assert Call.objects.count() == 1


def test_what_a_process_used_is_counted_once_though_its_worker_dies(
    doorbell: Doorbell, dora: Address, crew: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(crew)

    def used() -> list[int]:
        return list(Spending.objects.order_by("id").values_list("input_tokens", flat=True))

    with dialled(dora) as process:
        process.hello()
        call = process.hear("work")["call"]
        process.say(call, "usage", input_tokens=1)
        process.say(call, "text", text="half ")
        process.say(call, "usage", input_tokens=2)
        wait_for(lambda: used() == [1, 2], "the usage")
        monkeypatch.setattr("groups.engine.line._end", _nothing)
        Subtask.objects.filter(run=run, key="1").update(lease_until=timezone.now())
        recovery.sweep(owner="elsewhere")
        wait_for(lambda: sub(run, "1").attempt == 2, "the second attempt")
        process.say(call, "usage", input_tokens=4)
        process.say(call, "done")
        run = ended(run)
    assert used() == [1, 2, 4]
    assert run.usage["input_tokens"] == 7
    assert sub(run, "1").result == "half "


async def _nothing(call_id: str, token: object) -> None:
    """A dead worker ends nothing."""


def test_the_plan_of_a_process_is_held_to_the_rules_of_all_plans(
    doorbell: Doorbell, dora: Address, crew: Group
) -> None:
    Member.objects.filter(group=crew, agent__agent_id="lena").delete()
    Member.objects.filter(group=crew, agent__agent_id="dora").update(role="leader")
    with dialled(dora) as process:
        process.hello()
        strange = start(crew, max_attempts=1)
        work = process.hear("work")
        assert {each["agent_id"] for each in work["request"]["members"]} == {"dora", "dirk"}
        item = {"key": "a", "title": "A", "assignee": "stranger"}
        process.say(work["call"], "done", plan={"subtasks": [item]})
        assert "neither a member of this group" in ended(strange).error
        textual = start(crew, max_attempts=1)
        process.say(process.hear("work")["call"], "done", text="do it all")
        assert "without a plan" in ended(textual).error
        misshapen = start(crew, max_attempts=1)
        process.say(process.hear("work")["call"], "done", plan={"subtasks": [{"key": 7}]})
        assert "The plan is misshapen" in ended(misshapen).error


def test_tools_and_usage_of_a_process_stand_in_the_log(
    doorbell: Doorbell, dora: Address, crew: Group
) -> None:
    run = start(crew)
    with dialled(dora) as process:
        process.hello()
        call = process.hear("work")["call"]
        process.say(call, "tool", id="t1", tool="ls", state="started", arguments={"a": "\x00b"})
        process.say(call, "tool", id="t1", tool="ls", state="finished", summary="3 files", ok=False)
        process.say(call, "usage", input_tokens=5, output_tokens=7, cost_usd=0.25, model="own")
        process.say(call, "done", text="3")
        run = ended(run)
    [began], [done] = events(run, "tool.started"), events(run, "tool.finished")
    assert began.data == {"call_id": "t1", "tool": "ls", "arguments": {"a": "b"}}
    assert (done.data["summary"], done.data["ok"]) == ("3 files", False)
    assert run.usage["output_tokens"] == 7 and run.usage["cost_usd"] == 0.25


def test_a_process_is_talked_to_outside_of_any_run(dora: Address, client: Client) -> None:
    client.force_login(make_user(username="cy"))
    body = {"text": "count the ships", "earlier": [{"text": "Hello", "answer": "Aye"}]}
    path = "/api/v1/agents/dora/conversation/"
    Agent.objects.filter(agent_id="dora").update(config={"patience": 0.2})
    alone = client.post(path, body, content_type="application/json").json()
    assert (alone["status"], alone["text"][:29]) == ("failed", "No process of this agent was ")
    with running(dora):
        answer = client.post(path, body, content_type="application/json").json()
    assert (answer["status"], answer["text"]) == ("answered", "COUNT THE SHIPS ")
    call = Call.objects.latest("id")
    assert (call.subtask_id, call.status) == (None, "ended")
    assert call.request["earlier"] == [{"task": "Hello", "result": "Aye"}]
    left = Call.objects.create(agent=call.agent, lease_token=uuid.uuid4(), request={})
    calls.sweep()
    assert Call.objects.get(pk=left.pk).status == "offered"
    Call.objects.filter(pk=left.pk).update(created_at=timezone.now() - calls.TRIAL * 2)
    calls.sweep()
    assert Call.objects.get(pk=left.pk).status == "ended"
