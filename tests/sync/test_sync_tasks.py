"""Sync tasks: whom they serve, when a target is done, what is tried again, how they end (shared-state 1.12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from state.errors import StarsError
from state.models import SyncTask
from state.policy import Caller
from state.refusals import NotPermitted, StateNotFound, StoreDown
from state.sync import tasks
from state.sync.refusals import SyncTaskInvalid, SyncTaskNotFound
from state.values import (
    AccessPolicy,
    EventType,
    StateUpdate,
    SyncTaskType,
    TargetStatus,
    TaskStatus,
)
from tests.bus.build import until
from tests.sync.desk import ADA, LENA, SPACE, VI, WES, WIM, Desk, agent, desk

__all__ = ["desk"]
pytestmark = pytest.mark.django_db
SYNC = (EventType.SYNC_STARTED, EventType.SYNC_COMPLETED, EventType.SYNC_FAILED)


def delivered(desk: Desk, count: int) -> list[tuple[str, str, int]]:
    """To whom what was delivered."""
    until(lambda: len(desk.delivered) >= count)
    found = sorted((each.agent, each.kind, each.revision) for each in desk.delivered)
    desk.delivered.clear()
    return found


# -- whom they serve ---------------------------------------------------------------------------------------------------


def test_a_broadcast_serves_all_who_subscribe_when_it_starts(desk: Desk) -> None:
    desk.socket(WIM, "pl*")
    desk.socket(WES, "notes/*")
    desk.socket(LENA, "plan", mode="push")
    desk.socket(agent("polly"), "plan", mode="pull")
    task = desk.task()
    desk.socket(agent("later"), "plan")
    desk.work()
    desk.socket(agent("too-late"), "plan")
    desk.work()
    assert set(desk.statuses(task)) == {"agent:later", "agent:lena", "agent:wim"}
    assert [each[0] for each in delivered(desk, 3)] == ["agent:later", "agent:lena", "agent:wim"]


def test_a_broadcast_leaves_out_who_may_not_read_the_state_or_act_there_any_more(
    desk: Desk,
) -> None:
    policy = AccessPolicy(read_allow=("agent:wim", "agent:gone"))
    desk.states.create_state(LENA, "secret", data={}, access_policy=policy)
    for caller in (WIM, WES, agent("gone")):
        desk.socket(caller)
    desk.gone.add("agent:gone")
    task = desk.sync.create_sync_task(LENA, SyncTaskType.BROADCAST, "secret").id
    desk.work()
    assert set(desk.statuses(task)) == {"agent:wim"}


def test_a_broadcast_to_nobody_is_complete(desk: Desk) -> None:
    task = desk.task()
    desk.work()
    assert desk.status(task) == "completed"
    assert desk.told(*SYNC) == [EventType.SYNC_STARTED, EventType.SYNC_COMPLETED]


def test_unicast_and_multicast_serve_those_they_name(desk: Desk) -> None:
    for caller in (WIM, WES, LENA):
        desk.socket(caller)
    one, two = desk.task("unicast", "wim"), desk.task("multicast", "wes", "agent:wim", "wes")
    desk.work()
    assert set(desk.statuses(one)) == {"agent:wim"}
    assert set(desk.statuses(two)) == {"agent:wes", "agent:wim"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"type": "broadcast", "target_agents": ["wim"]}, "target_agents"),
        ({"type": "unicast", "target_agents": []}, "target_agents"),
        ({"type": "unicast", "target_agents": ["wim", "wes"]}, "target_agents"),
        ({"type": "multicast", "target_agents": []}, "target_agents"),
        ({"type": "multicast", "target_agents": ["a\nb"]}, "target_agents"),
        ({"type": "multicast", "target_agents": ["*"]}, "target_agents"),
        ({"type": "multicast", "target_agents": [""]}, "target_agents"),
        ({"type": "multicast", "target_agents": [str(n) for n in range(1001)]}, "target_agents"),
        ({"priority": 10}, "priority"),
        ({"priority": -1}, "priority"),
        ({"max_retries": 21}, "max_retries"),
        ({"metadata": {"much": "x" * 20_000}}, "metadata"),
    ],
)
def test_what_cannot_be_done_is_refused_by_field(
    desk: Desk, given: dict[str, Any], field: str
) -> None:
    given = {"type": "broadcast", **given}
    with pytest.raises(SyncTaskInvalid) as refused:
        desk.sync.create_sync_task(LENA, SyncTaskType(given.pop("type")), "plan", **given)
    assert list(refused.value.fields) == [field]
    assert not SyncTask.objects.exists()


def test_updates_are_changes_of_that_state_and_say_how_far_to_come(desk: Desk) -> None:
    second = desk.write(step=2)
    desk.write(step=3)
    desk.write("other", n=1)
    made = desk.task("unicast", "wim")
    of_plan = desk.sync.get_sync_task(LENA, made).updates
    assert [each.new_value for each in of_plan][-2:] == [2, 3]
    wanted = next(each for each in of_plan if each.new_value == 2)
    desk.socket(WIM, acked=second)
    task = desk.task("unicast", "wim", updates=[wanted])
    desk.work()
    assert desk.statuses(task) == {"agent:wim": TargetStatus.COMPLETED}
    assert desk.statuses(made) == {"agent:wim": TargetStatus.SENT}
    for wrong in (f"{SPACE}:99:0", "Pier:1:0", "nonsense", "", f"{SPACE}:0:0"):
        update = StateUpdate(
            **{**{f: getattr(wanted, f) for f in wanted.__struct_fields__}, "id": wrong}
        )
        with pytest.raises(SyncTaskInvalid):
            desk.task("unicast", "wim", updates=[update])


# -- who may -----------------------------------------------------------------------------------------------------------


def test_tasks_are_made_by_who_may_write_the_state_the_leader_and_owners(desk: Desk) -> None:
    desk.states.create_state(ADA, "closed", data={}, access_policy=AccessPolicy(read_allow=("*",)))
    desk.states.create_state(ADA, "hidden", data={}, access_policy=AccessPolicy())
    make = desk.sync.create_sync_task
    for caller in (LENA, ADA):
        make(caller, SyncTaskType.BROADCAST, "closed")
    make(WIM, SyncTaskType.BROADCAST, "plan")
    viewing = Caller(space=SPACE, name="human:bo", admin=True, read_only=True)
    for caller in (WIM, VI, viewing):
        with pytest.raises(NotPermitted):
            make(caller, SyncTaskType.BROADCAST, "closed")
    with pytest.raises(NotPermitted):
        make(VI, SyncTaskType.BROADCAST, "plan")
    with pytest.raises(StateNotFound):
        make(WIM, SyncTaskType.BROADCAST, "hidden")
    with pytest.raises(StateNotFound):
        make(LENA, SyncTaskType.BROADCAST, "nowhere")


def test_others_see_only_tasks_they_made_or_are_served_by(desk: Desk) -> None:
    mine = desk.sync.create_sync_task(WIM, SyncTaskType.MULTICAST, "plan", ["wes", "lena"]).id
    other = desk.task("unicast", "lena")
    seen = {
        caller.name: [each.id for each in desk.sync.list_sync_tasks(caller)]
        for caller in (WIM, WES, LENA, ADA, VI)
    }
    assert seen == {
        "agent:wim": [mine],
        "agent:wes": [mine],
        "agent:lena": [other, mine],
        "human:ada": [other, mine],
        "human:vi": [],
    }
    for wrong in (other, "nonsense", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(SyncTaskNotFound):
            desk.sync.get_sync_task(WIM, wrong)
    with pytest.raises(NotPermitted):
        desk.sync.cancel_sync_task(WES, mine)
    assert desk.sync.cancel_sync_task(WIM, mine).status == "cancelled"
    listed = desk.sync.list_sync_tasks(ADA, status=TaskStatus.CANCELLED)
    assert [each.id for each in listed] == [mine]


# -- when a target is done ---------------------------------------------------------------------------------------------


def test_a_delta_for_who_is_current_is_done_at_once(desk: Desk) -> None:
    desk.socket(WIM, acked=desk.write(step=2))
    task = desk.task("delta_sync", "wim")
    desk.work()
    assert desk.status(task) == "completed" and not desk.delivered


def test_a_full_sync_needs_a_snapshot_that_was_acknowledged(desk: Desk) -> None:
    head = desk.write(step=2)
    desk.socket(WIM, acked=head)
    task = desk.task("full_sync", "wim")
    desk.work()
    assert delivered(desk, 1) == [("agent:wim", "full", head)]
    desk.go(seconds=6)
    desk.work()
    assert desk.status(task) == "running"
    desk.ack(task, "wim", head - 1)
    desk.work()
    assert desk.status(task) == "running"
    for _ in range(2):  # what is said twice counts once
        desk.ack(task, "wim", head)
        desk.work()
    assert desk.status(task) == "completed"
    assert desk.told(*SYNC) == [EventType.SYNC_STARTED, EventType.SYNC_COMPLETED]


def test_an_acknowledgement_that_nobody_passed_on_is_found_in_the_session(desk: Desk) -> None:
    opened = desk.socket(WIM)
    task = desk.task("unicast", "wim")
    desk.work()
    desk.note(opened, "*", acked=1)
    desk.go(seconds=6)
    desk.work()
    assert desk.status(task) == "completed"


def test_who_is_away_is_deferred_and_does_not_fail_the_task(desk: Desk) -> None:
    desk.socket(WIM)
    desk.away(desk.socket(WES))
    desk.socket(agent("polly"), mode="pull")
    task = desk.task("multicast", "wim", "wes", "polly", "nobody")
    desk.work()
    desk.ack(task, "wim")
    desk.work()
    assert desk.status(task) == "completed"
    assert desk.statuses(task) == {
        "agent:wim": TargetStatus.COMPLETED,
        "agent:wes": TargetStatus.DEFERRED,
        "agent:polly": TargetStatus.DEFERRED,
        "agent:nobody": TargetStatus.DEFERRED,
    }


def test_who_goes_away_while_it_is_waited_for_is_deferred(desk: Desk) -> None:
    opened = desk.socket(WIM)
    task = desk.task("unicast", "wim")
    desk.work()
    desk.away(opened)
    desk.go(seconds=31)
    desk.work()
    assert desk.statuses(task) == {"agent:wim": TargetStatus.DEFERRED}
    assert desk.status(task) == "completed"


def test_nonsense_and_late_acknowledgements_do_nothing(desk: Desk) -> None:
    desk.socket(WIM)
    task = desk.task("unicast", "wim")
    tasks.acked(task, "agent:wim", 99)  # nothing was delivered yet
    assert desk.statuses(task) == {"agent:wim": TargetStatus.PENDING}
    desk.work()
    desk.sync.cancel_sync_task(LENA, task)
    tasks.acked(task, "agent:wim", 99)
    tasks.acked("nonsense", "agent:wim", 99)
    assert desk.statuses(task) == {"agent:wim": TargetStatus.CANCELLED}


# -- failing -----------------------------------------------------------------------------------------------------------


def alive(desk: Desk, *opened: Any) -> None:
    for each in opened:
        desk.note(each, "*")


def test_a_retry_touches_failing_targets_only(desk: Desk) -> None:
    wim, wes = desk.socket(WIM), desk.socket(WES)
    task = desk.task(max_retries=2)
    desk.work()
    assert len(delivered(desk, 2)) == 2
    desk.ack(task, "wim")
    desk.go(seconds=31)
    alive(desk, wim, wes)
    desk.work()
    desk.go(seconds=31)
    desk.work()
    assert delivered(desk, 1) == [("agent:wes", "delta", 1)]
    assert desk.sync.get_sync_task(LENA, task).retry_count == 1


def test_spent_retries_fail_the_task_with_an_error_for_each_target(desk: Desk) -> None:
    wim, wes = desk.socket(WIM), desk.socket(WES)
    task = desk.task(max_retries=1)
    desk.work()
    desk.ack(task, "wim")
    for _ in range(4):
        desk.go(seconds=31)
        alive(desk, wim, wes)
        desk.work()
    found = desk.sync.get_sync_task(LENA, task)
    assert (found.status, found.error) == ("failed", "1 of 2 agents were not served.")
    (failed,) = [each for each in found.targets if each.status is TargetStatus.FAILED]
    assert failed.agent == "agent:wes" and "30 seconds" in failed.error
    assert desk.told(*SYNC) == [EventType.SYNC_STARTED, EventType.SYNC_FAILED]
    (record,) = desk.states.store.read_audit(SPACE, after=0, limit=10)
    assert record.event.metadata["task"] == task
    assert list(record.event.metadata["targets"]) == ["agent:wes"]
    assert SyncTask.objects.get(pk=task).told


def test_a_failure_is_told_later_when_the_store_was_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.task()
    desk.states.delete_state(LENA, "plan")
    with monkeypatch.context() as patched:
        patched.setattr(desk.sync.queue, "_record", refuse)
        desk.work()
    assert desk.status(task) == "failed"
    assert desk.states.store.read_audit(SPACE, after=0, limit=10) == []
    for _ in range(2):
        desk.work()
    (record,) = desk.states.store.read_audit(SPACE, after=0, limit=10)
    assert record.event.metadata["error"] == "The state is gone."


def test_with_its_space_a_task_is_gone_and_brings_no_space_back(desk: Desk) -> None:
    task = desk.task()
    desk.states.drop_space(ADA)
    desk.work()
    assert SyncTask.objects.get(pk=task).status == "cancelled"
    assert SPACE not in [info.id for info in desk.states.store.spaces()]


def refuse(*_: Any) -> None:
    raise StoreDown


def test_a_store_that_is_away_delays_a_task_and_spends_no_retry(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.socket(WIM)
    task = desk.task()
    with monkeypatch.context() as patched:
        patched.setattr(desk.states.store, "load_states", refuse)
        desk.work()
    assert desk.status(task) == "running" and not desk.statuses(task)
    desk.go(seconds=6)
    desk.work()
    assert desk.statuses(task) == {"agent:wim": TargetStatus.SENT}
    assert desk.sync.get_sync_task(LENA, task).retry_count == 0


def test_who_may_no_longer_read_fails_at_once(desk: Desk) -> None:
    desk.socket(WIM)
    task = desk.task("unicast", "wim")
    policy = AccessPolicy(read_allow=("agent:wes",))
    desk.states.configure(LENA, "plan", {"access_policy": policy})
    desk.work()
    (target,) = desk.sync.get_sync_task(LENA, task).targets
    assert (target.status, target.error) == ("failed", "It may not read this state.")
    assert not desk.delivered


def test_pauses_between_retries_grow_and_differ(desk: Desk) -> None:
    from state.sync.tasks.runner import LONGEST, pause

    config = desk.sync.config
    most = [max(pause(config, tries) for _ in range(200)) for tries in (1, 3, 50)]
    least = min(pause(config, 50) for _ in range(200))
    assert timedelta() < most[0] <= timedelta(seconds=0.5) < most[1] <= timedelta(seconds=2)
    assert least < timedelta(seconds=LONGEST) / 2 < most[2] <= timedelta(seconds=LONGEST)


# -- conflicts ---------------------------------------------------------------------------------------------------------


def test_a_write_back_that_collides_is_told_for_tasks_that_wait_for_it(desk: Desk) -> None:
    desk.socket(WIM)
    desk.task("unicast", "wim")
    desk.work()
    desk.told()

    def collide(name: str, state: str = "plan") -> int:
        return tasks.conflicted(
            desk.bus.publish, space=SPACE, agent=f"agent:{name}", state_id=state, conflict_id="c1"
        )

    assert [collide("wim"), collide("wes"), collide("wim", "other")] == [1, 0, 0]
    assert desk.told(EventType.SYNC_CONFLICT) == [EventType.SYNC_CONFLICT]


def test_refusals_are_sentences() -> None:
    found: list[StarsError] = [SyncTaskInvalid(), SyncTaskNotFound()]
    assert all(each.message.endswith(".") for each in found)
