"""W5: a few writers, and subscribers of every kind; policies are revoked and granted in mid-stream."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any, Final

from state.values import Operation, OperationType
from tests.soak.records import Log
from tests.soak.stage import Stage
from tests.soak.talking import Answer, Http, Writer, new_op_id
from tests.soak.watching import Habits

DOCUMENTS: Final = tuple(f"doc/{number}" for number in range(6))
NOTES: Final = tuple(f"notes/{number}" for number in range(4))
SECRETS: Final = ("secret/0", "secret/1")
WRITERS: Final = 4
PAUSE: Final = 0.08
#: May read secrets only at times.
SOMETIMES: Final = "agent:w9"
WRITE_ALLOW: Final = [f"agent:w{number}" for number in range(WRITERS)]


class Watched:
    """The six promises of watches, unbroken chains, right documents, nothing after a revocation."""

    async def prepare(self, stage: Stage) -> None:
        """See `Workload`."""
        for state in (*DOCUMENTS, *NOTES):
            await stage.create(state, data={"n": 0, "by": {}})
        for state in SECRETS:
            await stage.create(state, data={"n": 0, "by": {}}, access_policy=policy(open_=True))
        stage.watch("all")
        stage.watch("filtered", ("notes/*", "doc/0"))
        stage.watch("latest", mode="latest")
        stage.watch("resuming", habits=Habits(leaves_after=1.5))
        stage.watch("resuming-latest", ("doc/*",), mode="latest", habits=Habits(leaves_after=2.0))
        stage.watch("away", habits=Habits(leaves_after=1.0, away=3.0))
        stage.watch("beginning-anew", habits=Habits(leaves_after=3.0, resumes=False))
        stage.watch("slow", habits=Habits(takes=0.05))
        stage.watch("never-acking", habits=Habits(acks=False))
        stage.watch("impatient", ("secret/*", "notes/1"), habits=Habits(silence=3.0))
        stage.watch("sometimes", reader=SOMETIMES)
        stage.watch(
            "sometimes-resuming",
            ("secret/*", "doc/1"),
            reader=SOMETIMES,
            habits=Habits(leaves_after=1.5),
        )

        await stage.hook("hook", ("doc/*", "notes/*"))
        await stage.hook("hook-sometimes", ("secret/*",), reader=SOMETIMES)
        stage.replica("replica-all", web=0)
        stage.replica("replica-latest", ("doc/*",), mode="latest", web=1)
        stage.replica("replica-sometimes", reader=SOMETIMES, web=1)

    def clients(self, stage: Stage) -> list[Coroutine[Any, Any, None]]:
        """See `Workload`."""
        found = [self._toggler(stage)]
        for number in range(WRITERS):
            agent = f"w{number}"
            http = stage.http(agent)
            writer: Writer = http if number % 2 else stage.socket(agent)
            found.append(self._writer(stage, number, http, writer))
        return found

    async def settle(self, stage: Stage) -> list[str]:
        """See `Workload`; that all has arrived is waited for with every workload."""
        return []

    async def _writer(self, stage: Stage, number: int, http: Http, writer: Writer) -> None:
        chance = stage.chance(f"w5-{number}")
        owner = stage.http()  # only who owns a state may delete it
        seen: dict[str, int] = {}
        count = 0
        while not stage.over.is_set():
            count += 1
            what = chance.choices(["set", "both", "secret", "anew", "stale"], [12, 3, 3, 1, 2])[0]
            if what == "both":
                await self._both(stage, http, chance, f"{number}-{count}")
            elif what == "anew":
                await self._anew(stage, owner, chance.choice(NOTES))
            else:
                state = chance.choice(SECRETS if what == "secret" else (*DOCUMENTS, *NOTES))
                base = seen.get(state) if what == "stale" else None
                ops = [
                    Operation(OperationType.SET, "/n", f"{number}-{count}"),
                    Operation(OperationType.SET, f"/by/w{number}", count),
                ]
                op_id = new_op_id(chance)
                answer = await writer.write(state, ops, op_id=op_id, base=base)
                if answer.version is not None:
                    seen.setdefault(state, answer.version)
                    if what == "stale":
                        seen[state] = answer.version
                self._note(stage, answer)
            await asyncio.sleep(chance.uniform(0, PAUSE))

    async def _both(self, stage: Stage, http: Http, chance: Random, value: str) -> None:
        """Two states at one revision."""
        ops = [
            {"state": state, "op": "set", "path": "/n", "value": value}
            for state in chance.sample(DOCUMENTS, 2)
        ]
        answer = await http.ask("POST", "txn/", {"ops": ops, "op_id": new_op_id(chance)})
        self._note(stage, answer)

    async def _anew(self, stage: Stage, http: Http, state: str) -> None:
        """Delete it, and make it again."""
        self._note(stage, await http.ask("DELETE", f"states/{state}/"))
        answer = await http.create(state, data={"n": 0, "by": {}, "anew": True})
        stage.coverage["made anew"] += answer.end == "ok"
        self._note(stage, answer)

    async def _toggler(self, stage: Stage) -> None:
        """Takes the right to read a secret away, and gives it back."""
        chance = stage.chance("w5-toggler")
        http = stage.http()
        opened = dict.fromkeys(SECRETS, True)
        while not stage.over.is_set():
            await asyncio.sleep(chance.uniform(0.3, 1.5))
            state = chance.choice(SECRETS)
            wanted = not opened[state]
            body = {"access_policy": policy(open_=wanted), "op_id": new_op_id(chance)}
            answer = await http.ask("PATCH", f"states/{state}/config/", body)
            if answer.end == "ok":
                opened[state] = wanted
            self._note(stage, answer)

    def _note(self, stage: Stage, answer: Answer) -> None:
        stage.coverage["writes"] += answer.end == "ok"
        stage.coverage["conflicts"] += answer.status in (409, 412)
        stage.coverage["unknown outcomes"] += answer.end == "info"
        if answer.status >= 500 and answer.status != 503:
            stage.oddities.append(f"a write was answered {answer.status}: {answer.note}")

    def judge(self, stage: Stage, log: Log, final: dict[str, Any]) -> list[str]:
        """See `Workload`; the subscribers are judged with every workload."""
        few = [name for name in (*DOCUMENTS, *SECRETS) if log.at(name, log.head) is None]
        return [f"watched: {name} is not in the log" for name in few]


def policy(*, open_: bool) -> dict[str, Any]:
    """Of a secret."""
    readers = ["agent:w11", *([SOMETIMES] if open_ else [])]
    return {"read_allow": readers, "write_allow": WRITE_ALLOW, "public": False}
