"""Give a Stars group a task over MCP and wait for its result; needs `mcp`. STARS_URL, STARS_TOKEN, STARS_GROUP."""

import asyncio
import os

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

URL = f"{os.environ['STARS_URL']}/mcp"
HEADERS = {"Authorization": f"Bearer {os.environ['STARS_TOKEN']}"}


async def main() -> None:
    """Start a run, ask for it until it has ended, print the result."""
    async with (
        httpx2.AsyncClient(headers=HEADERS, timeout=60) as http,
        Client(streamable_http_client(URL, http_client=http)) as client,
    ):
        task = {"group": os.environ["STARS_GROUP"], "task": "List three kinds of ships"}
        started = await client.call_tool("start_run", task)
        run = started.structured_content["run"]
        while True:
            found = await client.call_tool("get_run", {"run": run, "wait": 25})
            told = found.structured_content
            if told["waiting"]:
                print("It asks:", told["waiting"][0]["question"])
                text, subtask = input("> "), told["waiting"][0]["subtask"]
                given = {"run": run, "subtask": subtask, "text": text}
                await client.call_tool("answer", given)
            elif told["status"] in ("completed", "failed", "cancelled"):
                print(told["status"], told["result"] or told["error"])
                return


asyncio.run(main())
