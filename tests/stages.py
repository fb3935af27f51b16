"""Brings stored runs to a stage as a worker would, without one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from groups.execution.plan import Plan
from groups.models import Run
from groups.services.ledger import opened


def claim(run: Run) -> list[Any]:
    """Take up whatever is ready."""
    with opened(run.id) as machine:
        return machine.claim(9, owner="test", lease=timedelta(minutes=5), room=lambda _: True)


def propose(run: Run, plan: Plan) -> Run:
    """Let the leader propose this plan."""
    [item] = claim(run)
    with opened(run.id) as machine:
        assert machine.propose(item.id, item.lease_token, plan)
    return Run.objects.get(id=run.id)
