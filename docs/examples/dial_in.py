"""An agent that dials in: STARS_CREDENTIAL=… python dial_in.py ws://localhost:8000 <agent_id>"""

import asyncio
import json
import os
import sys
from contextlib import suppress
from functools import partial

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def work(request, say):
    """What the agent does: put your own here."""
    if request["kind"] == "plan":
        able = [each["agent_id"] for each in request["members"] if each["role"] == "worker"]
        items = [{"key": who, "title": request["task"][:80], "assignee": who} for who in able]
        return await say("done", plan={"subtasks": items})
    for word in (request["instructions"] or request["title"] or request["task"]).split():
        await say("text", text=f"{word.upper()} ")
        await asyncio.sleep(float(os.environ.get("PACE", "0.01")))
    await say("done")


async def main(address, agent):
    said, tasks = {}, {}  # by call: its frames, numbered from 1; the work on it
    headers = {"Authorization": f"Bearer {os.environ['STARS_CREDENTIAL']}"}

    async def send(**frame):
        with suppress(ConnectionClosed):  # then it is sent again after the next welcome
            await line.send(json.dumps(frame))

    async def say(call, kind, **fields):
        said[call].append({"type": kind, "call": call, "seq": len(said[call]) + 1, **fields})
        await send(**said[call][-1])

    async for line in connect(f"{address}/ws/v1/agents/{agent}/", additional_headers=headers):
        with suppress(ConnectionClosed):
            await send(type="hello", name="dial_in.py", parallel=4, holds=list(said))
            while True:
                match frame := json.loads(await line.recv()):
                    case {"type": "welcome"}:
                        for call, last in frame["calls"].items():
                            for unheard in said[call][last:]:
                                await send(**unheard)
                    case {"type": "work", "call": call}:
                        said[call] = []
                        tasks[call] = asyncio.create_task(
                            work(frame["request"], partial(say, call))
                        )
                    case {"type": "ack", "call": call} if (
                        call in said and said[call][-1]["type"] == "done"
                    ):
                        if frame["seq"] == len(said[call]):
                            del said[call], tasks[call]
                    case {"type": "cancel", "call": call} if call in said:
                        tasks.pop(call).cancel()
                        del said[call]
                    case {"type": "ping"}:
                        await send(type="pong")
        if line.close_code == 4401:
            sys.exit("This credential does not open that agent.")


asyncio.run(main(*sys.argv[1:]))
