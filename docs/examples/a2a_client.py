"""Give a Stars group a task over A2A and follow it; needs `a2a-sdk`. STARS_URL, STARS_TOKEN, STARS_GROUP."""

import asyncio
import os
import uuid

import httpx
from a2a.client import ClientConfig, create_client
from a2a.helpers import get_stream_response_text
from a2a.types import Message, Part, Role, SendMessageRequest, TaskState

URL = f"{os.environ['STARS_URL']}/a2a/{os.environ['STARS_GROUP']}"
HEADERS = {"Authorization": f"Bearer {os.environ['STARS_TOKEN']}"}


def ask(text: str, task_id: str = "") -> SendMessageRequest:
    """A message of the user's; one that names a task answers what the task asks."""
    parts = [Part(text=text)]
    said = Message(message_id=str(uuid.uuid4()), role=Role.ROLE_USER, parts=parts, task_id=task_id)
    return SendMessageRequest(message=said)


async def main() -> None:
    """Print the run as it goes on, then its result."""
    async with httpx.AsyncClient(headers=HEADERS, timeout=None) as http:
        client = await create_client(URL, client_config=ClientConfig(httpx_client=http))
        task_id = ""
        async for event in client.send_message(ask("List three kinds of ships")):
            if event.HasField("task"):
                task_id = event.task.id
            elif event.HasField("status_update"):
                status = event.status_update.status
                print(TaskState.Name(status.state), get_stream_response_text(event))
                if status.state == TaskState.TASK_STATE_INPUT_REQUIRED:
                    async for _ in client.send_message(ask(input("> "), task_id)):
                        break  # this stream goes on and tells the rest


asyncio.run(main())
