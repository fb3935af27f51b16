"""A real small model, from test to summary; by hand, since it is a download and takes its time.

    ../shared/tools/llm_server.sh 8089 &
    python -m tests.llm.small_model http://127.0.0.1:8089/v1

It looks at shapes (a valid plan, text, usage, an end in time), never at meaning: so small a model writes nonsense.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from groups.agents.base import AgentError, Answered, Finding, Planned, Request, TextDelta
from groups.agents.llm.probe import probe
from groups.execution.plan import Plan
from groups.execution.statuses import SubtaskKind
from tests.llm.asking import config, heard, listening, request, text_of, usages

SETTINGS: dict[str, Any] = {
    "check_demands": False,
    # It invents dependencies where it may name any.
    "max_subtasks": 1,
    "context_window": 4_096,
    "repairs": 4,
}


def asked(url: str, kind: SubtaskKind, **fields: Any) -> Request:
    """A request to an agent that is the small model."""
    limits = {"max_tokens": 800 if kind == SubtaskKind.PLAN else 120, "temperature": 0.2, "seed": 7}
    return request(
        kind, config(url, settings=limits, **SETTINGS), task="Write a plan for a shop", **fields
    )


async def plan(url: str, structured: str) -> Plan:
    """A plan that can be carried out."""
    known = {"structured": structured}
    events = await heard(asked(url, SubtaskKind.PLAN, agent_id="lena", ability=known))
    [outcome] = [event.plan for event in events if isinstance(event, Planned)]
    assert all(item.assignee in ("wim", "wes", "figures", "words") for item in outcome.subtasks)
    assert sum(usage.output_tokens for usage in usages(events)) > 0
    return outcome


async def work(url: str, key: str) -> Finding:
    """One worker's text."""
    events = await heard(asked(url, SubtaskKind.WORK, title=key, instructions=f"Do {key}."))
    outcome = events[-1]
    assert isinstance(outcome, Answered) and outcome.text == text_of(events) and outcome.text
    assert usages(events)[0].output_tokens > 0
    return Finding(key=key, title=key, agent_id="wim", status="completed", text=outcome.text)


async def cancelled(url: str) -> float:
    """Seconds until a model that speaks has stopped."""
    said: list[Any] = []

    async def listen() -> None:
        async for _ in listening(asked(url, SubtaskKind.WORK, title="Talk"), said):
            pass

    task = asyncio.ensure_future(listen())
    while not any(isinstance(event, TextDelta) for event in said):
        await asyncio.sleep(0.01)
    began = time.monotonic()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return time.monotonic() - began


async def too_slow(url: str) -> str:
    """How a call ends that has no time."""
    settings = config(url, **SETTINGS, time_limit=0.3)
    try:
        await heard(request(SubtaskKind.WORK, settings, title="Tell a long story"))
    except AgentError as error:
        return error.message
    raise AssertionError("it had all the time it wanted")


async def main(url: str) -> None:
    """Everything, one after the other; raises AssertionError or AgentError when something is not as it should be."""
    probed = await probe(config(url, settings={"max_tokens": 200}), {}, ())
    for check in probed.checks:
        sys.stdout.write(f"{'ok ' if check.ok else 'no '} {check.name}: {check.text}\n")
    assert probed.ability["structured"], "no way to structured output"
    made = await plan(url, probed.ability["structured"])
    sys.stdout.write(f"plan: {[(item.key, item.assignee) for item in made.subtasks]}\n")
    findings = await asyncio.gather(work(url, "figures"), work(url, "words"))
    events = await heard(asked(url, SubtaskKind.SUMMARY, findings=tuple(findings)))
    summary = events[-1]
    assert isinstance(summary, Answered) and "[figures]" in summary.text
    sys.stdout.write(f"summary: {len(summary.text)} characters\n")
    took = await cancelled(url)
    assert took < 1, took
    sys.stdout.write(f"cancelled within {took * 1e3:.0f} ms\ntoo slow: {await too_slow(url)}\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
