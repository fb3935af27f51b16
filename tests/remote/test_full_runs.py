"""Whole runs with agents elsewhere as leader and as worker, through the engine and its log."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from a2a.helpers import new_text_part
from a2a.server.tasks import TaskUpdater
from a2a.types.a2a_pb2 import Message
from django.conf import settings as site
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from groups.execution.statuses import RunStatus, SubtaskStatus
from groups.models import Group
from groups.services import runs
from tests.engine.conftest import Doorbell
from tests.engine.scripted import at_work, ended, events, start, sub, wait_for
from tests.factories import make_user
from tests.remote import a2a_agent, old_agent
from tests.remote.asking import PLAN
from tests.remote.conftest import Register
from tests.remote.receiver import SECRET, answer, ndjson, receiving, status

EXAMPLE = Path(site.BASE_DIR) / "docs" / "examples" / "webhook_receiver.py"


async def lead(updater: TaskUpdater, message: Message, turn: int) -> None:
    """Plan one subtask for wim, and sum up with its result."""
    words = message.parts[0].text
    if words.startswith("You lead"):
        text = '{"subtasks": [{"key": "a", "title": "a", "assignee": "wim"}]}'
    else:
        text = "In all: " + words.rpartition("\n")[2]
    await updater.add_artifact([new_text_part(text)])
    await updater.complete()


def test_an_a2a_agent_leads_and_a_webhook_that_fails_twice_works(
    crew: Group, doorbell: Doorbell, become: Register
) -> None:
    streamed = ndjson(
        {"type": "text", "text": "Seven "}, {"type": "text", "text": "ships."}, {"type": "done"}
    )
    with a2a_agent.agent() as remote, receiving(status(500), status(503), streamed) as receiver:
        remote.act = lead
        become("lena", "a2a", {"card_url": remote.url}, token="t0ken-of-lena")
        become("wim", "webhook", {"url": receiver.url}, secret=SECRET)
        run = ended(start(crew))
    assert (run.status, run.result) == (RunStatus.COMPLETED, "In all: Seven ships.")
    assert sub(run, "a").result == "Seven ships."
    assert len(set(receiver.keys)) == 1
    assert len(events(run, "subtask.retrying")) == 2
    told = "".join(str(row.data) for row in run.events.all())
    assert "t0ken-of-lena" not in told
    assert SECRET not in told


def test_a_webhook_leads_and_an_old_a2a_agent_works(
    crew: Group, doorbell: Doorbell, become: Register
) -> None:
    done = old_agent.task("completed", artifacts=[old_agent.artifact("Seven.")])
    plans = answer(plan=PLAN, usage={"input_tokens": 40, "cost_usd": 0.5})
    with (
        old_agent.agent(message_send=old_agent.result(done)) as old,
        receiving(plans, answer(text="Seven, says wim.")) as receiver,
    ):
        become("lena", "webhook", {"url": receiver.url}, secret=SECRET)
        become("wim", "a2a", {"card_url": old.url})
        run = ended(start(crew))
    assert run.result == "Seven, says wim."
    assert [body["kind"] for body in receiver.bodies] == ["plan", "summary"]
    assert receiver.bodies[1]["findings"][0]["text"] == "Seven."
    assert (run.usage["input_tokens"], run.usage["cost_usd"]) == (40, 0.5)


def test_a_question_of_an_a2a_agent_is_answered_in_the_inbox(
    crew: Group, doorbell: Doorbell, become: Register
) -> None:
    with a2a_agent.agent() as remote:
        remote.act = a2a_agent.ask
        become("wim", "a2a", {"card_url": remote.url})
        run = start(crew)
        wait_for(lambda: events(run, "subtask.waiting"), "the question")
        assert events(run, "subtask.waiting")[0].data["question"] == "Which harbour?"
        runs.answer(actor=None, run=run, subtask=sub(run, "a"), text="Kiel")
        run = ended(run)
    assert sub(run, "a").result == "Nine ships in Kiel."
    assert remote.messages[0].task_id == remote.messages[1].task_id
    assert remote.messages[1].context_id == str(sub(run, "a").id)


def test_cancelling_a_run_cancels_the_task_elsewhere(
    crew: Group, doorbell: Doorbell, become: Register
) -> None:
    with a2a_agent.agent() as remote:
        remote.act = a2a_agent.ponder
        become("wim", "a2a", {"card_url": remote.url})
        run = start(crew)
        wait_for(lambda: events(run, "text.delta"), "its first words")
        at_work(run, "a")
        runs.cancel(actor=None, run=run)
        wait_for(lambda: remote.cancelled, "that it hears", seconds=2)
    assert ended(run).status == RunStatus.CANCELLED


def test_an_agent_at_a_private_address_fails_with_a_clear_word(
    crew: Group, doorbell: Doorbell, become: Register, settings: Settings
) -> None:
    settings.STARS_WEBHOOK_ALLOWED = []
    become("wim", "a2a", {"card_url": "http://127.0.0.1:9/"})
    run = ended(start(crew))
    assert "'127.0.0.1' is not a public address" in sub(run, "a").error
    assert sub(run, "a").attempt == 1


def test_an_agent_of_another_version_of_the_protocol_fails_its_subtask_by_name(
    crew: Group, doorbell: Doorbell, become: Register
) -> None:
    with old_agent.agent() as old:
        old.card["protocolVersion"] = "2.1"
        become("wim", "a2a", {"card_url": old.url})
        run = ended(start(crew, max_attempts=3))
        assert old.calls == []
    failed = sub(run, "a")
    assert (failed.status, failed.attempt) == (SubtaskStatus.FAILED, 1)
    [event] = events(run, "subtask.failed")
    assert "speaks 2.1" in event.data["error"] and "Stars speaks 1.0 and 0.3" in failed.error
    assert run.status == RunStatus.FAILED


@pytest.fixture
def example() -> Iterator[str]:
    """The receiver of the documents, running; its address."""
    with subprocess.Popen(
        [sys.executable, str(EXAMPLE), "0"],
        env={**os.environ, "STARS_SECRET": SECRET},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


def test_the_receiver_of_the_documents_calls_back(
    crew: Group,
    doorbell: Doorbell,
    become: Register,
    example: str,
    live_server: LiveServer,
    settings: Settings,
) -> None:
    settings.STARS_PUBLIC_URL = live_server.url
    become("wim", "webhook", {"url": example}, secret=SECRET)
    run = ended(start(crew))
    assert sub(run, "a").status == SubtaskStatus.COMPLETED
    assert sub(run, "a").result == "'A' is done; its instructions had 0 words."
    waiting: dict[str, Any] = events(run, "subtask.waiting")[0].data
    assert waiting["waits_for"] == "remote"


def test_agents_elsewhere_are_talked_to_outside_of_any_run(
    crew: Group, become: Register, client: Client
) -> None:
    client.force_login(make_user(username="cy"))

    def talk(agent_id: str) -> Any:
        path = f"/api/v1/agents/{agent_id}/conversation/"
        return client.post(path, {"text": "Ahoy"}, content_type="application/json").json()

    with a2a_agent.agent() as remote, receiving(answer(text="Aye"), status(202)) as receiver:
        become("lena", "a2a", {"card_url": remote.url}, token="t0ken-of-lena")
        become("wim", "webhook", {"url": receiver.url}, secret=SECRET)
        told = talk("lena")
        assert (told["status"], told["text"]) == ("answered", "Seven ships.")
        assert talk("wim")["text"] == "Aye"
        later = talk("wim")
    assert receiver.bodies[0]["callback"] is None
    assert (later["status"], later["text"]) == (
        "failed",
        "The agent wants to answer later, which it can in a run only.",
    )
