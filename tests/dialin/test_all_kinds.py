"""One group of all kinds of agents, and one task with all of them: each over its own way, in one log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from groups.execution.statuses import SubtaskKind
from groups.models import Agent, Group, Subtask
from groups.services import membership, runs, secrets
from tests.dialin.process import Address, running
from tests.engine.conftest import Doorbell
from tests.engine.scripted import ended, events, start, sub, wait_for
from tests.factories import make_agent
from tests.llm.asking import KEY
from tests.llm.stub import Reply, Stub, text
from tests.llm.test_plans import planned, says, step
from tests.llm.test_runs import by_duty
from tests.remote import a2a_agent
from tests.remote.receiver import SECRET, answer, receiving


@pytest.fixture
def stub() -> Iterator[Stub]:
    """The model server."""
    server = Stub().start()
    yield server
    server.stop()


def join(group: Group, agent_id: str, kind: str, config: dict[str, Any], **keys: str) -> None:
    """A worker of that kind."""
    agent = make_agent(agent_id=agent_id, kind=kind, config=config)
    agent.secrets = secrets.seal(keys, agent.pk) if keys else None
    agent.save()
    membership.join(actor=None, group=group, agent_id=agent_id)


def test_all_kinds_work_on_one_task(
    doorbell: Doorbell, dora: Address, crew: Group, stub: Stub, settings: Settings
) -> None:
    settings.STARS_WEBHOOK_ALLOWED = ["127.0.0.1"]
    model = {"model": "local-9", "base_url": stub.url, "check_demands": False}
    lena = Agent.objects.get(agent_id="lena")
    lena.kind, lena.config = "llm", model
    lena.secrets = secrets.seal({"api_key": KEY}, lena.pk)
    lena.save()
    names = ("mia", "dora", "ann", "tally", "bob", "digest")
    stub.answer = by_duty(
        plan=says(planned(*(step(name, name) for name in names))),
        work=text("Seven, says the model."),
        summary=summed,
    )
    with a2a_agent.agent() as remote, receiving(answer(text="Seven, says the hook.")) as hook:
        join(crew, "mia", "llm", model, api_key=KEY)
        join(crew, "ann", "a2a", {"card_url": remote.url})
        join(crew, "tally", "webhook", {"url": hook.url}, secret=SECRET)
        join(crew, "bob", "human", {})
        join(crew, "digest", "builtin", {"skill": "digest"})
        with running(dora):
            run = start(crew)
            wait_for(lambda: events(run, "subtask.waiting"), "the colleague is asked")
            runs.answer(actor=None, run=run, subtask=sub(run, "bob"), text="Seven, says Bob.")
            run = ended(run)
    assert run.status == "completed", run.error
    work = Subtask.objects.filter(run=run, kind=SubtaskKind.WORK)
    assert {each.key: each.status for each in work} == dict.fromkeys(names, "completed")
    assert run.result.startswith("All of them: ")
    for said in ("says the model", "says the hook", "says Bob"):
        assert said in run.result
    assert {event.agent_id for event in events(run, "subtask.completed")} >= set(names)
    assert run.usage["requests"] == 3


def summed(body: dict[str, Any]) -> Reply:
    """The leader's summary: what it was told."""
    told = body["messages"][1]["content"]
    said = [line for line in told.splitlines() if line.startswith("Seven")]
    return text("All of them: " + " ".join(said) + " [bob]")
