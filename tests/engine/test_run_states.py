"""What a run leaves in its group's space, and what its agents can do there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from groups.agents.base import Answered, Request, StateConflict
from groups.engine.engine import Engine
from groups.models import Group, Run
from groups.services import run_states, runs
from groups.spaces import agent_caller
from state import conf
from state.errors import Conflict
from state.policy import system
from state.refusals import Frozen, StateNotFound
from state.threads import in_thread
from state.values import Entry, SharedState
from tests.engine.conftest import Doorbell
from tests.engine.scripted import Said, Scripted, ended, log_of, start, wait_for
from tests.unit.world import item, plan


def state_of(run: Run) -> SharedState:
    """The run's state, once it is frozen."""

    def frozen() -> bool:
        try:
            return conf.manager().get_state(system("Crew"), run_states.state_id(run.id)).frozen
        except StateNotFound:
            return False

    wait_for(frozen)
    return conf.manager().get_state(system("Crew"), run_states.state_id(run.id))


def test_results_stand_under_their_own_paths_and_the_state_is_frozen_at_the_end(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    script.plan = plan(item("a"), item("b", "a", assignee="wes"))
    run = ended(start(crew))
    state = state_of(run)
    assert state.data["status"] == "completed"
    assert state.data["subtasks"]["b"] == {
        "title": "B",
        "agent": "wes",
        "status": "completed",
        "result": "B by wes",
    }
    assert state.data["result"] == run.result
    assert (state.type, state.owners) == ("workflow", ("role:leader",))
    with pytest.raises(Frozen):
        conf.manager().update_state(agent_caller("Crew", "wim"), state.id, {"late": 1})


def test_a_run_whose_worker_died_is_written_by_the_sweep(
    crew: Group, script: Scripted, doorbell: Doorbell
) -> None:
    engine = doorbell.engine()
    engine._scribe.tell = lambda runs: None  # type: ignore[method-assign]  # it dies before it writes
    run = ended(start(crew))
    assert run_states.catch_up() == 0  # left to the process that ended it, for a moment
    Run.objects.filter(id=run.id).update(finished_at=run.finished_at and run.created_at)
    run_states.SETTLED, before = type(run_states.SETTLED)(), run_states.SETTLED  # type: ignore[misc]
    try:
        assert run_states.catch_up() == 1
        assert run_states.catch_up() == 0
    finally:
        run_states.SETTLED = before  # type: ignore[misc]
    assert state_of(run).data["status"] == "completed"


def test_written_again_it_stays_as_it_is(crew: Group, script: Scripted, engine: Engine) -> None:
    run = ended(start(crew))
    version = state_of(run).version
    run_states.write(run.id)
    assert state_of(run).version == version


def test_a_retry_opens_the_state_again(crew: Group, script: Scripted, engine: Engine) -> None:
    async def fails(request: Request) -> AsyncIterator[Said]:
        raise ValueError("no")
        yield

    script.acts["A"] = fails
    run = ended(start(crew))
    assert state_of(run).data["subtasks"]["a"]["status"] == "failed"
    del script.acts["A"]
    runs.retry(actor=None, run=run)
    run = ended(run)
    wait_for(lambda: state_of(run).data["subtasks"]["a"]["status"] == "completed")


def test_agents_read_and_write_in_their_own_name(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    async def writes(request: Request) -> AsyncIterator[Said]:
        assert request.states is not None
        await request.states.read("run")
        done = await request.states.write(
            "run", [{"op": "set", "path": "/notes", "value": {"ships": 3}}]
        )
        yield Answered(f"{done.status} {done.version}")

    async def reads(request: Request) -> AsyncIterator[Said]:
        assert request.states is not None
        document = await request.states.read("run")
        yield Answered(
            f"{document.data['notes']['ships']} {document.data['subtasks']['a']['agent']}"
        )

    script.acts |= {"A": writes, "B": reads}
    script.plan = plan(item("a"), item("b", "a", assignee="wes"))
    run = ended(start(crew))
    state = state_of(run)
    assert state.data["subtasks"]["b"]["result"] == "3 wim"
    wrote: list[Entry] = [
        entry
        for entry in conf.manager().history(system("Crew"), state.id)
        if entry.agent == "agent:wim"
    ]
    assert [entry.ops[0].path for entry in wrote] == ["/notes"]
    assert "state.changed a" in log_of(run)


def test_two_agents_that_write_the_same_learn_of_it(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    async def collides(request: Request) -> AsyncIterator[Said]:
        assert request.states is not None
        await request.states.create("plan", {"owner": "nobody"})
        await request.states.write("plan", [{"op": "set", "path": "/owner", "value": "lena"}])
        try:
            await request.states.write(
                "plan", [{"op": "set", "path": "/owner", "value": "wes"}], base_version=1
            )
        except StateConflict as conflict:
            causes = conflict.problem["causes"]
            yield Answered(f"{causes[0]['path']} by {causes[0]['by']}")

    script.acts["A"] = collides
    run = ended(start(crew))
    assert state_of(run).data["subtasks"]["a"]["result"] == "/owner by agent:wim"


def test_an_older_picture_of_a_run_replaces_no_newer_one(
    crew: Group, script: Scripted, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ended(start(crew))
    state_of(run)
    before = conf.manager().get_state(system("Crew"), run_states.state_id(run.id))
    older = Run.objects.get(id=run.id)
    older.status = "running"
    conf.manager().configure(system("Crew"), before.id, {"tags": ["moved on"]})
    with pytest.raises(Conflict):
        run_states._write(conf.manager(), older, before, {"status": "running"})
    assert state_of(run).data["status"] == "completed"


def test_results_of_any_length_leave_room_for_the_others(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    async def talks(request: Request) -> AsyncIterator[Said]:
        yield Answered('"\n' * 200_000)

    script.plan = plan(*(item(chr(97 + number)) for number in range(12)))
    script.acts |= {chr(65 + number): talks for number in range(12)}
    state = state_of(ended(start(crew)))
    results = [each["result"] for each in state.data["subtasks"].values()]
    assert len(results) == 12 and all(text.endswith("…") for text in results)


def test_what_an_agent_has_not_read_is_not_the_base_of_what_it_writes(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    async def writes(request: Request) -> AsyncIterator[Said]:
        assert request.states is not None
        read = await request.states.read("plan")
        conf_write = {"op": "set", "path": "/a", "value": 2}
        await other()
        await request.states.write("plan", [conf_write])
        try:
            await request.states.write(
                "plan", [{"op": "set", "path": "/b", "value": read.data["b"] + 1}]
            )
        except StateConflict as conflict:
            yield Answered(f"{conflict.problem['causes'][0]['path']}")

    async def other() -> None:
        await in_thread(conf.manager().update_state)(system("Crew"), "plan", {"b": 100})

    conf.manager().create_state(
        system("Crew"), "plan", owners=["role:leader"], data={"a": 1, "b": 1}
    )
    script.acts["A"] = writes
    run = ended(start(crew))
    assert state_of(run).data["subtasks"]["a"]["result"] == "/b"
    assert conf.manager().get_state(system("Crew"), "plan").data == {"a": 2, "b": 100}
