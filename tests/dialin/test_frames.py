"""What the socket of agents' processes refuses, and when it closes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from websockets.exceptions import InvalidStatus

from groups.agents.connected import protocol
from groups.dialin import session
from groups.models import Agent, AgentCredential, Call, CallFrame, DialIn, Group, Subtask
from groups.services import calls, credentials, dialins, runs
from tests.dialin.conftest import address_of
from tests.dialin.process import Address, dialled
from tests.engine.conftest import Doorbell
from tests.engine.scripted import ended, sub
from tests.factories import make_run


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer stars-wrong"},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer "},
        {},
    ],
)
def test_without_the_right_credential_the_socket_is_closed(
    dora: Address, headers: dict[str, str]
) -> None:
    with dialled(dora, additional_headers=headers) as process:
        assert process.closed() == 4401


def test_the_credential_of_one_agent_opens_no_other(dora: Address, server: str) -> None:
    dirk = address_of(server, "dirk")
    with dialled(dora._replace(credential=dirk.credential)) as process:
        assert process.closed() == 4401


def test_a_credential_may_come_as_a_subprotocol(dora: Address) -> None:
    offered: Any = [protocol.SUBPROTOCOL, f"bearer.{dora.credential}"]
    with dialled(dora, additional_headers={}, subprotocols=offered) as process:
        assert process.line.subprotocol == protocol.SUBPROTOCOL
        assert process.hello()["agent"] == "dora"


def test_pages_of_other_sites_open_no_socket(dora: Address) -> None:
    with pytest.raises(InvalidStatus), dialled(dora, origin="http://evil.example"):
        raise AssertionError("it was opened")


def test_a_revoked_credential_ends_its_socket_and_opens_none(dora: Address) -> None:
    with dialled(dora) as process:
        process.hello()
        credentials.revoke(actor=None, credential=dora.row)
        assert "credential" in process.hear("bye")["reason"]
        assert process.closed() == 4401
    with dialled(dora) as process:
        assert process.closed() == 4401


def test_an_agent_that_is_no_longer_connected_in_kind_is_refused(dora: Address) -> None:
    Agent.objects.filter(agent_id="dora").update(kind="builtin", config={})
    with dialled(dora) as process:
        assert process.closed() == 4403


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("{", "bad_json"),
        ("[" * 100_000, "bad_frame"),
        ('{"type": "hell"}', "bad_frame"),
        ('{"type": "hello", "parallel": 0}', "bad_frame"),
        ('{"type": "hello", "parallel": 1000}', "bad_frame"),
        ('{"type": "text", "call": "x", "seq": 1, "text": "y"}', "hello_first"),
        ('{"type": "pong"}', "hello_first"),
    ],
)
def test_a_socket_that_does_not_begin_with_hello_is_closed(
    dora: Address, frame: str, reason: str
) -> None:
    with dialled(dora) as process:
        process.send(frame)
        assert process.hear("error")["reason"] == reason
        assert process.closed() == 4400


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ('{"type": "hello"}', "hello_first"),
        ('{"type": "text", "call": "x", "seq": 1}', "bad_frame"),
        ('{"type": "text", "call": "x", "seq": 0, "text": ""}', "bad_frame"),
        ('{"type": "text", "call": "x", "seq": 1, "text": "not mine"}', "not_yours"),
        ('{"type": "done", "call": "x", "seq": 1, "plan": 7}', "bad_frame"),
        ('{"type": "text", "call": "x", "seq": 1, "text": "\\ud800"}', "bad_json"),
        ("x" * (protocol.MAX_FRAME + 1), "frame_too_large"),
    ],
)
def test_a_bad_frame_is_refused_and_the_socket_stays(
    dora: Address, frame: str, reason: str
) -> None:
    with dialled(dora) as process:
        process.hello()
        process.send(frame)
        refused = process.hear("error")
        assert refused["reason"] == reason
        assert len(refused["message"]) > 20
        process.send({"type": "pong"})
        assert process.silent(0.1)


def test_a_flood_of_frames_ends_the_socket(dora: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "BURST", 50.0)
    monkeypatch.setattr(session, "RATE", 1.0)
    with dialled(dora) as process:
        process.hello()
        for _ in range(60):
            process.send({"type": "pong"})
        assert "faster" in process.hear("bye")["reason"]
        assert process.closed() == 4408


def test_of_one_call_no_more_is_taken_than_can_be_kept(
    doorbell: Doorbell, dora: Address, crew: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MOST", 10_000)
    run = runs.start(actor=None, group=crew, task="@dora count the ships", failure_policy="stop")
    with dialled(dora) as process:
        process.hello()
        call = process.hear("work")["call"]
        process.say(call, "text", text="x" * 9_000)
        process.heard(call, 1)
        process.say(call, "text", text="x" * 9_000)
        refused = process.hear("error")
        assert (refused["reason"], refused["call"]) == ("call_too_large", call)
        process.seqs[call] = 1
        process.say(call, "fail", error="too much " + "x" * 2_000)
        assert sub(ended(run), "1").error.startswith("too much")
    assert [frame.frame["type"] for frame in CallFrame.objects.order_by("seq")] == ["text", "fail"]


def test_a_process_that_falls_silent_is_taken_for_dead(
    dora: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEARTBEAT", 0.2)
    monkeypatch.setattr(session, "LOOK", 0.05)
    with dialled(dora) as process:
        process.hello()
        process.hear("ping")
        assert process.closed() == 4410


def test_who_is_there_is_known(dora: Address) -> None:
    agent = Agent.objects.get(agent_id="dora")
    with dialled(dora) as process:
        process.hello()
        [row] = dialins.present(agent.pk)
        assert row.name == "test"
        # A server process that died says nothing any more.
        old = timezone.now() - timedelta(seconds=dialins.GONE + 1)
        DialIn.objects.update(seen_at=old)
        assert not dialins.present(agent.pk).filter(seen_at=old).exists()


def test_credentials_are_kept_as_digests_only(crew: Group) -> None:
    ada = User.objects.get(username="ada")
    row, text = credentials.make(actor=ada, agent=Agent.objects.get(agent_id="dora"))
    assert text.startswith(row.prefix) and len(text) > 40
    assert text not in str(AgentCredential.objects.values())
    assert credentials.recognised("dora", text) == row
    assert credentials.recognised("dirk", text) is None
    row.refresh_from_db()
    assert row.last_used_at is not None


def test_the_sweep_ends_void_calls_and_removes_what_ended_long_ago(crew: Group) -> None:
    run = make_run(group=crew)
    agent = Agent.objects.get(agent_id="dora")
    done = {"run": run, "kind": "work", "title": "A", "assignee": "dora"}
    running = Subtask.objects.create(
        **done, key="a", status="running", lease_token=uuid4(), lease_until=timezone.now()
    )
    ended = Subtask.objects.create(**done, key="b", status="cancelled")
    kept, void, old = (
        Call.objects.create(
            agent=agent, subtask=subtask, lease_token=uuid4(), request={}, status=status
        )
        for subtask, status in ((running, "taken"), (ended, "taken"), (ended, "ended"))
    )
    CallFrame.objects.create(call=old, seq=1, frame={})
    Call.objects.filter(pk=old.pk).update(ended_at=timezone.now() - 2 * calls.KEPT)
    calls.sweep()
    assert dict(Call.objects.values_list("pk", "status")) == {kept.pk: "taken", void.pk: "ended"}
    assert not CallFrame.objects.exists()
