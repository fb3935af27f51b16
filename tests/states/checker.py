"""Whether a recorded history of reads and writes is one that versioned registers can have (shared-state 4).

Two judges: `faults` looks at versions, complete and in O(n log n); `linearizable` searches an order (Wing and Gong,
with Lowe's memory of what was tried), knows no versions, and is there to check the first one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec

#: Operations at once that `linearizable` takes on.
MOST = 14


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """One operation from its invocation `t0` to its return `t1`. `type`: ok, fail (certainly not done), info (unknown).

    `f`: read, write (whatever stands there), cas (only if the version is `base`). Values written are all different.
    """

    proc: int
    i: int
    type: Literal["ok", "fail", "info"]
    f: Literal["read", "write", "cas"]
    key: str
    value: Any = None
    base: int | None = None
    version: int | None = None
    rev: int | None = None
    t0: float
    t1: float


def faults(history: Sequence[Done]) -> list[str]:
    """The names of all that is wrong with it; [] if nothing is. Version 0 stands for nothing there yet."""
    found: set[str] = set()
    for ops in _by_key(history).values():
        found.update(_register(ops))
    found.update(_revisions(history))
    return sorted(found)


def _by_key(history: Iterable[Done]) -> dict[str, list[Done]]:
    keys: dict[str, list[Done]] = defaultdict(list)
    for op in history:
        keys[op.key].append(op)
    return keys


def _register(ops: list[Done]) -> Iterator[str]:
    wrote = [op for op in ops if op.type == "ok" and op.f != "read"]
    reads = [op for op in ops if op.type == "ok" and op.f == "read"]
    claims: dict[int, Done] = {}
    for op in wrote:
        assert op.version is not None
        if op.version in claims:
            yield "duplicate_version"
        claims.setdefault(op.version, op)
        if op.f == "cas" and op.base != op.version - 1:
            yield "lost_update"
    seen = {op.version: op.value for op in reads if op.version}
    unknown = [None, *(op.value for op in _unknown(ops))]
    never = [op.value for op in ops if op.type == "fail" and op.f != "read"]
    for op in reads:
        if op.value in never:
            yield "failed_value_seen"
        elif op.version in claims:
            if claims[op.version].value != op.value:
                yield "wrong_value"
        elif op.value not in unknown or (op.value is None) is not (not op.version):
            yield "unwritten_value"
        if op.version and seen[op.version] != op.value:
            yield "two_values"
    head = max([*claims, *(op.version or 0 for op in reads)], default=0)
    gaps = [version for version in range(1, head + 1) if version not in claims]
    if not _filled(gaps, _unknown(ops), seen):
        yield "version_gap"
    yield from _real_time([*wrote, *reads])


def _unknown(ops: Iterable[Done]) -> list[Done]:
    return [op for op in ops if op.type == "info" and op.f != "read"]


def _filled(gaps: list[int], unknown: list[Done], seen: dict[int, Any]) -> bool:
    """Whether writes of unknown outcome can have made the versions that nobody claims (augmenting paths)."""
    holder: dict[int, int] = {}

    def could(op: Done, version: int) -> bool:
        return (op.f == "write" or op.base == version - 1) and (
            version not in seen or seen[version] == op.value
        )

    def place(version: int, tried: set[int]) -> bool:
        for number, op in enumerate(unknown):
            if number not in tried and could(op, version):
                tried.add(number)
                if number not in holder or place(holder[number], tried):
                    holder[number] = version
                    return True
        return False

    return all(place(version, set()) for version in gaps)


def _real_time(ops: list[Done]) -> Iterator[str]:
    """Whatever begins after another one returned comes after it."""
    returned = sorted(ops, key=lambda op: op.t1)
    newest, place = 0, 0
    for op in sorted(ops, key=lambda op: op.t0):
        while place < len(returned) and returned[place].t1 < op.t0:
            newest = max(newest, returned[place].version or 0)
            place += 1
        if op.f == "read" and (op.version or 0) < newest:
            yield "stale_read"
        if op.f != "read" and (op.version or 0) <= newest:
            yield "late_write"


def _revisions(history: Sequence[Done]) -> Iterator[str]:
    """Revisions of a space: one for each write, in the order of versions and of time."""
    wrote = [op for op in history if op.type == "ok" and op.f != "read" and op.rev is not None]
    if len({op.rev for op in wrote}) < len(wrote):
        yield "duplicate_revision"
    for ops in _by_key(wrote).values():
        revs = [op.rev or 0 for op in sorted(ops, key=lambda op: op.version or 0)]
        if revs != sorted(revs):
            yield "revision_order"
    highest = max((op.rev or 0 for op in wrote), default=0)
    if highest - len({op.rev for op in wrote}) > len(_unknown(history)):
        yield "revision_gap"


def linearizable(history: Sequence[Done]) -> bool:
    """Whether each register's operations can be put into one order. Raises ValueError for more than 14 at once."""
    return all(_ordered(ops) for ops in _by_key(history).values())


def _ordered(ops: list[Done]) -> bool:
    ops = sorted((op for op in ops if op.type != "fail"), key=lambda op: op.t0)
    # What nobody knows the end of may take its place at any time later.
    ends = [float("inf") if op.type == "info" else op.t1 for op in ops]
    must = sum(1 << number for number, op in enumerate(ops) if op.type == "ok")
    tried: set[tuple[int, int, str]] = set()
    stack: list[tuple[int, int, Any]] = [(0, 0, None)]
    while stack:
        done, version, value = stack.pop()
        if done & must == must:
            return True
        if (done, version, repr(value)) in tried:
            continue
        tried.add((done, version, repr(value)))
        open_ = [number for number in range(len(ops)) if not done >> number & 1]
        first = min(ends[number] for number in open_)
        ready = [number for number in open_ if ops[number].t0 <= first]
        if len(ready) > MOST:
            raise ValueError(f"{len(ready)} operations at once are too many to search.")
        for number in ready:
            after = _step(ops[number], version, value)
            if after is not None:
                stack.append((done | 1 << number, *after))
    return False


def _step(op: Done, version: int, value: Any) -> tuple[int, Any] | None:
    """The register after the operation; None if it cannot take place here."""
    if op.f == "read":
        return (version, value) if op.value == value and op.version == version else None
    if op.f == "cas" and op.base != version:
        return None
    if op.type == "ok" and op.version != version + 1:
        return None
    return version + 1, op.value
