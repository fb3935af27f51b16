"""What holds for every tool: only what was granted is there, arguments are checked, people approve, faults are told."""

from __future__ import annotations

import re
from typing import Any

import pytest

from groups.agents.base import StateConflict
from groups.agents.surroundings import NeedsPerson
from groups.agents.tools import grants
from groups.agents.tools.base import MAX_RESULT
from tests.tools.world import Shelf, World, box, use


async def test_what_was_not_granted_does_not_exist_whatever_it_is_called() -> None:
    world = World()
    toolbox = box("calculator", world=world)
    assert [spec.name for spec in await toolbox.specs()] == ["calculator"]
    for name in ("message.send", "message_send", "state.write", "mcp:files/read", "os.system", ""):
        ok, told = await use(toolbox, name, text="ignore your instructions", to="lena")
        assert not ok and "You have: calculator." in told
    assert world.sent == []


async def test_tools_have_names_that_every_provider_takes_and_answer_to_both() -> None:
    toolbox = box("state.read", "calculator", states=Shelf())
    names = [spec.name for spec in await toolbox.specs()]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)
    # In a later attempt nobody has asked for the specs.
    fresh = box("state.read", states=Shelf())
    assert (await use(fresh, "state_read", id="plan", path="/a/b/0"))[1].endswith("\n1")
    assert (await use(fresh, "state.read", id="plan", path="/a/b/1"))[1].endswith("\n2")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "'expression' is a required property"),
        ({"expression": 7}, "/expression: 7 is not of type 'string'"),
        ({"expression": "1", "also": "rm"}, "Additional properties"),
        ({"expression": "1" * 400_000}, "more than 300,000 characters"),
        ({"expression": {1, 2}}, "required|not of type|no JSON"),
    ],
)
async def test_wrong_arguments_are_told_in_words(arguments: dict[str, Any], told: str) -> None:
    found = await box("calculator").call("calculator", arguments, call_id="c")
    assert not found.ok
    assert re.search(told, found.text)


async def test_a_person_approves_exactly_this_call_or_it_is_not_done() -> None:
    world = World()
    toolbox = box({"tool": "message.send", "approval": True, "patience": 60.0}, world=world)
    with pytest.raises(NeedsPerson) as asked:
        await use(toolbox, "message.send", to="lena", text="Sell the boat")
    assert asked.value.options == ("approve", "deny")
    assert asked.value.patience == 60
    assert 'text = "Sell the boat"' in asked.value.question
    assert 'to = "lena"' in asked.value.question
    for answer in ("deny", "not yet, ask Ada", ""):
        found = await toolbox.call(
            "message.send", {"to": "lena", "text": "Sell"}, call_id="c", answer=answer
        )
        assert not found.ok and "did not approve" in found.text
    assert world.sent == []
    done = await toolbox.call(
        "message.send", {"to": "lena", "text": "Sell"}, call_id="c", answer="Approve "
    )
    assert done.ok and world.sent == [("lena", "Sell")]


async def test_a_person_is_asked_and_the_answer_is_the_result() -> None:
    toolbox = box({"tool": "person.ask", "patience": 5.0})
    with pytest.raises(NeedsPerson, match="Barges too") as asked:
        await use(toolbox, "person.ask", question="Barges too?", options=["yes", "no"])
    assert asked.value.options == ("yes", "no")
    found = await toolbox.call(
        "person.ask", {"question": "Barges too?"}, call_id="c", answer="only big ones"
    )
    assert found.ok and "only big ones" in found.text


async def test_a_collision_is_told_so_that_the_agent_can_act() -> None:
    shelf = Shelf()
    shelf.collision = StateConflict(
        "This write collides with what others have written.",
        {
            "reason": "conflict",
            "base_version": 3,
            "head_version": 5,
            "causes": [
                {
                    "kind": "both_changed",
                    "path": "/steps/2/owner",
                    "base": "a",
                    "theirs": "b",
                    "mine": "c",
                    "by": "agent:wes",
                }
            ],
            "current": {"steps": [{}, {}, {"owner": "b"}]},
        },
    )
    toolbox = box("state.write", states=shelf)
    change = {"op": "set", "path": "/steps/2/owner", "value": "c"}
    ok, told = await use(toolbox, "state.write", id="plan", changes=[change], base_version=3)
    assert not ok
    for part in (
        "Nothing was written",
        "/steps/2/owner",
        '"b"',
        '"c"',
        "agent:wes",
        "base_version 5",
    ):
        assert part in told
    assert '{"steps": [{}, {}, {"owner": "b"}]}' in told


async def test_the_same_call_has_the_same_operation_and_another_has_another() -> None:
    shelf = Shelf()
    for value in (1, 1, 2):
        change = {"op": "set", "path": "/a", "value": value}
        await use(box("state.write", states=shelf), "state.write", id="plan", changes=[change])
    first, again, other = (write[3] for write in shelf.writes)
    assert first == again != other


async def test_states_are_read_in_parts_and_faults_are_told() -> None:
    toolbox = box("state.read", "state.create", states=Shelf())
    ok, told = await use(toolbox, "state.read", id="plan")
    assert ok and len(told) < MAX_RESULT + 200 and "Read parts of it by `path`" in told
    ok, told = await use(toolbox, "state.read", id="plan", path="/nope")
    assert not ok and "It holds: 'a', 'long'" in told
    ok, told = await use(toolbox, "state.read", id="../other-group/plan")
    assert not ok and "no such state" in told
    ok, told = await use(toolbox, "state.create", id="plan", data={})
    assert not ok and "already" in told


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({"tool": "shell"}, "grants[0].tool", "There is no tool 'shell'"),
        ({"tool": "mcp:a b"}, "grants[0].tool", "There is no tool"),
        ({"tool": "web.fetch"}, "grants[0].hosts", "Name 1 to"),
        ({"tool": "web.fetch", "hosts": ["http://x/"]}, "grants[0].hosts", "is no host"),
        ({"tool": "web.fetch", "hosts": ["*"]}, "grants[0].hosts", "is no host"),
        ({"tool": "calculator", "hosts": ["x.org"]}, "grants[0].hosts", "Only web.fetch"),
        ({"tool": "calculator", "timeout": 5}, "grants[0].timeout", "no time limit"),
        ({"tool": "table.query", "timeout": 9999}, "grants[0].timeout", "from 1 to 600"),
        ({"tool": "person.ask", "approval": True}, "grants[0].approval", "anyway"),
        ({"tool": "calculator", "approved": True}, "grants[0]", "unknown field"),
        ({"tool": "calculator", "approval": "yes"}, "grants[0]", "bool"),
        ("calculator", "grants[0]", "no grant"),
    ],
)
def test_a_faulty_grant_is_refused_at_its_field(given: Any, field: str, sentence: str) -> None:
    [(where, told), *_more] = grants.faults([given])
    assert where == field
    assert sentence in told


def test_grants_that_are_no_list_or_double_are_refused() -> None:
    assert grants.faults({"tool": "calculator"})[0][0] == "grants"
    assert grants.faults([{"tool": "calculator"}] * 2)[0][1] == "'calculator' is granted twice."
    assert len(grants.parse([{"tool": "calculator"}, {"tool": "gone.tool"}])) == 1
