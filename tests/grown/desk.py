"""A process of the grown site that does what the test asks: `python -m tests.grown.desk`, JSON lines in and out."""

from __future__ import annotations

import json
import sys
from typing import Any


def prepare(width: int, seconds: float) -> None:
    """A group of drowsy agents, called Crew."""
    from tests.factories import make_agent, make_group

    config = {"width": width, "seconds": seconds}
    for agent_id in ("lena", "wim", "wes"):
        make_agent(agent_id=agent_id, kind="drowsy", config=config)
    make_group(group_id="Crew", leader="lena", workers=("wim", "wes"))


def admit() -> str:
    """Somebody who may watch Crew; the token."""
    from groups.models import Group, GroupAccess, Level
    from tests.factories import make_token, make_user

    user = make_user()
    GroupAccess.objects.create(group=Group.objects.get(id="Crew"), user=user, level=Level.VIEWER)
    return make_token(user=user)


def start(**fields: Any) -> str:
    """Submit a run and ring for it; its id."""
    from groups import queue
    from groups.models import Group
    from groups.services import runs

    group = Group.objects.get(id="Crew")
    run = runs.start(actor=None, group=group, task="Sleep a little", **fields)
    queue.settle()
    return str(run.id)


def cancel(run: str) -> None:
    """Cancel the run."""
    from groups.models import Run
    from groups.services import runs

    runs.cancel(actor=None, run=Run.objects.get(pk=run))


def look(run: str) -> dict[str, Any]:
    """The run and its subtasks as they are, after its log was checked against them."""
    from django.db import transaction

    from groups.models import Run, RunEvent, Subtask
    from tests.engine.scripted import check_log

    with transaction.atomic():
        row = Run.objects.select_for_update().get(pk=run)
        check_log(row)
        subtasks = {
            s.key: {"status": s.status, "attempt": s.attempt, "owner": s.lease_owner}
            for s in Subtask.objects.filter(run=row)
        }
        types = list(
            RunEvent.objects.filter(run=row).order_by("seq").values_list("type", flat=True)
        )
    return {"status": row.status, "result": row.result, "subtasks": subtasks, "types": types}


DOORS = {door.__name__: door for door in (prepare, admit, start, cancel, look)}


def main() -> None:
    """Answer each line `{"do": name, ...}` with one line of JSON."""
    import django

    django.setup()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = DOORS[asked.pop("do")](**asked)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
