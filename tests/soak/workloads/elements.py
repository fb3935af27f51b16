"""W2: clients add elements to arrays, by compare-and-set, by the `set` strategy, and by appending."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any, Final

from state.values import Operation, OperationType
from tests.soak.records import Log
from tests.soak.stage import Stage
from tests.soak.talking import Http, Writer, insist, new_op_id

WAYS: Final = ("cas", "set", "append")
CLIENTS: Final = 8
PAUSE: Final = 0.15


class Elements:
    """Every acknowledged element is there exactly once, no refused one, and of unknown ones at most one."""

    def __init__(self) -> None:
        self._added: dict[str, Counter[str]] = {}

    async def prepare(self, stage: Stage) -> None:
        """See `Workload`."""
        for way in WAYS:
            strategy = {"type": "array"} | ({"x-stars-merge": way} if way != "cas" else {})
            await stage.create(way, data={"all": []}, schema={"properties": {"all": strategy}})

    def clients(self, stage: Stage) -> list[Coroutine[Any, Any, None]]:
        """See `Workload`."""
        found = []
        for proc in range(CLIENTS):
            agent = f"w{proc}"
            http = stage.http(agent)
            writer: Writer = stage.socket(agent) if proc % 2 else http
            found.append(self._client(stage, proc, http, writer))
        return found

    async def settle(self, stage: Stage) -> list[str]:
        """See `Workload`; nothing needs time."""
        return []

    async def _client(self, stage: Stage, proc: int, http: Http, writer: Writer) -> None:
        chance = stage.chance(f"w2-{proc}")
        number = 0
        while not stage.over.is_set():
            way = chance.choice(WAYS)
            number += 1
            element = f"{proc}-{number}"
            read = await http.read(way)
            if read.end != "ok":
                await asyncio.sleep(0.2)
                continue
            base, all_ = read.body["version"], [*read.body["data"]["all"], element]
            match way:
                case "cas":
                    op = Operation(OperationType.CAS, "/all", all_, expect_version=base)
                case "set":
                    op = Operation(OperationType.SET, "/all", all_)
                case _:
                    op = Operation(OperationType.SET, "/all/-", element)
            invoked = stage.recorder.invoke(proc, "add", way, element, base)
            answer, again = await insist(
                writer,
                way,
                [op],
                op_id=new_op_id(chance),
                base=None if way == "cas" else base,
                tries=chance.choice([1, 3]),
            )
            stage.recorder.end(
                invoked,
                answer.end,
                version=answer.version,
                rev=answer.rev,
                note=f"{answer.note} {again}".strip(),
            )
            stage.coverage["conflicts"] += answer.status in (409, 412)
            stage.coverage["merged"] += answer.merged
            stage.coverage["unknown outcomes"] += answer.end == "info" or bool(again)
            stage.coverage["replays"] += answer.replayed
            if answer.status >= 500 and answer.status != 503:
                stage.oddities.append(f"an element of {way} was answered {answer.status}")
            await asyncio.sleep(chance.uniform(0, PAUSE))

    def judge(self, stage: Stage, log: Log, final: dict[str, Any]) -> list[str]:
        """See `Workload`."""
        found = []
        for way in WAYS:
            there = Counter(final[way]["data"]["all"])
            known = set()
            for op in stage.recorder.ops:
                if op.key != way or op.f != "add":
                    continue
                known.add(op.value)
                times = there[op.value]
                wanted = {"ok": (1,), "fail": (0,), "info": (0, 1)}[op.type]
                if times not in wanted:
                    found.append(f"{way}: {op.value} ({op.type}) is there {times} times")
            found += [f"{way}: nobody added {each}" for each in there if each not in known]
        return found
