"""Many agents at once on one state: nothing that was acknowledged is lost, and nothing is there that was not."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import msgspec
import pytest

from state import jsonvalue
from state.errors import StarsError
from state.manager import Base, Compare, StateManager
from state.refusals import Conflicting, TransactionRefused
from state.values import Operation
from tests.persistence.backends import at_once
from tests.states.build import LENA, SPACE, Office, agent, at, drop, patch, put, swap
from tests.states.checker import Done, faults, linearizable

COUNTER = {"properties": {"n": {"type": "integer", "x-stars-merge": "counter"}}}


def crowd(many: int, work: Callable[[int], None]) -> None:
    """This work by so many threads that start together."""

    def worker(number: int) -> Callable[[], None]:
        return lambda: work(number)

    at_once(*map(worker, range(many)))


# -- 20 agents and random patches -------------------------------------------------------------------------------------


def some_patch(chance: random.Random, by: str) -> list[Operation]:
    """Operations at random places; some of them fit, some collide, some change nothing."""
    leaf = chance.choice(["/a", "/b", "/o/x", "/o/y", "/o/z", "/deep/o/x", "/tags"])
    return chance.choice(
        [
            [put(leaf, chance.randrange(5))],
            [put(leaf, by), put(f"/own/{by}", chance.random())],
            [drop(leaf)],
            [patch("/o", {chance.choice("xyz"): chance.choice([None, 1, by])})],
            [put("/list/-", by)],
            [swap(leaf, by, expect=chance.randrange(5))],
        ]
    )


def test_of_20_agents_with_200_random_patches_each_every_attempt_is_accepted_or_refused(
    quick: Office,
) -> None:
    managers = [quick.manager(), quick.manager()]
    managers[0].create_state(LENA, "plan", data={"o": {}, "list": []})
    came: Counter[str] = Counter()
    versions: list[int] = []

    def work(number: int) -> None:
        chance, who = random.Random(number), agent(f"w{number}")
        manager = managers[number % 2]
        mine: Counter[str] = Counter()
        for _ in range(200):
            state = manager.get_state(who, "plan")
            ops = some_patch(chance, who.name)
            base = chance.choice([None, at(state.version), at(max(1, state.version - 3))])
            try:
                done = manager.update_state(who, "plan", ops, base=base)
            except StarsError as error:
                assert error.status in (409, 422), error
                mine["refused"] += 1
            else:
                mine["accepted"] += 1
                if done.changed:
                    versions.append(done.version)
        came.update(mine)

    crowd(20, work)
    assert came["accepted"] + came["refused"] == 20 * 200
    assert came["accepted"] > 500
    assert came["refused"] > 100
    state = quick.layer.load_state(SPACE, "plan")
    assert sorted(versions) == list(range(2, state.version + 1))
    data: Any = {}
    for entry in quick.layer.history(SPACE, "plan", limit=10_000):
        data = jsonvalue.apply(data, entry.ops)
        assert jsonvalue.digest(data) == entry.hash
    assert jsonvalue.dumps(jsonvalue.diff(data, state.data)) == b"[]"
    quick.check()


# -- W0: five agents count --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["cas", "counter"])
def test_five_agents_count_to_a_hundred(office: Office, way: str) -> None:
    managers = [office.manager(), office.manager()]
    schema = COUNTER if way == "counter" else None
    managers[0].create_state(LENA, "n", data={"n": 0}, schema=schema)

    def work(number: int) -> None:
        who, manager = agent(f"w{number}"), managers[number % 2]
        for _ in range(20):
            while True:
                state = manager.get_state(who, "n")
                n = state.data["n"]
                op = swap("/n", n + 1, expect=n) if way == "cas" else put("/n", n + 1)
                try:
                    manager.update_state(who, "n", [op], base=at(state.version))
                    break
                except Conflicting:
                    assert way == "cas"

    crowd(5, work)
    state = managers[0].get_state(LENA, "n")
    assert (state.data, state.version) == ({"n": 100}, 101)
    office.check()


# -- W1: registers, judged by the checker -----------------------------------------------------------------------------


def test_what_registers_answered_could_have_been_answered_by_registers(office: Office) -> None:
    managers = [office.manager(), office.manager()]
    for key in "ab":
        managers[0].create_state(LENA, key, data={"v": None})
    history: list[Done] = []
    numbers = count()

    def work(number: int) -> None:
        chance, who = random.Random(number), agent(f"w{number}")
        seen = {"a": 0, "b": 0}
        for _ in range(15):
            i, key, kind = (
                next(numbers),
                chance.choice("ab"),
                chance.choice(["read", "write", "cas"]),
            )
            value, base = f"v{i}", seen[key] if kind == "cas" else None
            manager = managers[chance.randrange(2)]
            t0 = time.monotonic()
            end, version, rev = _do(manager, who, key, kind, value, base)
            t1 = time.monotonic()
            if kind == "read":
                value, (version, seen[key]) = end, (version - 1, version - 1)
                end = "ok"
            elif end == "ok":
                version = seen[key] = version - 1
            told = version if end == "ok" else None
            took = {"rev": rev - 2 if rev else None, "t0": t0, "t1": t1}
            what = {"f": kind, "key": key, "value": value, "base": base, "version": told}
            op = {"proc": number, "i": i, "type": end, **what, **took}
            history.append(msgspec.convert(op, Done))

    crowd(5, work)
    assert faults(history) == []
    assert linearizable(history)
    assert {(op.f, op.type) for op in history} >= {("cas", "ok"), ("cas", "fail"), ("read", "ok")}


def _do(
    manager: StateManager, who: Any, key: str, kind: str, value: str, base: int | None
) -> tuple[Any, int, int]:
    """How it ended (of a read: what it read), the version, and the revision of a write. Versions begin at 1 with the
    empty register."""
    if kind == "read":
        state = manager.get_state(who, key)
        return state.data["v"], state.version, 0
    guard = None if base is None else Base(version=base + 1, exact=True)
    try:
        done = manager.update_state(who, key, {"v": value}, base=guard)
    except Conflicting:
        return "fail", 0, 0
    return "ok", done.version, done.revision


# -- W2: elements -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["set", "append"])
def test_every_element_that_was_acknowledged_is_there_once(office: Office, strategy: str) -> None:
    managers = [office.manager(), office.manager()]
    schema = {"properties": {"all": {"type": "array", "x-stars-merge": strategy}}}
    managers[0].create_state(LENA, "s", data={"all": []}, schema=schema)

    def work(number: int) -> None:
        who, manager = agent(f"w{number}"), managers[number % 2]
        for n in range(10):
            state = manager.get_state(who, "s")
            ops = [put("/all", [*state.data["all"], f"{number}-{n}"])]
            manager.update_state(who, "s", ops, base=at(state.version))

    crowd(5, work)
    found = managers[0].get_state(LENA, "s").data["all"]
    assert sorted(found) == sorted(f"{number}-{n}" for number in range(5) for n in range(10))
    if strategy == "append":
        for number in range(5):
            mine = [each for each in found if each.startswith(f"{number}-")]
            assert mine == [f"{number}-{n}" for n in range(10)]


# -- W4: accounts -----------------------------------------------------------------------------------------------------


def test_money_is_moved_and_never_made(office: Office) -> None:
    managers = [office.manager(), office.manager()]
    for name in "abcd":
        managers[0].create_state(LENA, name, data={"money": 100})
    moved: Counter[bool] = Counter()
    stop = threading.Event()
    sums: list[int] = []

    def work(number: int) -> None:
        chance, who, manager = random.Random(number), agent(f"w{number}"), managers[number % 2]
        for _ in range(10):
            one, two = chance.sample("abcd", 2)
            states = {name: manager.get_state(who, name) for name in (one, two)}
            compare = [Compare(name, state.version) for name, state in states.items()]
            much = chance.randint(1, 30)
            ops = {
                name: [put("/money", states[name].data["money"] + sign * much)]
                for name, sign in ((one, -1), (two, 1))
            }
            try:
                manager.transact(who, compare, ops)
                moved[True] += 1
            except TransactionRefused:
                moved[False] += 1

    def look() -> None:
        while not stop.is_set():
            states = office.layer.load_states(SPACE, "abcd")
            sums.append(sum(state.data["money"] for state in states.values()))
            time.sleep(0.002)

    watch = threading.Thread(target=look) if office.backend.name != "database" else None
    if watch is not None:
        watch.start()
    try:
        crowd(4, work)
    finally:
        stop.set()
        if watch is not None:
            watch.join()
    assert moved[True] > 5
    assert set(sums) <= {400}
    states = office.layer.load_states(SPACE, "abcd")
    assert sum(state.data["money"] for state in states.values()) == 400
    office.check()
