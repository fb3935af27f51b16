"""The checker of histories, checked: it passes what is right and names what is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec
import pytest

from tests.states.checker import MOST, Done, faults, linearizable

Change = Callable[[list[Done]], list[Done]]


def good(seed: int = 1, many: int = 120, procs: int = 5) -> list[Done]:
    """What real registers answered: each operation takes effect at one moment between its two times."""
    chance = random.Random(seed)
    registers: dict[str, tuple[int, object]] = {"a": (0, None), "b": (0, None)}
    free = [0.0] * procs
    rev = 0
    planned = []
    for i in range(many):
        proc = chance.randrange(procs)
        t0 = free[proc] + chance.uniform(0.1, 1)
        acts = t0 + chance.uniform(0.1, 2)
        free[proc] = t1 = acts + chance.uniform(0.1, 2)
        planned.append((acts, proc, i, t0, t1))
    known: dict[tuple[int, str], int] = {}
    history: list[Done] = []
    for _, proc, i, t0, t1 in sorted(planned):
        key = chance.choice("ab")
        version, value = registers[key]
        kind = chance.choice(["read", "write", "cas", "cas"])
        base = known.get((proc, key), 0) if kind == "cas" else None
        end = "ok"
        if kind == "read":
            known[proc, key] = version
        elif kind == "cas" and base != version:
            end, value = "fail", f"v{i}"
            version = 0
        else:
            rev += 1
            version, value = version + 1, f"v{i}"
            registers[key] = (version, value)
            known[proc, key] = version
            end = "info" if chance.random() < 0.08 else "ok"
        told = version if end == "ok" else None
        history.append(
            msgspec.convert(
                {
                    "proc": proc,
                    "i": i,
                    "type": end,
                    "f": kind,
                    "key": key,
                    "value": value,
                    "base": base,
                    "version": told,
                    "rev": rev if end == "ok" and kind != "read" else None,
                    "t0": t0,
                    "t1": t1,
                },
                Done,
            )
        )
    return history


def changed(history: list[Done], op: Done, **fields: object) -> list[Done]:
    return [msgspec.structs.replace(each, **fields) if each is op else each for each in history]


def written(history: list[Done], key: str = "a", f: str = "") -> list[Done]:
    """Writes of that register that were acknowledged, by version."""
    found = [op for op in history if op.type == "ok" and op.f != "read" and op.key == key]
    return sorted((op for op in found if f in ("", op.f)), key=lambda op: op.version or 0)


def late_read(history: list[Done]) -> Done:
    """The last read of what somebody was told to have written."""
    claims = {(op.key, op.version) for key in "ab" for op in written(history, key)}
    reads = [op for op in history if op.f == "read" and (op.key, op.version) in claims]
    return max(reads, key=lambda op: op.t0)


def _lost_update(history: list[Done]) -> list[Done]:
    op = written(history, f="cas")[-1]
    return changed(history, op, base=(op.base or 0) - 1)


def _stale_read(history: list[Done]) -> list[Done]:
    return changed(history, late_read(history), version=0, value=None)


def _duplicate_version(history: list[Done]) -> list[Done]:
    first, second = written(history, f="write")[-2:]
    return changed(history, second, version=first.version)


def _version_gap(history: list[Done]) -> list[Done]:
    unknown = sum(op.type == "info" for op in history)
    head = max(op.version or 0 for op in written(history))
    last = written(history)[-1]
    return changed(history, last, version=head + unknown + 1, f="write")


def _failed_value_seen(history: list[Done]) -> list[Done]:
    read = late_read(history)
    failed = next(op for op in history if op.type == "fail" and op.key == read.key)
    return changed(history, read, value=failed.value)


def _late_write(history: list[Done]) -> list[Done]:
    first, *_, last = written(history)
    return changed(history, first, t0=last.t1 + 1, t1=last.t1 + 2)


def _wrong_value(history: list[Done]) -> list[Done]:
    read = late_read(history)
    other = next(op for op in written(history, read.key) if op.version != read.version)
    return changed(history, read, value=other.value)


def _unwritten_value(history: list[Done]) -> list[Done]:
    """The acknowledgement of what was read is forged away: nobody wrote it."""
    read = late_read(history)
    writer = next(op for op in written(history, read.key) if op.version == read.version)
    return [op for op in history if op is not writer]


def _two_values(history: list[Done]) -> list[Done]:
    read = late_read(history)
    twin = msgspec.structs.replace(read, i=999, value="another", t0=read.t1 + 9, t1=read.t1 + 10)
    return [*history, twin]


def _revision_order(history: list[Done]) -> list[Done]:
    first, second = written(history)[-2:]
    swapped = changed(history, first, rev=second.rev)
    return changed(swapped, second, rev=first.rev)


def _duplicate_revision(history: list[Done]) -> list[Done]:
    first, second = written(history)[-2:]
    return changed(history, second, rev=first.rev)


def _revision_gap(history: list[Done]) -> list[Done]:
    top = max((op for op in history if op.rev), key=lambda op: op.rev or 0)
    return changed(history, top, rev=(top.rev or 0) + 1 + sum(op.type == "info" for op in history))


#: What a mutation is called, what it does, and whether it shows without looking at revisions.
MUTATIONS: dict[str, tuple[Change, bool]] = {
    "lost_update": (_lost_update, True),
    "stale_read": (_stale_read, True),
    "duplicate_version": (_duplicate_version, True),
    "version_gap": (_version_gap, True),
    "failed_value_seen": (_failed_value_seen, True),
    "late_write": (_late_write, True),
    "wrong_value": (_wrong_value, True),
    "unwritten_value": (_unwritten_value, True),
    "two_values": (_two_values, True),
    "revision_order": (_revision_order, False),
    "duplicate_revision": (_duplicate_revision, False),
    "revision_gap": (_revision_gap, False),
}


@pytest.mark.parametrize("seed", range(20))
def test_a_good_history_passes_both_judges(seed: int) -> None:
    history = good(seed)
    assert faults(history) == []
    assert linearizable(history)
    ends = {(op.f, op.type) for op in history}
    assert ends >= {("read", "ok"), ("write", "ok"), ("cas", "ok"), ("cas", "fail")}


def test_good_histories_have_writes_whose_end_nobody_knows() -> None:
    assert sum(op.type == "info" for seed in range(20) for op in good(seed)) > 20


@pytest.mark.parametrize("name", MUTATIONS)
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_a_mutated_history_is_refused_by_name(name: str, seed: int) -> None:
    mutate, shows = MUTATIONS[name]
    history = mutate(good(seed))
    assert name in faults(history)
    if shows:
        assert not linearizable(history)


def test_an_unknown_write_may_have_taken_place_or_not() -> None:
    lost = Done(proc=1, i=1, type="info", f="write", key="a", value="x", t0=1, t1=2)
    none = Done(proc=2, i=2, type="ok", f="read", key="a", version=0, t0=3, t1=4)
    seen = Done(proc=2, i=3, type="ok", f="read", key="a", version=1, value="x", t0=5, t1=6)
    gone = Done(proc=2, i=4, type="ok", f="read", key="a", version=0, t0=7, t1=8)
    for history, right in (([lost, none], True), ([lost, none, seen], True)):
        assert (faults(history) == []) is linearizable(history) is right
    assert faults([lost, seen, gone]) == ["stale_read"]
    assert not linearizable([lost, seen, gone])


def test_too_many_at_once_are_not_searched() -> None:
    crowd = [
        Done(proc=n, i=n, type="ok", f="write", key="a", value=n, version=n + 1, t0=n / 100, t1=9)
        for n in range(MOST + 1)
    ]
    with pytest.raises(ValueError, match="15 operations at once"):
        linearizable(crowd)
    assert linearizable(crowd[:MOST])
