"""Tools in real runs: agents of any kind use them through the engine, within their group, and each effect is once."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from groups.agents.base import Answered, Request, Waiting
from groups.agents.surroundings import NeedsPerson, ToolResult
from groups.engine.engine import Engine
from groups.execution.statuses import SubtaskStatus, WaitsFor
from groups.models import Agent, Group, Message, Run, ToolServer
from groups.services import runs
from state import conf
from state.policy import system
from tests.engine.scripted import Said, Scripted, ended, events, start, sub, wait_for
from tests.factories import make_group
from tests.unit.world import item, plan

#: What wim is told, in his order.
Told = list[ToolResult]


def grant(*tools: Any) -> None:
    """Grant wim these."""
    full = [tool if isinstance(tool, dict) else {"tool": tool} for tool in tools]
    Agent.objects.filter(agent_id="wim").update(grants=full)


def using(told: Told, *calls: tuple[str, dict[str, Any]]) -> Any:
    """An act that makes these calls, one after the other; asks a person where a tool needs one."""

    async def act(request: Request) -> AsyncIterator[Said]:
        assert request.tools is not None
        for number, (tool, arguments) in enumerate(calls):
            answer = request.answers[0] if request.answers else None
            try:
                told.append(
                    await request.tools.call(tool, arguments, call_id=f"c{number}", answer=answer)
                )
            except NeedsPerson as need:
                yield Waiting(
                    question=need.question,
                    options=need.options,
                    patience=need.patience,
                    waits_for=WaitsFor.APPROVAL,
                )
                return
        yield Answered(told[-1].text)

    return act


@pytest.fixture
def told(script: Scripted) -> Told:
    script.plan = plan(item("a", assignee="wim"))
    return []


def test_states_are_read_and_written_in_the_agents_own_group_only(
    engine: Engine,
    crew: Group,
    script: Scripted,
    told: Told,
) -> None:
    other = make_group(group_id="Other", leader="olga")
    conf.manager().create_state(system(other.id), "plan", data={"secret": "pearls"})
    grant("state.create", "state.read", "state.write", "state.merge", "state.list")
    write = {"id": "log", "changes": [{"op": "set", "path": "/n", "value": 2}]}
    script.acts["A"] = using(
        told,
        ("state.create", {"id": "log", "data": {"n": 1}}),
        ("state.write", write),
        ("state.merge", {"id": "log", "value": {"by": "wim"}}),
        ("state.read", {"id": "Other/plan"}),
        ("state.read", {"id": "plan"}),
        ("state.read", {"id": "run"}),
        ("state.list", {}),
        ("state.read", {"id": "log"}),
    )
    run = ended(start(crew))
    assert [each.ok for each in told] == [True, True, True, False, False, True, True, True]
    assert '{"n": 2, "by": "wim"}' in told[-1].text
    assert not any("pearls" in each.text for each in told)
    changed = [event.data["version"] for event in events(run, "state.changed")]
    assert changed == [1, 2, 3]
    # Whoever looks at the state finds the run.
    blame = conf.manager().blame(system(crew.id), "log")
    assert {path: each.run for path, each in blame.items()} == {
        "/n": str(run.id),
        "/by": str(run.id),
    }
    first = conf.manager().history(system(crew.id), "log")[-1]
    assert first.metadata == {"run": str(run.id)}


def test_messages_go_to_members_once_and_into_the_log(
    engine: Engine,
    crew: Group,
    script: Scripted,
    told: Told,
) -> None:
    make_group(group_id="Other", leader="olga")
    grant("message.send")
    script.acts["A"] = using(
        told,
        ("message.send", {"to": "wes", "text": "Nine ships."}),
        ("message.send", {"to": "wes", "text": "Nine ships."}),
        ("message.send", {"to": "olga", "text": "Come over, they said."}),
        ("message.send", {"text": "All counted."}),
    )
    run = ended(start(crew))
    assert [each.ok for each in told] == [True, True, False, True]
    assert "not again" in told[1].text
    assert "Members: lena, wes, wim." in told[2].text
    sent = Message.objects.filter(sender="wim").order_by("id")
    assert [(m.group_id, m.recipient, m.text) for m in sent] == [
        ("Crew", "wes", "Nine ships."),
        ("Crew", "", "All counted."),
    ]
    assert [event.data["to"] for event in events(run, "message.sent")] == ["wes", ""]


@pytest.mark.parametrize(("answer", "sent"), [("approve", 1), ("deny", 0)])
def test_a_call_waits_for_a_persons_word(
    engine: Engine,
    crew: Group,
    script: Scripted,
    told: Told,
    answer: str,
    sent: int,
) -> None:
    grant({"tool": "message.send", "approval": True})
    script.acts["A"] = using(told, ("message.send", {"to": "wes", "text": "Sell the boat."}))
    run = start(crew)
    wait_for(lambda: _waits(run), "wim to wait")
    waiting = sub(run, "a")
    assert 'text = "Sell the boat."' in waiting.question
    assert waiting.options == ["approve", "deny"]
    assert Message.objects.count() == 0
    runs.answer(actor=None, run=run, subtask=waiting, text=answer)
    ended(run)
    assert Message.objects.filter(sender="wim").count() == sent
    assert told[-1].ok is bool(sent)


def test_a_command_is_a_tool_server_only_where_the_operator_allows_it(
    engine: Engine,
    crew: Group,
    script: Scripted,
    told: Told,
    settings: Any,
) -> None:
    command = [sys.executable, "-m", "tests.tools.mcp_server"]
    ToolServer.objects.create(name="pipe", command=command)
    grant({"tool": "mcp:pipe", "timeout": 20.0})
    script.acts["A"] = using(told, ("mcp:pipe/add", {"a": 2, "b": 3}))
    settings.STARS_ALLOW_COMMANDS = False
    ended(start(crew))
    assert not told[-1].ok and "cannot be used" in told[-1].text
    settings.STARS_ALLOW_COMMANDS = True
    ended(start(crew))
    assert told[-1].text == "5"


def _waits(run: Run) -> bool:
    return run.subtasks.filter(key="a", status=SubtaskStatus.WAITING).exists()
