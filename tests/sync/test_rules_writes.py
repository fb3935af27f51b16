"""Writes over the socket: one answer each, in the order in which they came, whatever becomes of them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User

from groups.models import Group, GroupAccess, Level
from state import pace
from state.manager import StateManager
from state.refusals import OutcomeUnknown, StoreDown
from state.sync import writing
from state.values import AccessPolicy
from tests.sync.rules import create, in_other_thread, shorten
from tests.sync.speaker import Speaker, speaking

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users have the same keys in every test."""
    monkeypatch.setattr(pace, "buckets", pace.Buckets())


def put(path: str, value: Any) -> dict[str, Any]:
    return {"op": "set", "path": path, "value": value}


async def ask(speaker: Speaker, op_id: str, *ops: Any, state: str = "plan", **more: Any) -> None:
    """Send a write."""
    given = {"ops": list(ops)} if ops else {}
    await speaker.say("write", op_id=op_id, state=state, **given, **more)


async def answered(speaker: Speaker, op_id: str, *ops: Any, **more: Any) -> dict[str, Any]:
    """Send a write; its answer."""
    await ask(speaker, op_id, *ops, **more)
    res = await speaker.hear("res")
    assert res["op_id"] == op_id
    return res


async def test_writes_are_carried_out_and_answered_in_their_order(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan", {"seen": []})
    async with speaking(ada) as speaker:
        await speaker.hello()
        for n in range(40):
            await ask(speaker, f"op{n}", put("/seen/-", n))
        answers = [await speaker.hear("res") for _ in range(40)]
        assert [(each["op_id"], each["v"]) for each in answers] == [
            (f"op{n}", n + 2) for n in range(40)
        ]
        assert (await speaker.sub("plan"))["plan"]["data"] == {"seen": list(range(40))}


async def test_64_writes_may_be_on_their_way_and_one_more_is_refused(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, apply = threading.Event(), writing.apply

    def held(*args: Any) -> Any:
        gate.wait(10)
        return apply(*args)

    monkeypatch.setattr(writing, "apply", held)
    await create(manager, "plan", {"seen": []})
    async with speaking(ada) as speaker:
        await speaker.hello()
        for n in range(66):
            await ask(speaker, f"op{n}", put("/seen/-", n))
        for n in (64, 65):
            busy = await speaker.hear("error")
            assert (busy["code"], busy["reason"], busy["op_id"]) == (429, "busy", f"op{n}")
        # The socket answers all else meanwhile.
        assert (await speaker.sub("plan"))["plan"]["v"] == 1
        gate.set()
        answers: list[str] = []
        while len(answers) < 64:
            frame = await speaker.hear("res", "delta")
            answers += [frame["op_id"]] if frame["t"] == "res" else []
        assert answers == [f"op{n}" for n in range(64)]


async def test_a_push_connection_may_not_write_and_hears_all_the_same(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan")
    async with speaking(ada) as speaker, speaking(ada) as writer:
        await speaker.hello(mode="push")
        await speaker.sub("plan")
        await ask(speaker, "a", put("/n", 1))
        refusal = await speaker.hear("error")
        assert (refusal["code"], refusal["reason"], refusal["op_id"]) == (403, "push_only", "a")
        await writer.hello()
        assert (await answered(writer, "b", put("/n", 2)))["v"] == 2
        assert (await speaker.hear("delta"))["entries"][0]["op_id"] == "b"


async def test_a_write_that_is_sent_again_is_answered_again_and_done_once(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan", {"seen": []})
    async with speaking(ada) as speaker:
        await speaker.hello()
        first = await answered(speaker, "a", put("/seen/-", 1))
    async with speaking(ada) as speaker:
        await speaker.hello()
        again = await answered(speaker, "a", put("/seen/-", 1))
        assert again == {**first, "replayed": True}
        other = await answered(speaker, "a", put("/seen/-", 2))
        assert (other["status"], other["problem"]["reason"]) == (422, "op_id_reuse")
        assert (await speaker.sub("plan"))["plan"]["data"] == {"seen": [1]}


async def test_a_conflict_is_answered_in_place_with_what_caused_it(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan", {"n": 0, "m": 0}, resolution="reject")
    async with speaking(ada) as speaker:
        await speaker.hello()
        await answered(speaker, "a", put("/n", 1), base=1)
        refused = await answered(speaker, "b", put("/n", 2), base=1)
        problem = refused["problem"]
        assert (refused["status"], refused["changed"], problem["status"]) == (409, False, 409)
        assert problem["reason"] == "conflict" and problem["conflict_id"] and problem["causes"]
        # Beside it, the same base is good for what nobody else has touched, unless that was decided by what was.
        assert (await answered(speaker, "c", put("/m", 1), base=1))["status"] == 200
        assert (await answered(speaker, "d", put("/m", 2), base=1, reads=["/n"]))["status"] == 409
        assert (await answered(speaker, "e", put("/m", 2), uid="another"))["status"] in (409, 410)


async def test_states_are_made_and_removed_over_the_socket(
    manager: StateManager, ada: User
) -> None:
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.sub("*")
        made = {"data": {"n": 1}, "name": "The plan", "settings": {"resolution": "reject"}}
        await ask(speaker, "a", create=made)
        frames = {each["t"]: each for each in [await speaker.hear("res", "delta") for _ in "ab"]}
        assert (frames["res"]["status"], frames["res"]["v"]) == (201, 1)
        (entry,) = frames["delta"]["entries"]
        assert (entry["kind"], entry["ops"][0]["value"], entry["op_id"]) == (
            "create",
            {"n": 1},
            "a",
        )
        exists = await answered(speaker, "b", create=made)
        assert (exists["status"], exists["problem"]["reason"]) == (409, "exists")
        await ask(speaker, "c", {"op": "delete", "path": ""})
        frames = {each["t"]: each for each in [await speaker.hear("res", "delta") for _ in "ab"]}
        assert frames["res"]["status"] == 200
        assert frames["delta"]["entries"][0]["kind"] == "delete"
        gone = await answered(speaker, "d", put("/n", 1))
        assert gone["status"] in (404, 410)


WRONG: list[tuple[dict[str, Any], int]] = [
    ({}, 400),
    ({"ops": [put("/n", 1)], "create": {}}, 400),
    ({"create": {"type": "song"}}, 400),
    ({"create": {"settings": {"colour": "red"}}}, 400),
    ({"create": {"settings": {"type": ["x"]}}}, 400),
    ({"create": {"settings": {"consistency": 7}}}, 400),
    ({"ops": [put("/n", 1)], "resolution": "coin"}, 400),
    ({"ops": [put("n", 1)]}, 400),
    ({"ops": [put("/n", "\x00")]}, 422),
    ({"ops": [put("/n", 2**64)]}, 422),
    ({"ops": [{"op": "leap"}]}, 400),
    ({"ops": [put("/a/b/c", 1)]}, 422),
    ({"ops": [put("/n", 1)] * 101}, 413),
    ({"ops": [put("/n", "x" * 1_050_000)]}, 413),
    ({"ops": [put("/n", 1)], "base": 7}, 409),
    ({"ops": [put("/n", 1)], "state": "nowhere"}, 404),
    ({"ops": [put("/n", 1)], "state": "\u200f"}, 404),
]


async def test_what_cannot_be_done_is_answered_once_under_its_op_id(
    manager: StateManager, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    await create(manager, "plan", {"n": 0, "a": 1})
    async with speaking(ada) as speaker:
        await speaker.hello()
        for n, (fields, status) in enumerate(WRONG):
            await speaker.say("write", **{"op_id": f"op{n}", "state": "plan", **fields})
            answer = await speaker.hear("res", "error")
            assert answer["op_id"] == f"op{n}"
            given = answer["code"] if answer["t"] == "error" else answer["status"]
            assert given == status, answer
        assert await speaker.silent(0.05)
    assert [each for each in caplog.records if each.exc_info] == []


async def test_rights_are_those_of_whoever_said_hello(
    manager: StateManager, lab: Group, ada: User, bo: User, vi: User
) -> None:
    allow = in_other_thread(GroupAccess.objects.create)
    await allow(group=lab, user=vi, level=Level.VIEWER)
    await create(manager, "secret", access_policy=AccessPolicy(read_allow=("agent:wim",)))
    await create(manager, "wims", access_policy=AccessPolicy(public=True))
    for user, agent, state, status in (
        (vi, "", "wims", 403),
        (bo, "", "secret", 404),
        (bo, "wes", "secret", 404),
        (bo, "wim", "secret", 403),
    ):
        async with speaking(user) as speaker:
            await speaker.hello(agent=agent)
            res = await answered(speaker, "a", put("/n", 1), state=state)
            assert res["status"] == status, (user, agent, res)


async def test_a_journalled_write_is_answered_when_it_is_kept_and_again_at_its_end(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch)
    await create(manager, "plan", {"n": 0}, consistency="eventual")
    async with speaking(ada) as speaker:
        await speaker.hello()
        for op_id, path in (("a", "/n"), ("b", "/n/y/z")):
            kept = await answered(speaker, op_id, put(path, 1))
            assert (kept["status"], kept["queued"], kept["changed"]) == (202, True, False)
            done = await speaker.hear("res")
            assert done["op_id"] == op_id and "queued" not in done
            if op_id == "a":
                assert (done["status"], done["v"], done["rev"]) == (200, 2, 2)
            else:
                assert done["status"] == 422 and done["problem"]["reason"]
        assert await speaker.silent()


async def test_who_writes_too_fast_is_told_when_to_go_on(manager: StateManager, ada: User) -> None:
    manager.limits = msgspec.structs.replace(manager.limits, writes_burst=3, writes_per_second=5)
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        for n in range(5):
            await ask(speaker, f"op{n}", put("/n", n))
        answers = [await speaker.hear("res") for n in range(5)]
        assert [each["status"] for each in answers] == [200, 200, 200, 429, 429]
        problem = answers[-1]["problem"]
        assert (problem["reason"], problem["retry_after"]) == ("rate", 1)
        await asyncio.sleep(0.25)
        assert (await answered(speaker, "op4", put("/n", 4)))["status"] == 200


async def test_a_store_that_is_away_is_told_and_the_same_write_is_good_later(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(error: Exception) -> Any:
        def commit(*args: Any, **kwargs: Any) -> Any:
            raise error

        return commit

    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        for error, reason in ((StoreDown(), "store_down"), (OutcomeUnknown(), "outcome_unknown")):
            with monkeypatch.context() as patch:
                patch.setattr(manager.store, "commit", away(error))
                res = await answered(speaker, "a", put("/n", 1))
            assert (res["status"], res["problem"]["reason"]) == (503, reason)
            unknown = res["problem"].get("outcome_unknown", False)
            assert unknown is (reason == "outcome_unknown")
        assert (await answered(speaker, "a", put("/n", 1)))["v"] == 2


async def test_a_fault_of_ours_is_an_answer_without_its_words(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("a secret of the house")

    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        with monkeypatch.context() as patch:
            patch.setattr(manager, "update_state", broken)
            res = await answered(speaker, "a", put("/n", 1))
        assert res["status"] == 500 and "secret" not in str(res)
        assert (await answered(speaker, "b", put("/n", 1)))["status"] == 200


async def test_a_write_under_way_stands_though_its_socket_goes(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, gate, apply = threading.Event(), threading.Event(), writing.apply

    def held(*args: Any) -> Any:
        begun.set()
        gate.wait(10)
        return apply(*args)

    monkeypatch.setattr(writing, "apply", held)
    await create(manager, "plan", {"n": 0})
    async with speaking(ada) as speaker:
        await speaker.hello()
        await ask(speaker, "a", put("/n", 1))
        assert await in_other_thread(begun.wait)(5)
    gate.set()
    async with speaking(ada) as speaker:
        await speaker.hello()
        for _ in range(50):
            if (await speaker.sub("plan"))["plan"]["data"] == {"n": 1}:
                break
        res = await answered(speaker, "a", put("/n", 1))
        assert (res["v"], res["replayed"]) == (2, True)
