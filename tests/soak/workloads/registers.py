"""W1: ten clients read, write and compare-and-set five registers, over HTTP and sockets, at both web processes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any, Final

from state.values import Operation, OperationType
from tests.soak import history
from tests.soak.records import Log
from tests.soak.stage import Stage
from tests.soak.talking import Http, Writer, insist, new_op_id
from tests.states.checker import faults

STATES: Final = tuple(f"reg/{number}" for number in range(5))
CLIENTS: Final = 10
#: Seconds between two operations of one client, at most.
PAUSE: Final = 0.15


class Registers:
    """Linearizable for each state; revisions gap-free and in real-time order."""

    def __init__(self, *, alone: bool = True) -> None:
        """`alone`: nobody else writes in the space."""
        self._alone = alone
        self._first: dict[str, int] = {}
        self._head = 0

    async def prepare(self, stage: Stage) -> None:
        """See `Workload`."""
        for state in STATES:
            made = await stage.create(state, data={"v": None})
            assert made.version is not None and made.rev is not None
            self._first[state], self._head = made.version, made.rev

    def clients(self, stage: Stage) -> list[Coroutine[Any, Any, None]]:
        """See `Workload`."""
        found = []
        for proc in range(CLIENTS):
            agent = f"w{proc}"
            http = stage.http(agent)
            writer: Writer = http if proc % 2 else stage.socket(agent)
            found.append(self._client(stage, proc, http, writer))
        return found

    async def settle(self, stage: Stage) -> list[str]:
        """See `Workload`; nothing needs time."""
        return []

    async def _client(self, stage: Stage, proc: int, http: Http, writer: Writer) -> None:
        chance = stage.chance(f"w1-{proc}")
        seen = dict(self._first)
        number = 0
        while not stage.over.is_set():
            number += 1
            state = chance.choice(STATES)
            f = chance.choices(["read", "write", "cas"], [2, 2, 3])[0]
            if f == "read":
                await self._read(stage, proc, http, state, seen)
            else:
                value = f"{proc}-{number}"
                base = seen[state] if f == "cas" else None
                await self._write(stage, proc, writer, state, value, base, seen, chance)
            await asyncio.sleep(chance.uniform(0, PAUSE))

    async def _read(
        self, stage: Stage, proc: int, http: Http, state: str, seen: dict[str, int]
    ) -> None:
        op = stage.recorder.invoke(proc, "read", state)
        answer = await http.read(state)
        if answer.end == "ok" and answer.version is not None:
            seen[state] = answer.version
            value = answer.body["data"]["v"]
            stage.recorder.end(op, "ok", value=value, version=answer.version)
        else:
            stage.recorder.end(op, answer.end, note=answer.note)

    async def _write(
        self,
        stage: Stage,
        proc: int,
        writer: Writer,
        state: str,
        value: str,
        base: int | None,
        seen: dict[str, int],
        chance: Random,
    ) -> None:
        change = Operation(OperationType.SET, "/v", value)
        if base is not None:
            change = Operation(OperationType.CAS, "/v", value, expect_version=base)
        f = "write" if base is None else "cas"
        op = stage.recorder.invoke(proc, f, state, value, base)
        tries = chance.choice([1, 3])
        answer, again = await insist(writer, state, [change], op_id=new_op_id(chance), tries=tries)
        found: dict[str, Any] = {}
        if answer.end == "ok":
            assert answer.version is not None
            seen[state] = answer.version
            found = {"version": answer.version, "rev": answer.rev}
        stage.recorder.end(op, answer.end, note=f"{answer.note} {again}".strip(), **found)
        stage.coverage["unknown outcomes"] += answer.end == "info" or bool(again)
        stage.coverage["replays"] += answer.replayed
        stage.coverage["conflicts"] += answer.status in (409, 412)
        if answer.status >= 500 and answer.status != 503:
            stage.oddities.append(f"a write on {state} was answered {answer.status}: {answer.note}")

    def judge(self, stage: Stage, log: Log, final: dict[str, Any]) -> list[str]:
        """See `Workload`."""
        head = self._head if self._alone else None
        done = history.registers(stage.recorder.ops, self._first, head)
        found = [f"registers: {fault}" for fault in faults(done)]
        found += self._against_the_log(stage, log)
        return found

    def _against_the_log(self, stage: Stage, log: Log) -> list[str]:
        """Every acknowledged write is in the log as it was acknowledged."""
        found = []
        for op in stage.recorder.ops:
            if op.key in self._first and op.type == "ok" and op.f != "read":
                logged = log.entry(op.key, op.version or 0)
                if logged is None or logged.rev != op.rev:
                    found.append(
                        f"registers: acknowledged {op.key} v{op.version} at {op.rev} is not there"
                    )
        return found
