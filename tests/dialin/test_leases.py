"""A call belongs to the attempt that holds its subtask's lease, and to the agent that it was offered to."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.utils import timezone

from groups.models import Agent, Call, Group, Subtask
from groups.services import calls
from tests.factories import make_agent, make_run


def offered(subtask: Subtask, agent: Agent) -> tuple[str, UUID]:
    """The subtask's call under a new lease of the agent, and the lease."""
    token = uuid4()
    Subtask.objects.filter(pk=subtask.pk).update(lease_token=token)
    request: dict[str, object] = {"answers": []}
    found = calls.offer(agent_pk=agent.pk, subtask_id=subtask.pk, token=token, request=request)
    assert found is not None
    return found, token


def at_work(crew: Group) -> Subtask:
    """A subtask under a lease."""
    return Subtask.objects.create(
        run=make_run(group=crew),
        kind="work",
        title="A",
        key="a",
        assignee="dora",
        status="running",
        lease_token=uuid4(),
        lease_until=timezone.now(),
    )


def test_an_attempt_that_lost_its_lease_does_not_end_the_call_of_the_next(crew: Group) -> None:
    subtask, dora = at_work(crew), Agent.objects.get(agent_id="dora")
    first, lost = offered(subtask, dora)
    again, holds = offered(subtask, dora)
    assert first == again
    calls.end(first, lost)
    assert Call.objects.get().status == "offered"
    calls.end(first, holds)
    assert Call.objects.get().status == "ended"


def test_a_call_that_is_under_way_goes_on_with_the_same_agent_only(crew: Group) -> None:
    subtask, dora = at_work(crew), Agent.objects.get(agent_id="dora")
    first, _ = offered(subtask, dora)
    other, _ = offered(subtask, make_agent(agent_id="otto", kind="connected"))
    assert first != other
