"""A group as an AG-UI agent: STARS_TOKEN=… python agui_group.py http://localhost:8000 <group_id> <task>

Any client of the protocol does; this one is bare HTTP, and answers the questions of the group from the terminal.
"""

import json
import os
import sys
import uuid

import httpx

HEADERS = {"Authorization": f"Bearer {os.environ['STARS_TOKEN']}"}


def run(address, **given):
    """Send one RunAgentInput, print what agents write, and return the last event."""
    given["runId"] = uuid.uuid4().hex
    with httpx.stream("POST", address, json=given, headers=HEADERS, timeout=60) as response:
        for line in response.iter_lines():
            if not line.startswith("data: "):
                continue
            event = json.loads(line.removeprefix("data: "))
            if event["type"] == "SUBAGENT_STARTED":
                print(f"\n[{event['name']}: {event['description']}]")
            elif event["type"] == "TEXT_MESSAGE_CONTENT":
                print(event["delta"], end="", flush=True)
    return event


def main(server, group_id, task):
    address, thread = f"{server}/agui/{group_id}/", uuid.uuid4().hex
    asked = [{"id": "task", "role": "user", "content": task}]
    event = run(address, threadId=thread, messages=asked)
    while event.get("outcome", {}).get("type") == "interrupt":
        answers = [
            {
                "interruptId": each["id"],
                "status": "resolved",
                "payload": input(f"\n{each['message']} "),
            }
            for each in event["outcome"]["interrupts"]
        ]
        event = run(address, threadId=thread, messages=asked, resume=answers)
    print(f"\n{event['type']}: {event.get('outcome', {}).get('type', event.get('message'))}")


main(*sys.argv[1:])
