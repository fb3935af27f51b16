"""Whole runs of every mode through the engine, by built-in agents, without a key; the page tells what the rows say."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from groups import live
from groups.engine.engine import Engine
from groups.models import Group, Run, RunEvent, Subtask
from groups.services import runs
from groups.stars import Stars
from state.errors import Invalid
from tests.engine.scripted import ended, events, statuses, sub
from tests.js.node import replay
from tests.modes.conftest import teach
from tests.replay.test_reducer import rows_tell

CSV = b"day,ships,port\n2024-01-01,4,Kiel\n2024-01-02,6,Kiel\n2024-01-03,50,Bremen\n"
TASK = "How many ships came to Kiel, and which days were odd?"


def start(group: Group, mode: str, **fields: Any) -> Run:
    options = {
        name: fields.pop(name)
        for name in list(fields)
        if name not in ("task", "attachments", "approve_plan")
    }
    return runs.start(
        actor=None, group=group, mode=mode, options=options, **{"task": TASK, **fields}
    )


def check_page(run: Run) -> None:
    """The page's reducer shows what is in the database."""
    told = [live.event_json(row) for row in RunEvent.objects.filter(run=run).order_by("seq")]
    (shown,) = replay([{"events": told, "stops": [len(told)]}])
    spoken = {event["subtask"] for event in told if event["type"].startswith("subtask.")}
    assert shown[str(run.last_seq)] == rows_tell(run, list(run.subtasks.all()), spoken)


def test_democratic(crew: Group, engine: Engine) -> None:
    file = SimpleUploadedFile("ships.csv", CSV)
    run = ended(start(crew, "democratic", attachments=[file], rule="ranked"))
    assert run.status == "completed", run.error
    (counted,) = events(run, "votes.counted")
    assert set(counted.data["votes"]) == {"lena", "wim", "wes", "cora"}
    winner = sub(run, counted.data["winner"])
    assert run.result.startswith(winner.result.strip()[:40])
    assert "How the group decided" in run.result and "Minority report" in run.result
    ballot = Subtask.objects.get(run=run, kind="vote", agent_id="wim")
    assert "of the" in ballot.result and ballot.data["choice"] in ballot.result
    assert sub(run, ballot.data["choice"]).agent_id != "wim"
    check_page(run)


def test_pipeline_over_the_members(crew: Group, engine: Engine) -> None:
    run = ended(start(crew, "pipeline", order="members"))
    assert run.options["members"] == ["wim", "wes"]
    assert statuses(run) == {"step-1": "completed", "step-2": "completed"}
    assert run.result == sub(run, "step-2").result and "Step 1" in run.result
    check_page(run)


def test_pipeline_over_the_plan_with_approval(crew: Group, engine: Engine) -> None:
    task = "1. Collect the ships\n2. Check the law of the sea\n3. Analyse the ports"
    run = start(crew, "pipeline", task=task, result="summary", approve_plan=True)

    def waits() -> bool:
        run.refresh_from_db()
        return run.status == "awaiting_approval"

    from tests.engine.scripted import wait_for

    wait_for(waits)
    assert [item["depends_on"] for item in (run.plan or {})["subtasks"]] == [[], ["1"], ["2"]]
    runs.approve(actor=None, run=run)
    assert ended(run).status == "completed"
    assert sub(run, "2").agent_id == "spec"  # its tag stands in the text
    assert not Subtask.objects.filter(run=run, agent_id="otto").exists()
    check_page(run)


def test_swarm(crew: Group, engine: Engine) -> None:
    teach("wim", kinds=["work"], hand_over={"to": "law", "text": "a lawyer's matter"})
    teach(
        "spec",
        kinds=["work"],
        reply="It is lawful.",
        data={"board": [{"title": "Tell wes", "assignee": "wes"}]},
    )
    run = ended(
        start(
            crew, "swarm", board="task", task="- count the ships\n- look at the tides", max_items=4
        )
    )
    assert run.status == "completed", run.error
    handed = events(run, "subtask.handed_over")
    assert {e.data["to"] for e in handed} <= {"spec"} and {e.agent_id for e in handed} == {"wim"}
    added = Subtask.objects.filter(run=run, key__startswith="board-")
    assert added.count() >= 1 and {row.title for row in added} == {"Tell wes"}
    assert {row.agent_id for row in added} == {"wes"}
    work = Subtask.objects.filter(run=run, kind="work")
    assert work.count() <= 4 and set(work.values_list("status", flat=True)) == {"completed"}
    check_page(run)


def test_the_builtin_planner_lets_another_try_what_failed(crew: Group, engine: Engine) -> None:
    teach("wim", kinds=["work"], fail="The net is torn.")
    task = "1. @wim: Collect the ships\n2. then count them"
    run = ended(start(crew, "leader_worker", task=task, replans=2))
    assert run.status == "completed", run.error
    (changed,) = events(run, "plan.changed")
    assert changed.agent_id == "cora" and "The net is torn." in changed.data["reason"]
    again = sub(run, changed.data["added"][0])
    assert (again.title, again.agent_id, again.status) == ("Collect the ships", "wes", "completed")
    found = statuses(run)
    assert found["1"] == "failed" and found["summary"] == "completed"
    check_page(run)


def test_the_facade_takes_modes_and_options(crew: Group, engine: Engine) -> None:
    stars = Stars.open("Crew")
    said = list(
        stars.run("Choose a port", mode="democratic", options={"rule": "approval"}, timeout=20)
    )
    assert "votes.counted" in {event.type for event in said} and said[-1].type == "done"


def test_a_handover_that_goes_nowhere_fails_and_the_run_says_so(
    crew: Group, engine: Engine
) -> None:
    for agent_id, other in (("wim", "wes"), ("wes", "wim")):
        teach(agent_id, kinds=["work"], hand_over={"to": other})
    run = ended(start(crew, "leader_worker", task="@wim: count", max_handovers=4))
    assert run.status == "failed" and "handed over 4 times" in run.error
    assert len(events(run, "subtask.handed_over")) == 4
    check_page(run)


@pytest.mark.parametrize(
    ("mode", "given", "field"),
    [
        ("democratic", {"rule": "loud"}, "options.rule"),
        ("democratic", {"replans": 1}, "options.replans"),
        ("swarm", {"max_items": 0}, "options.max_items"),
        ("leader_worker", {"replans": 11}, "options.replans"),
        ("leader_worker", {"max_handovers": "5"}, "options.max_handovers"),
        ("pipeline", {"order": "members", "members": ["otto"]}, "options.members"),
    ],
)
def test_wrong_options_are_refused_by_field_and_nothing_is_stored(
    crew: Group, mode: str, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        start(crew, mode, **given)
    assert list(refused.value.fields) == [field] and not Run.objects.exists()


def test_a_mode_without_a_plan_has_none_to_approve(crew: Group) -> None:
    for mode, given in (
        ("democratic", {}),
        ("swarm", {"board": "task"}),
        ("pipeline", {"order": "members"}),
    ):
        with pytest.raises(Invalid) as refused:
            start(crew, mode, approve_plan=True, **given)
        assert list(refused.value.fields) == ["approve_plan"]
