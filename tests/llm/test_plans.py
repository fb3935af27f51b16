"""A leader's plan: by the way that works, checked against the group, repaired at most so often."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groups.agents.base import AgentError, Answered, Planned
from groups.agents.llm import plans
from groups.agents.llm.structured import parse
from groups.execution import votes
from groups.execution.plan import Assignable
from groups.execution.statuses import SubtaskKind
from tests.llm.asking import MEMBERS, config, finding, heard, request, text_of, usages
from tests.llm.stub import Reply, Stub, refusal, text, tool

PLAN = SubtaskKind.PLAN


def step(key: str, assignee: str = "wim", **more: Any) -> dict[str, Any]:
    """A subtask as a model writes it."""
    return {
        "key": key,
        "title": f"Do {key}",
        "assignee": assignee,
        "instructions": f"All of {key}.",
        "depends_on": [],
        "covers": [1],
        **more,
    }


def planned(*steps: dict[str, Any], demands: tuple[str, ...] = ("count",)) -> dict[str, Any]:
    """The plan as a model writes it."""
    return {"note": "Figures first.", "demands": list(demands), "subtasks": list(steps)}


GOOD = planned(step("a"), step("b", "words", depends_on=["a"]))


def says(value: object, **more: Any) -> Reply:
    """It as text, in pieces."""
    wire = json.dumps(value)
    return Reply(said=[wire[i : i + 7] for i in range(0, len(wire), 7)], **more)


def asked(stub: Stub, *, ability: dict[str, Any] | None = None, **more: Any) -> Any:
    """A plan request to lena."""
    return request(PLAN, config(stub.url, **more), agent_id="lena", ability=ability or {})


async def test_a_plan_by_json_schema_is_told_as_it_is_written(stub: Stub) -> None:
    stub.replies = [says(GOOD)]
    events = await heard(asked(stub))
    [plan] = [event.plan for event in events if isinstance(event, Planned)]
    assert [(s.key, s.assignee, s.depends_on) for s in plan.subtasks] == [
        ("a", "wim", ()),
        ("b", "words", ("a",)),
    ]
    assert plan.note == "Figures first."
    assert text_of(events) == "Figures first.\n\na. Do a → wim\nb. Do b → words (after a)\n"
    assert len(usages(events)) == 1
    schema = stub.bodies[0]["response_format"]["json_schema"]["schema"]
    item = schema["properties"]["subtasks"]["items"]["properties"]
    assert item["assignee"]["enum"] == ["wim", "wes", "figures", "words"]
    assert "wim: worker; tags: figures; Counts ships." in stub.bodies[0]["messages"][1]["content"]


@pytest.mark.parametrize("way", ["native", "tool", "prompted"])
async def test_the_way_that_a_test_found_is_taken_first(stub: Stub, way: str) -> None:
    stub.replies = [tool("plan", GOOD) if way == "tool" else says(GOOD)]
    await heard(asked(stub, ability={"structured": way}))
    body = stub.bodies[0]
    assert ("tools" in body) is (way == "tool")
    kind = body.get("response_format", {}).get("type")
    assert kind == {"native": "json_schema", "tool": None, "prompted": "json_object"}[way]
    if way == "prompted":
        assert '"assignee"' in json.dumps(body["messages"]).replace("\\", "")


async def test_a_way_that_the_server_rejects_gives_place_to_the_next(stub: Stub) -> None:
    stub.replies = [
        refusal(400, "response_format is not supported"),
        text("I would rather chat."),
        Reply(said=["Here you are:\n```json\n", json.dumps(GOOD), "\n```\nGood luck!"]),
    ]
    events = await heard(asked(stub, repairs=0))
    assert isinstance(events[-1], Planned)
    assert ["tools" in body for body in stub.bodies] == [False, True, False]


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (planned(step("a", "mallory")), "'mallory' is neither a member of this group"),
        (planned(step("a", "lena")), "'lena' is not one of: figures, wes, wim, words."),
        (planned(), "A plan needs at least one subtask."),
        (planned(step("a"), step("a")), "The key 'a' is used twice."),
        (planned(step("a", depends_on=["z"])), "There is no subtask with the key 'z'."),
        (
            planned(step("a", depends_on=["b"]), step("b", depends_on=["a"])),
            "These subtasks wait for each other",
        ),
        (planned(step("a"), demands=("count", "sing")), "number 2 ('sing') is covered by no"),
        (planned(*(step(f"s{n}") for n in range(13))), "at most 12 are allowed"),
        ({"note": "no list"}, '"subtasks" must be a list'),
        (planned({"key": 7}), "subtasks[0].key"),
    ],
)
async def test_a_plan_that_cannot_be_carried_out_is_shown_to_the_model_with_its_fault(
    stub: Stub, bad: dict[str, Any], fault: str
) -> None:
    stub.replies = [says(bad), says(GOOD)]
    events = await heard(asked(stub))
    assert isinstance(events[-1], Planned)
    repair = stub.bodies[1]["messages"][-1]["content"]
    assert fault in repair and "<data>" in repair
    assert "asked for again" in text_of(events), "the log says that it was repaired"
    assert len(usages(events)) == 2


async def test_after_so_many_repairs_it_fails_and_says_why(stub: Stub) -> None:
    stub.answer = lambda body: says(planned(step("a", "mallory")))
    with pytest.raises(AgentError, match=r"no usable plan in 3 tries.*mallory") as failed:
        await heard(asked(stub, repairs=2))
    assert len(stub.bodies) == 3
    assert not failed.value.transient


async def test_a_plan_that_was_cut_off_is_asked_for_again_and_shorter(stub: Stub) -> None:
    stub.replies = [Reply(said=['{"note": "so lo'], finish="length"), says(GOOD)]
    events = await heard(asked(stub))
    assert isinstance(events[-1], Planned)
    assert "much shorter" in stub.bodies[1]["messages"][-1]["content"]
    assert "response_format" in stub.bodies[1], "the way is not to blame"


async def test_small_models_are_spared_the_list_of_demands(stub: Stub) -> None:
    plan = planned(step("a", covers=[]), demands=("never covered",))
    stub.replies = [says(plan)]
    await heard(asked(stub, check_demands=False, max_subtasks=3))
    schema = stub.bodies[0]["response_format"]["json_schema"]["schema"]
    assert "demands" not in schema["properties"]
    assert schema["properties"]["subtasks"]["maxItems"] == 3


async def test_a_leader_alone_may_do_it_himself_and_one_without_members_fails(stub: Stub) -> None:
    stub.replies = [says(planned(step("a", "lena")))]
    alone = request(PLAN, config(stub.url), agent_id="lena", members=MEMBERS[:1])
    assert isinstance((await heard(alone))[-1], Planned)
    with pytest.raises(AgentError, match="no members"):
        await heard(request(PLAN, config(stub.url), members=()))


def test_those_who_watch_are_given_no_work() -> None:
    watcher = Assignable(agent_id="odo", role="observer", tags=("eyes",))
    assert plans.assignees((*MEMBERS, watcher)) == ["wim", "wes", "figures", "words"]


async def test_a_vote_names_one_of_the_answers(stub: Stub) -> None:
    answers = (finding("a", "twelve"), finding("b", "thirteen"), finding("c", error="no boat"))
    stub.replies = [
        says({"vote": ["c"], "reason": "?"}),
        says({"vote": ["b", "a", "b"], "reason": "Counted."}),
    ]
    events = await heard(request(SubtaskKind.VOTE, config(stub.url), findings=answers))
    assert isinstance(events[-1], Answered)
    assert events[-1].text == "Counted.\n\nVote: b > a"
    for rule, ballot in RULES.items():
        assert votes.read(rule, events[-1].data, events[-1].text, {"a", "b"}) == ballot
    schema = stub.bodies[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["vote"]["items"]["enum"] == ["a", "b"]


#: Rule -> how a vote for b before a counts.
RULES: dict[votes.Rule, votes.Ballot] = {
    "plurality": ("b",),
    "approval": ("b", "a"),
    "ranked": ("b", "a"),
}


async def test_a_further_plan_adds_to_what_there_is(stub: Stub) -> None:
    there = (finding("a", "12 ships"), finding("b", error="no boat"))
    why = "b failed"
    again = request(
        PLAN, config(stub.url), agent_id="lena", replan=why, findings=there, instructions=why
    )
    stub.replies = [
        says(planned(step("c", depends_on=["b"]))),
        says(planned(step("c", depends_on=["a"]))),
    ]
    events = await heard(again)
    [plan] = [event.plan for event in events if isinstance(event, Planned)]
    assert [item.depends_on for item in plan.subtasks] == [("a",)]
    assert "'b' was not completed" in stub.bodies[1]["messages"][-1]["content"]
    assert "12 ships" in str(stub.bodies[0]) and str(stub.bodies[0]).count(why) == 1
    stub.replies = [says(planned())]
    assert isinstance((await heard(again))[-1], Planned), "nothing more can be done"


@pytest.mark.parametrize(
    ("wire", "found"),
    [
        ('{"a": 1}', {"a": 1}),
        ('Sure! {"a": {"b": 2}} Bye.', {"a": {"b": 2}}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('{"a": "line\nbreak"}', {"a": "line\nbreak"}),
        ('{"a": 1', None),
        ("[1, 2]", None),
        ("", None),
        ("} {", None),
        ("[" * 100_000, None),
    ],
)
def test_json_is_found_in_what_models_write_around_it(wire: str, found: object) -> None:
    assert parse(wire) == found
