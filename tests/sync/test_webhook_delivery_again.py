"""What webhooks get when a message goes out again, or rights and lives change on the way: one id is one message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from state.sync import tokens
from state.sync.webhooks.sending import WebhookFailed
from state.values import AccessPolicy
from tests.sync.desk import LENA, SPACE, Desk, desk
from tests.sync.test_webhook_delivery import row

__all__ = ["desk"]
pytestmark = pytest.mark.django_db
LATER = WebhookFailed("The receiver answered with status 503.", transient=True, answered=503)
HIDDEN = AccessPolicy(read_allow=("agent:wes",))
OPEN = AccessPolicy(public=True)


def again(desk: Desk) -> None:
    """The pause is over."""
    desk.go(seconds=61)
    desk.work()


def one_id_is_one_message(desk: Desk) -> bool:
    known: dict[str, Any] = {}
    return all(known.setdefault(key, body) == body for key, body in desk.post.sent)


def held(bodies: Iterable[Any]) -> dict[str, tuple[int, Any]]:
    """Version and data of each state, for a receiver that does what the protocol says and takes all it gets."""
    docs: dict[str, tuple[int, Any]] = {}
    for body in bodies:
        if body["snapshot"] and body["part"] == 1:
            docs.clear()
        for entry in body["entries"]:
            name, before = entry["id"], docs.get(entry["id"], (0, None))
            if entry["kind"] == "delete":
                docs.pop(name, None)
            elif entry["kind"] == "create":
                docs[name] = (entry["v"], entry["ops"][0]["value"])
            elif name in docs and entry["v"] > before[0]:
                assert entry["pv"] == before[0], f"{entry} on {before}"
                data = dict(before[1])
                for op in entry.get("ops", ()):
                    data[op["path"].removeprefix("/")] = op["value"]
                docs[name] = (entry["v"], data)
        for state in body["states"]:
            if state["v"] >= docs.get(state["id"], (0, None))[0]:
                docs[state["id"]] = (state["v"], state["data"])
    return docs


def stored(desk: Desk, *names: str) -> dict[str, tuple[int, Any]]:
    found = desk.states.store.load_states(SPACE, names)
    return {each.id: (each.version, each.data) for each in found.values() if not each.deleted}


def test_a_message_stays_the_same_to_the_last_word_whatever_is_committed_between(
    desk: Desk,
) -> None:
    desk.webhook()
    desk.work()
    desk.write(step=2)
    desk.post.answers = [LATER, LATER]
    desk.work()
    for step in (3, 4):
        desk.write(step=step)
        again(desk)
    _, first, second, third, after = desk.post.sent
    assert first == second == third
    assert first[1]["synced"]  # as it was when it was written
    assert [each["v"] for each in after[1]["entries"]] == [3, 4]
    assert held(desk.post.bodies) == stored(desk, "plan")


def test_of_a_life_that_ended_between_nothing_goes_by_an_id_that_meant_more(desk: Desk) -> None:
    desk.webhook()
    desk.work()
    desk.write("other", n=1)
    desk.write(step=2)
    desk.post.answers = [LATER]
    desk.work()
    desk.states.delete_state(LENA, "plan")
    desk.states.create_state(LENA, "plan", data={"anew": True})
    desk.write(step=9)
    again(desk)
    assert one_id_is_one_message(desk)
    assert held(desk.post.bodies) == stored(desk, "plan", "other")
    taken = [desk.post.bodies[0], *desk.post.bodies[2:]]  # the first attempt never came
    assert held(taken) == stored(desk, "plan", "other")


def test_who_is_shut_out_between_is_not_sent_again_what_it_may_see_no_more(desk: Desk) -> None:
    desk.states.create_state(LENA, "door", data={"n": 1}, access_policy=OPEN)
    desk.webhook()
    desk.work()
    desk.states.update_state(LENA, "door", {"n": 2})
    desk.post.answers = [LATER]
    desk.work()
    desk.states.configure(LENA, "door", {"access_policy": HIDDEN})
    again(desk)
    assert one_id_is_one_message(desk)
    assert desk.post.bodies[-1]["reset"] == "filter"
    assert [each["id"] for each in desk.post.bodies[-1]["states"]] == ["plan"]


def test_history_that_goes_away_between_makes_another_message_of_it(desk: Desk) -> None:
    desk.webhook()
    desk.work()
    desk.write(step=2)
    desk.post.answers = [LATER]
    desk.work()
    desk.write(step=3)
    desk.states.store.compact(SPACE, 3)
    again(desk)
    assert one_id_is_one_message(desk)
    last = desk.post.bodies[-1]
    assert (last["reset"], last["snapshot"], len(set(desk.post.ids))) == ("compacted", True, 3)


def test_a_snapshot_in_parts_is_sent_again_from_the_start_as_the_same_or_as_another(
    desk: Desk,
) -> None:
    for number in range(3):
        desk.write(f"big{number}", text="x" * 200_000)
    desk.webhook()
    desk.post.answers = [None, LATER, None, None, LATER]
    desk.work()
    again(desk)
    desk.write("big1", text="y" * 200_000)
    again(desk)
    ids = desk.post.ids
    one, other = ids[2:5], ids[5:]
    assert ids[:2] == one[:2] and not set(one) & set(other)
    assert one_id_is_one_message(desk)
    assert held(desk.post.bodies[5:]) == stored(desk, "plan", "big0", "big1", "big2")


def test_a_pushed_state_that_is_sent_again_from_another_place_has_another_id(desk: Desk) -> None:
    desk.webhook()
    desk.work()
    desk.post.answers = [LATER]
    desk.task("full_sync")
    desk.work()
    desk.write("other", n=1)
    desk.work()
    again(desk)
    pushed = [each for each in desk.post.sent if each[1]["task"]]
    assert len(pushed) == 2 and pushed[0][1] != pushed[1][1]
    assert one_id_is_one_message(desk)


def test_what_changed_before_a_grant_comes_with_the_state_and_what_follows_after_it(
    desk: Desk,
) -> None:
    desk.states.create_state(LENA, "door", data={"n": 1}, access_policy=HIDDEN)
    desk.webhook()
    desk.work()
    desk.states.update_state(LENA, "door", {"n": 2})
    desk.write(step=2)
    desk.states.configure(LENA, "door", {"access_policy": OPEN})
    desk.states.update_state(LENA, "door", {"n": 3})
    desk.write(step=3)
    desk.work()
    bodies = desk.post.bodies
    assert held(bodies) == stored(desk, "plan", "door")
    # States and entries are never in one message, so that nobody need know which of them comes first.
    assert all(not (each["states"] and each["entries"]) for each in bodies)
    known = False
    for body in bodies[1:]:
        known = known or any(each["id"] == "door" for each in body["states"])
        assert known or all(each["id"] != "door" for each in body["entries"])
    assert [bool(each["token"]) for each in bodies] == [True, *[False] * (len(bodies) - 2), True]


def test_under_every_token_the_receiver_holds_what_the_log_says_there(desk: Desk) -> None:
    """No place lies between the end of a life, which the reader may not see, and the beginning of the next."""
    desk.sync = desk.another(batch_size=1)
    desk.webhook()
    desk.work()
    there = {1: stored(desk, "plan")}
    steps: list[Callable[[], Any]] = [
        lambda: desk.write(step=2),
        lambda: desk.write("other", n=1),
        lambda: desk.states.delete_state(LENA, "plan"),
        lambda: desk.write("other", n=2),
        lambda: desk.states.create_state(LENA, "plan", data={"anew": True}),
        lambda: desk.write("other", n=3),
    ]
    for revision, step in enumerate(steps, 2):
        step()
        there[revision] = stored(desk, "plan", "other")
    desk.work()
    bodies = desk.post.bodies
    places = [n for n, body in enumerate(bodies, 1) if body["token"]]
    for n in places:
        assert held(bodies[:n]) == there[tokens.decode(bodies[n - 1]["token"]).revision]
    assert places[-1] == len(bodies) and row().acked == len(there)
