"""Histories as files, one JSON object a line, so that a run can be judged again by newer judges.

A run's directory has `ops.ndjson` (a header, then invocations, returns and faults as they happened), `log.ndjson` (the
space's log and who might read what) and a `watch-<name>.ndjson` per subscription. All times are of one monotonic clock.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec

from tests.soak.records import Log, Logged, Step, Watch, Windows
from tests.states.checker import Done

End: TypeAlias = Literal["ok", "fail", "info"]


#: Seconds after the beginning, and what is done then.
Plan: TypeAlias = list[tuple[float, str]]


class Header(msgspec.Struct, kw_only=True):
    """What a run was, so that it can be run again."""

    seed: int
    name: str
    config: dict[str, Any] = {}
    #: Seconds after the beginning to what is done then.
    schedule: Plan = []


class Op(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A line: an operation at its invocation, and again at its end. `type` ok: done; fail: certainly not done; info:
    nobody knows (timeouts, dropped sockets, 503 `outcome_unknown`). Versions and revisions are the server's."""

    proc: int
    i: int
    type: Literal["invoke", "ok", "fail", "info"]
    f: str
    key: str
    value: Any = None
    base: int | None = None
    version: int | None = None
    rev: int | None = None
    t0: float
    t1: float | None = None
    #: Why it failed or is not known, and how it was sent: for people.
    note: str = ""


class Fault(msgspec.Struct, kw_only=True):
    """A line: something was done to a process or to the network."""

    fault: str
    t: float


class Recorder:
    """Writes a run's operations down as they happen; what is not ended when it closes is `info`."""

    def __init__(self, folder: Path, header: Header) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.header = header
        self.ops: list[Op] = []
        self.faults: list[Fault] = []
        self._numbers = count()
        self._open: dict[int, Op] = {}
        self._file = (folder / "ops.ndjson").open("wb")
        self._write(header)

    def invoke(self, proc: int, f: str, key: str, value: Any = None, base: int | None = None) -> Op:
        """An operation begins now."""
        op = Op(
            proc=proc,
            i=next(self._numbers),
            type="invoke",
            f=f,
            key=key,
            value=value,
            base=base,
            t0=time.monotonic(),
        )
        self._open[op.i] = op
        self._write(op)
        return op

    def end(self, op: Op, type: End, **found: Any) -> Op:
        """It ended now: `found` is what became known of it (value, version, rev, note)."""
        del self._open[op.i]
        done = msgspec.structs.replace(op, type=type, t1=time.monotonic(), **found)
        self.ops.append(done)
        self._write(done)
        return done

    def fault(self, what: str) -> None:
        """This is being done now."""
        self.faults.append(Fault(fault=what, t=time.monotonic()))
        self._write(self.faults[-1])

    def close(self) -> None:
        """End what has not ended, and the file."""
        for op in list(self._open.values()):
            self.end(op, "info", note="not ended")
        self._file.close()

    def _write(self, line: msgspec.Struct) -> None:
        self._file.write(_ENCODER.encode(line) + b"\n")
        self._file.flush()


_ENCODER: Final = msgspec.json.Encoder()
_OP: Final = msgspec.json.Decoder(Op)


def read_ops(folder: Path) -> tuple[Header, list[Op]]:
    """The header, and every operation once: as it ended, `info` if nobody saw the end."""
    first, *lines = (folder / "ops.ndjson").read_bytes().splitlines()
    ops: dict[int, Op] = {}
    for line in lines:
        if not line.startswith(b'{"fault"'):
            op = _OP.decode(line)
            ops[op.i] = op
    ended = [
        msgspec.structs.replace(op, type="info") if op.type == "invoke" else op
        for op in ops.values()
    ]
    return msgspec.json.decode(first, type=Header), ended


# -- watches and the log -------------------------------------------------------------------------------------------


class _WatchHeader(msgspec.Struct, kw_only=True):
    name: str
    reader: str
    states: tuple[str, ...]
    mode: Literal["all", "latest"]
    to_the_end: bool


def save_watch(folder: Path, watch: Watch) -> None:
    """As `watch-<name>.ndjson`."""
    header = msgspec.convert(watch, _WatchHeader, from_attributes=True)
    _save(folder / f"watch-{watch.name}.ndjson", [header, *watch.steps])


def read_watches(folder: Path) -> list[Watch]:
    """All of the run, by name."""
    found = []
    decoder: msgspec.json.Decoder[Step] = msgspec.json.Decoder(Step)
    for path in sorted(folder.glob("watch-*.ndjson")):
        first, *lines = path.read_bytes().splitlines()
        header = msgspec.json.decode(first, type=_WatchHeader)
        steps = [decoder.decode(line) for line in lines]
        found.append(Watch(**msgspec.structs.asdict(header), steps=steps))
    return found


class _LogHeader(msgspec.Struct, kw_only=True):
    windows: Windows


def save_log(folder: Path, entries: Iterable[Logged], windows: Windows) -> None:
    """As `log.ndjson`."""
    _save(folder / "log.ndjson", [_LogHeader(windows=windows), *entries])


def read_log(folder: Path) -> Log:
    """The log as the judges take it."""
    first, *lines = (folder / "log.ndjson").read_bytes().splitlines()
    windows = msgspec.json.decode(first, type=_LogHeader).windows
    return Log([msgspec.json.decode(line, type=Logged) for line in lines], windows)


def _save(path: Path, lines: Iterable[Any]) -> None:
    with path.open("wb") as file:
        for line in lines:
            file.write(_ENCODER.encode(line) + b"\n")


# -- for tests/states/checker.py -----------------------------------------------------------------------------------


def registers(ops: Iterable[Op], first: dict[str, int], head: int | None) -> list[Done]:
    """The reads, writes and cas of these keys as the checker of versioned registers takes them.

    It counts versions from 0, nothing there: `first` names the version at which each register was empty. `head` is
    the space's revision then; None if others than these wrote in the space, for revisions then have gaps.
    """
    found = []
    for op in ops:
        if op.key not in first or op.f not in ("read", "write", "cas"):
            continue
        at = first[op.key]
        done = msgspec.structs.asdict(op) | {
            "base": None if op.base is None else op.base - at,
            "version": None if op.version is None else op.version - at,
            "rev": None if op.rev is None or head is None else op.rev - head,
            "t1": float("inf") if op.t1 is None else op.t1,
        }
        found.append(msgspec.convert(done, Done))
    return found
