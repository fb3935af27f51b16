"""A call belongs to the attempt that holds its subtask's lease, and to the agent that it was offered to."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.utils import timezone

from groups.models import Agent, Call, Group, Subtask
from groups.services import calls
from groups.services.calls import Saying
from tests.factories import make_agent, make_run


def offered(
    subtask: Subtask, agent: Agent, *answers: str, asked: tuple[str, int] = ("", 0)
) -> tuple[str, UUID]:
    """The subtask's call under a new lease of the agent, and the lease."""
    token = uuid4()
    Subtask.objects.filter(pk=subtask.pk).update(
        status="running", lease_token=token, lease_until=timezone.now()
    )
    request: dict[str, object] = {"answers": list(answers)}
    found = calls.offer(
        agent_pk=agent.pk, subtask_id=subtask.pk, token=token, request=request, asked=asked
    )
    assert found is not None
    return found.id, token


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


def test_a_call_whose_question_was_not_answered_ends_when_its_subtask_is_tried_again(
    crew: Group,
) -> None:
    subtask, dora = at_work(crew), Agent.objects.get(agent_id="dora")
    first, _ = offered(subtask, dora)
    connection = uuid4()
    [(taken, _)] = calls.tend(connection, dora.pk, {}, room=1).taken
    assert taken == first
    question = {"type": "ask", "call": first, "seq": 1, "question": "?", "known": 0}
    assert not calls.say(connection, [Saying(first, 1, question)])
    # A worker that died before the question was stored hears it again; one that has it comes with the answer.
    assert offered(subtask, dora)[0] == first
    assert offered(subtask, dora, "yes", asked=(first, 1))[0] == first
    assert offered(subtask, dora, asked=(first, 1))[0] != first
    assert calls.tend(connection, dora.pk, {first: 0}, room=0).dropped == [first]


def test_a_call_that_a_connection_drops_has_ended(crew: Group) -> None:
    """Or a retry that follows at once would go on with a call that nobody is at."""
    subtask, dora = at_work(crew), Agent.objects.get(agent_id="dora")
    first, _ = offered(subtask, dora)
    connection = uuid4()
    calls.tend(connection, dora.pk, {}, room=1)
    nobody: dict[str, object] = {"lease_token": None, "lease_until": None}
    Subtask.objects.filter(pk=subtask.pk).update(status="cancelled", **nobody)
    assert calls.tend(connection, dora.pk, {first: 0}, room=0).dropped == [first]
    assert offered(subtask, dora)[0] != first
