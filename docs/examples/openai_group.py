"""A group as a model of the OpenAI client: STARS_TOKEN=… python openai_group.py http://localhost:8000 <group_id> <task>

The response goes on without this program: when the connection breaks, it asks for what comes after the last event.
"""

import os
import sys

from openai import APIConnectionError, OpenAI


def main(address, group_id, task):
    client = OpenAI(base_url=f"{address}/v1", api_key=os.environ["STARS_TOKEN"])
    started = client.responses.create(model=group_id, input=task, background=True)
    last = 0
    while True:
        try:
            for event in client.responses.retrieve(started.id, stream=True, starting_after=last):
                last = event.sequence_number
                if event.type == "response.reasoning_summary_text.delta":
                    print(event.delta, end="", file=sys.stderr, flush=True)
                elif event.type == "response.output_text.delta":
                    print(event.delta, end="", flush=True)
            break
        except APIConnectionError:
            continue
    done = client.responses.retrieve(started.id)
    print(f"\n{done.status}, {done.usage.total_tokens} tokens", file=sys.stderr)


main(*sys.argv[1:])
