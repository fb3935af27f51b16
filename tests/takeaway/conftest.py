"""A run full of what must not get out or through: markup in every text, and a key that agents repeated."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from groups.events import TextDelta, ToolFinished, ToolStarted, UsageRecorded
from groups.execution.plan import Plan, PlanItem
from groups.models import Agent, Group, Run
from groups.services import agents, runs, tool_servers
from groups.services.ledger import opened
from tests.stages import claim, propose

KEY = 'sk-"harbour"/7f3a9'
TOOL = "Bearer files-5cd2e"
WILD = "<script>alert('x')</script> & <img src=//evil.example/a> ](http://evil.example) `"


@pytest.fixture
def wild(harbour: Group, ada: User) -> Run:
    """One subtask completed, one failed after it wrote; wim said its key in pieces, in a tool's call and its result."""
    wim = Agent.objects.get(agent_id="wim")
    agents.change(
        actor=ada,
        agent=wim,
        kind="llm",
        config={"model": "openai:tide-1"},
        secrets={"api_key": KEY},
    )
    tool_servers.register(
        actor=ada, name="files", url="https://files.example/mcp", secrets={"Authorization": TOOL}
    )
    run = runs.start(actor=ada, group=harbour, task=f"{WILD}\nCount the ships")
    items = (
        PlanItem(key="count", title=f"Count {WILD}", assignee="wim", instructions=WILD),
        PlanItem(key="tell", title="Tell the master", assignee="wes"),
    )
    propose(run, Plan(subtasks=items, note=f"# Why\n{WILD}"))
    count, tell = sorted(claim(run), key=lambda item: item.position)
    with opened(run.id) as machine:
        called = ToolStarted(call_id="1", tool="read", arguments={"with": KEY, KEY: [1, None]})
        told = ToolFinished(call_id="1", tool="read", summary=f"{WILD} {KEY}")
        used = UsageRecorded(
            input_tokens=1200, output_tokens=30, requests=1, cost_usd=0.5, model="tide-1"
        )
        free = UsageRecorded(
            input_tokens=1, output_tokens=2, requests=1, cost_usd=None, model="own"
        )
        pieces = [TextDelta(text=f"Mine is {KEY[:5]}"), TextDelta(text=f"{KEY[5:]}. Good.")]
        for event in (called, told, *pieces, used):
            assert machine.append(count.id, count.lease_token, [event])
        for event in (TextDelta(text=f"Half {WILD}"), free):
            assert machine.append(tell.id, tell.lease_token, [event])
        result = f"# Ships\n\n17, says {KEY}.\n\n{WILD}"
        assert machine.complete(count.id, count.lease_token, result)
        assert machine.fail(tell.id, tell.lease_token, f"No wind. {KEY} {TOOL}", transient=False)
    [summary] = claim(run)
    with opened(run.id) as machine:
        machine.complete(summary.id, summary.lease_token, f"# Report\n\n**17** ships. {WILD}")
    return Run.objects.get(id=run.id)
