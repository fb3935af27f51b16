"""The seed's API over a real engine: the same calls and names, events as they happen, an end that says how it ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from groups import access, live
from groups.agents.base import AgentError, Answered, Request, TextDelta, ToolFinished, ToolStarted
from groups.engine.engine import Engine
from groups.errors import (
    AgentNotFound,
    AlreadyAMember,
    GroupExists,
    GroupNotFound,
    LeaderExists,
    LeaderRequired,
    NotAMember,
    TaskEmpty,
)
from groups.execution.statuses import RunStatus
from groups.models import Group, Role, Run
from groups.services import runs
from groups.stars import Event, Member, RunUnsuccessful, Stars
from state import fanout
from state.errors import Invalid
from tests.engine.conftest import Doorbell
from tests.engine.scripted import Gate, Said, Scripted, ended
from tests.factories import append_events, make_agent
from tests.unit.world import item, plan


@pytest.fixture
def stars(crew: Group) -> Stars:
    return Stars.open("Crew")


def run_of(stars: Stars) -> Run:
    """The run that was started last."""
    assert stars.last_run_id is not None
    return access.get_run(None, stars.last_run_id)


def up_to(events: Iterator[Event], kind: str) -> list[Event]:
    """The events as they come, until one of that type has come."""
    heard = []
    for event in events:
        heard.append(event)
        if event.type == kind:
            return heard
    raise AssertionError(f"no {kind} in {[event.type for event in heard]}")


# --- the group ---


def test_a_group_is_made_named_and_found_again(ada: User) -> None:
    made = Stars.create("DevTeam", group_id="dev", actor=ada)
    assert (made.id(), made.name(), made.size()) == ("dev", "DevTeam", 0)
    assert Stars.open("dev", actor=ada).name() == "DevTeam"
    assert Stars.create("DevTeam").id() != "dev"
    with pytest.raises(GroupExists):
        Stars.create("Another", group_id="dev")
    with pytest.raises(Invalid):
        Stars.create("")


def test_who_may_not_see_a_group_finds_none(ada: User, cy: User) -> None:
    Stars.create("DevTeam", group_id="dev", actor=ada)
    for group_id, actor in (("dev", cy), ("gone", ada), ("gone", None)):
        with pytest.raises(GroupNotFound):
            Stars.open(group_id, actor=actor)


def test_agents_join_and_leave(db: None) -> None:
    for agent_id in ("tech-lead", "qa", "dev"):
        make_agent(agent_id=agent_id)
    stars = Stars.create("DevTeam")
    assert stars.join("qa", tags=("tests", "slow")) == Member("qa", Role.WORKER, ("tests", "slow"))
    stars.join("dev")
    stars.join("tech-lead", "leader")
    assert stars.members() == [
        Member("tech-lead", Role.LEADER, ()),
        Member("qa", Role.WORKER, ("tests", "slow")),
        Member("dev", Role.WORKER, ()),
    ]
    stars.leave("dev")
    assert stars.size() == 2
    with pytest.raises(NotAMember):
        stars.leave("dev")


def test_an_unknown_a_second_and_another_leader_cannot_join(stars: Stars) -> None:
    make_agent(agent_id="lou")
    for agent_id, role, error in (
        ("nobody", Role.WORKER, AgentNotFound),
        ("wim", Role.WORKER, AlreadyAMember),
        ("lou", Role.LEADER, LeaderExists),
        ("lou", "captain", Invalid),
    ):
        with pytest.raises(error):
            stars.join(agent_id, role)
    assert stars.size() == 3


def test_messages_are_sent_broadcast_and_remembered(stars: Stars) -> None:
    before = timezone.now()
    stars.send("lena", "wim", "Take task A")
    stars.broadcast("A new iteration")
    stars.broadcast("Listen", from_="lena")
    history = stars.history()
    assert [(m.from_, m.to, m.text) for m in history] == [
        ("lena", "wim", "Take task A"),
        ("system", "", "A new iteration"),
        ("lena", "", "Listen"),
    ]
    assert before <= history[0].time <= history[1].time <= history[2].time <= timezone.now()
    assert stars.history(1) == history[-1:]
    for sender, to in (("nobody", "wim"), ("lena", "nobody")):
        with pytest.raises(NotAMember):
            stars.send(sender, to, "Hello?")


def test_the_history_is_the_last_hundred(stars: Stars) -> None:
    for n in range(103):
        stars.broadcast(str(n))
    assert [m.text for m in stars.history()] == [str(n) for n in range(3, 103)]


# --- a run ---


class Working:
    """Says a word and uses a tool, waits at the gate, answers."""

    def __init__(self) -> None:
        self.gate = Gate()

    async def __call__(self, request: Request) -> AsyncIterator[Said]:
        yield TextDelta("half ")
        yield ToolStarted(call_id="1", tool="abacus")
        yield ToolFinished(call_id="1", tool="abacus", summary="12 ships")
        async for _ in self.gate(request):
            yield TextDelta("and half")
        yield Answered("half and half")


@pytest.fixture
def working(script: Scripted) -> Working:
    """What A does."""
    script.acts["A"] = act = Working()
    return act


def test_events_come_as_they_happen_under_the_seeds_names(
    stars: Stars, engine: Engine, working: Working
) -> None:
    before = timezone.now()
    events = stars.run("Count the ships", timeout=15)
    early = up_to(events, "tool_end")
    assert run_of(stars).status == RunStatus.RUNNING and working.gate.inside == 1
    assert early[0] == Event("", "run.queued", "Count the ships", early[0].time)
    working.gate.is_open = True
    late = list(events)
    said = [(e.agent_id, e.type, e.content) for e in early + late if "." not in e.type]
    assert [s for s in said if s[0] == "wim"] == [
        ("wim", "text_chunk", "half "),
        ("wim", "tool_start", "abacus"),
        ("wim", "tool_end", "12 ships"),
        ("wim", "text_chunk", "and half"),
    ]
    assert (late[-1].type, late[-1].content) == ("done", "a: half and half")
    assert [e.type for e in late].count("done") == 1
    times = [e.time for e in early + late]
    assert times == sorted(times) and before <= times[0] and times[-1] <= timezone.now()
    assert times == at_of(stars), "all of the log, in its order"


def test_a_run_that_fails_says_why_after_its_last_event(
    stars: Stars, engine: Engine, script: Scripted
) -> None:
    async def fail(request: Request) -> AsyncIterator[Said]:
        raise AgentError("The harbour is closed.")
        yield

    script.acts["A"] = fail
    events = stars.run("Count the ships", timeout=15, failure_policy="stop")
    last = up_to(events, "run.failed")[-1]
    assert "The harbour is closed." in last.content
    with pytest.raises(RunUnsuccessful) as raised:
        next(events)
    assert raised.value.message == last.content == run_of(stars).error


def test_a_cancelled_run_says_by_whom(
    stars: Stars, engine: Engine, working: Working, bo: User
) -> None:
    events = stars.run("Count the ships", timeout=15)
    up_to(events, "tool_end")
    runs.cancel(actor=bo, run=run_of(stars), reason="Too slow")
    assert up_to(events, "run.cancelled")[-1].content == "Too slow"
    with pytest.raises(RunUnsuccessful, match="The run was cancelled by bo"):
        next(events)
    assert next(events, None) is None


def test_silence_ends_the_wait_and_not_the_run(
    stars: Stars, engine: Engine, working: Working
) -> None:
    events = stars.run("Count the ships", timeout=0.3)
    heard: list[Event] = []
    with pytest.raises(TimeoutError, match=str(stars.last_run_id)):
        heard += events
    assert heard[-1].type == "tool_end" and not working.gate.cancelled
    assert timezone.now() - heard[-1].time > timedelta(seconds=0.3)
    working.gate.is_open = True
    assert ended(run_of(stars)).status == "completed"


def test_a_dropped_iterator_leaves_the_run_alone(
    stars: Stars, engine: Engine, working: Working
) -> None:
    events = stars.run("Count the ships", timeout=15)
    up_to(events, "text_chunk")
    topic = live.run_topic(run_of(stars).id)
    assert fanout.hub()._listeners(topic)
    del events
    assert not fanout.hub()._listeners(topic)
    working.gate.is_open = True
    assert ended(run_of(stars)).result == "a: half and half"


def test_nobody_need_listen(stars: Stars, engine: Engine) -> None:
    events = stars.run("Count the ships", timeout=15)
    assert ended(run_of(stars)).status == "completed"
    assert list(events)[-1].type == "done"


def test_a_run_that_cannot_begin_is_refused_at_once(stars: Stars, doorbell: Doorbell) -> None:
    with pytest.raises(TaskEmpty):
        stars.run(" ")
    with pytest.raises(Invalid):
        stars.run("Count the ships", max_parallel=0)
    stars.leave("lena")
    with pytest.raises(LeaderRequired):
        stars.run("Count the ships")
    assert stars.last_run_id is None and not Run.objects.exists() and not doorbell.rung


def test_files_and_options_go_with_the_task(
    stars: Stars, engine: Engine, script: Scripted, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    script.plan = plan(item("a"), item("b", "a"))
    file = SimpleUploadedFile("ships.csv", b"name,size\nAda,3\n")
    events = stars.run("Count", attachments=[file], max_attempts=2, timeout=15)
    assert list(events)[-1].content == "a: A by wim\nb: B by wim"
    assert run_of(stars).max_attempts == 2
    (given,) = script.called("A")[0].attachments
    assert (given.name, given.size) == ("ships.csv", 16)


def test_what_the_hub_loses_is_read_from_the_log(
    stars: Stars, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(fanout.hub()), "publish", lambda hub, messages: None)
    events = list(stars.run("Count the ships", timeout=15))
    assert [e.time for e in events] == at_of(stars) and events[-1].type == "done"


def test_a_long_log_comes_whole_and_in_order(stars: Stars, doorbell: Doorbell) -> None:
    events = stars.run("Count the ships", timeout=15)
    run = run_of(stars)
    append_events(run=run, n=1203)
    append_events(
        run=run, type="run.completed", data={"result": "many"}, status=RunStatus.COMPLETED
    )
    heard = list(events)
    numbers = [int(e.content) for e in heard if e.type == "text_chunk"]
    assert numbers == list(range(numbers[0], numbers[0] + 1203))
    assert (heard[-1].type, heard[-1].content) == ("done", "many")


def at_of(stars: Stars) -> list[datetime]:
    """When the events in the run's log happened, in the log's order."""
    return list(run_of(stars).events.order_by("seq").values_list("at", flat=True))
