"""W7: agents queue operations on eventual states, and crash between them; a successor goes on with what it kept."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any, Final

from state.values import TERMINAL, Operation, OperationType
from tests.soak.history import Op
from tests.soak.records import Log
from tests.soak.stage import Stage
from tests.soak.talking import Http, Writer, new_op_id

STATES: Final = ("queue/a", "queue/b")
AGENTS: Final = 6
PAUSE: Final = 0.2
#: Seconds after which every queued operation has ended, once everything is quiet.
CONVERGED: Final = 10.0


class Queued:
    """Each operation ends exactly once; first in, first out for each agent and state; all are there at the end."""

    def __init__(self) -> None:
        #: Agent and state to its operations in the order in which they were taken.
        self._taken: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._outcomes: dict[str, str] = {}

    async def prepare(self, stage: Stage) -> None:
        """See `Workload`."""
        for state in STATES:
            await stage.create(state, data={}, consistency="eventual")

    def clients(self, stage: Stage) -> list[Coroutine[Any, Any, None]]:
        """See `Workload`."""
        return [self._agent(stage, number) for number in range(AGENTS)]

    async def _agent(self, stage: Stage, number: int) -> None:
        """One agent, by one process after another: what an earlier one did not see the end of, the next asks for
        again under the same op_id before it goes on, as it keeps order."""
        name = f"w{number}"
        chance = stage.chance(f"w7-{number}")
        http, socket = stage.http(name), stage.socket(name)
        count = 0
        kept: list[tuple[Op, str]] = []
        while not stage.over.is_set() or kept:
            if not kept:
                count += 1
                state, op_id = chance.choice(STATES), new_op_id(chance)
                op = stage.recorder.invoke(number, "queue", state, f"{name}-{count}")
                kept.append((op, op_id))
            writer: Writer = http if chance.random() < 0.5 else socket
            if chance.random() < 0.15:
                await self._crash(stage, writer, kept[0], chance.uniform(0, 0.02))
            op, op_id = kept[0]
            answer = await writer.write(op.key, [change(op)], op_id=op_id)
            if answer.end == "ok":
                kept.pop()
                self._taken[name, op.key].append(op_id)
                stage.recorder.end(op, "ok", note=op_id)
                stage.coverage["queued"] += answer.queued
                stage.coverage["replays"] += answer.replayed
            elif answer.end == "fail" and answer.status in (404, 409, 422):
                stage.oddities.append(f"{op.value} was refused: {answer.status} {answer.note}")
                kept.pop()
                stage.recorder.end(op, "fail", note=answer.note)
            else:
                stage.coverage["unknown outcomes"] += answer.end == "info"
                await asyncio.sleep(0.3)
            await asyncio.sleep(chance.uniform(0, PAUSE))

    async def _crash(
        self, stage: Stage, writer: Writer, kept: tuple[Op, str], after: float
    ) -> None:
        """Die in the middle of asking."""
        op, op_id = kept
        asking = asyncio.create_task(writer.write(op.key, [change(op)], op_id=op_id))
        await asyncio.sleep(after)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        stage.coverage["agents crashed"] += 1

    async def settle(self, stage: Stage) -> list[str]:
        """Ask for every outcome until it is there."""
        waiting = [(agent, op_id) for (agent, _), op_ids in self._taken.items() for op_id in op_ids]
        agents = {agent for agent, _ in waiting}
        asking: dict[str, Http] = {agent: stage.http(agent, direct=True) for agent in agents}
        end = time.monotonic() + CONVERGED
        while waiting:
            left = []
            for agent, op_id in waiting:
                answer = await asking[agent].ask("GET", f"ops/{op_id}/")
                status = str((answer.body or {}).get("status", answer.status))
                if status in TERMINAL:
                    self._outcomes[op_id] = status
                else:
                    left.append((agent, op_id))
            if left and time.monotonic() > end:
                return [
                    f"queue: {len(left)} of the operations had not ended after {CONVERGED} s, {left[:3]}"
                ]
            waiting = left
        return []

    def judge(self, stage: Stage, log: Log, final: dict[str, Any]) -> list[str]:
        """See `Workload`."""
        found = []
        logged: dict[tuple[str, str], list[str]] = defaultdict(list)
        for entry in log.entries:
            if entry.op_id:
                logged[entry.by.removeprefix("agent:"), entry.id].append(entry.op_id)
        for (agent, state), op_ids in self._taken.items():
            came = [op_id for op_id in logged[agent, state] if op_id in set(op_ids)]
            if came != op_ids:
                lost, twice = set(op_ids) - set(came), len(came) - len(set(came))
                what = f"{len(lost)} lost, {twice} twice" if lost or twice else "in another order"
                found.append(f"queue: {agent}'s operations on {state}: {what}")
        odd = [
            f"{op_id}: {end}"
            for op_id, end in self._outcomes.items()
            if end not in ("applied", "merged")
        ]
        found += [f"queue: {each}" for each in odd]
        for op in stage.recorder.ops:
            if (
                op.f == "queue"
                and op.type == "ok"
                and final[op.key]["data"].get(op.value) != op.value
            ):
                found.append(f"queue: {op.value} is not in {op.key}")
        return found


def change(op: Op) -> Operation:
    """Each operation sets a member of its own."""
    return Operation(OperationType.SET, f"/{op.value}", op.value)
