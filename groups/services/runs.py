"""What people do with runs: start one and steer it. The engine's own writes are in `subtasks`."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from msgspec import convert

from groups import queue
from groups.access import Actor
from groups.errors import LeaderRequired, PlanChanged, TaskEmpty, TaskTooLarge
from groups.events import PlanProposed
from groups.execution import steering
from groups.execution.modes import chosen
from groups.execution.modes.reply import Reply, draft
from groups.execution.plan import Assignable, plan_from_json
from groups.execution.statuses import FailurePolicy
from groups.models import Group, Member, Message, Role, Run, RunEvent, Subtask
from groups.services import answers, budgets, groups, inputs
from groups.services import attachments as files
from groups.services.fetching import fetch, select
from groups.services.ledger import Ledger, opened
from state.errors import Invalid

MAX_TASK_BYTES: Final = 100_000
#: Leave a cap as it is.
KEEP: Final[Any] = object()
#: Within which a message is answered; the clock stands while people are waited for.
REPLY_SECONDS: Final = 900.0


def start(
    *,
    actor: Actor,
    group: Group,
    task: str,
    mode: str = "leader_worker",
    approve_plan: bool = False,
    failure_policy: str = FailurePolicy.CONTINUE,
    time_limit: float | None = None,
    subtask_time_limit: float | None = None,
    max_attempts: int | None = None,
    max_parallel: int | None = None,
    max_tokens: int | None = None,
    max_cost_usd: float | None = None,
    options: dict[str, Any] | None = None,
    origin: str = "",
    conversation: str = "",
    earlier: Sequence[tuple[str, str]] = (),
    kept: Mapping[str, Any] | None = None,
    message: Message | None = None,
    id: uuid.UUID | None = None,
    attachments: Sequence[UploadedFile[Any]] = (),
) -> Run:
    """Store a run of the group and ring for a worker; returns as soon as it is stored.

    Limits in seconds and counts; None takes the model's default. `max_tokens` and `max_cost_usd` are the run's own
    caps. `options` are the mode's (`execution.modes`), `origin` names the door, runs of one `conversation` go on with
    each other, `earlier` are turns (task, result) that came before it elsewhere, `kept` is what the door remembers of
    it, `message` is what the run answers. With an `id` of the caller's making the second attempt to store it raises
    IntegrityError. Raises LeaderRequired, TaskEmpty, TaskTooLarge,
    UnknownMode, Invalid (a field out of bounds), AttachmentTooLarge, AttachmentRefused; then nothing is stored.
    """
    turns = [list(turn) for turn in earlier]
    _check_brought({"conversation": conversation, "earlier": turns, "door": dict(kept or {})})
    strategy = chosen(mode)
    run = _drawn_up(
        group,
        task=task,
        mode=mode,
        approve_plan=approve_plan,
        failure_policy=failure_policy,
        limits={
            "time_limit": time_limit,
            "subtask_time_limit": subtask_time_limit,
            "max_attempts": max_attempts,
            "max_parallel": max_parallel,
            "max_tokens": max_tokens,
            "max_cost_usd": max_cost_usd,
        },
        origin=origin,
        conversation=conversation,
        message=message,
        created_by=actor if actor is not None and actor.pk else None,
    )
    if id is not None:
        run.id = id
    if attachments:
        # Asked before gigabytes are copied for nothing; the answer that counts is given under the lock.
        _leader(group)
        files.check(attachments)
    with files.copied(run=run, uploads=attachments) as stored, transaction.atomic():
        # The lock keeps the leader from leaving between this look and the run's first event.
        leader = _leader(group, lock=True)
        ledger = Ledger()
        run.created_at = ledger.now
        joined = group.members.select_related("agent").order_by("position", "id")
        members = list(joined) if strategy.looks_at_members else [leader]
        machine = ledger.adopt(run, members)
        run.options = _settled(run, {} if options is None else options, machine.members)
        machine.begin(
            attachments=[
                {"id": str(a.id), "name": a.name, "size": a.size, "media_type": a.media_type}
                for a in stored
            ],
            by=name_of(actor),
        )
        # Beside the mode's own, which have been checked.
        brought = {"earlier": turns, "door": dict(kept or {})}
        run.options = run.options | {name: value for name, value in brought.items() if value}
        ledger.store()
        if stored:
            files.add(stored)
        queue.ring([run.id])
    return run


def check(
    *,
    group: Group,
    task: str,
    mode: str,
    options: dict[str, Any],
    approve_plan: bool,
    failure_policy: str,
    **limits: float | None,
) -> None:
    """Raise what `start` would, for all that does not depend on who is the leader; nothing is stored."""
    run = _drawn_up(
        group,
        task=task,
        mode=mode,
        approve_plan=approve_plan,
        failure_policy=failure_policy,
        limits=limits,
    )
    joined = group.members.select_related("agent").order_by("position", "id")
    _settled(
        run,
        options,
        [Assignable(agent_id=m.agent.agent_id, role=m.role, tags=tuple(m.tags)) for m in joined],
    )


def _drawn_up(
    group: Group,
    *,
    task: str,
    mode: str,
    failure_policy: str,
    limits: Mapping[str, float | None],
    **fields: Any,
) -> Run:
    """A run that is not stored yet. Raises TaskEmpty, TaskTooLarge, UnknownMode, Invalid."""
    _check_task(task)
    chosen(mode)
    if failure_policy not in set(FailurePolicy):
        raise Invalid(fields={"failure_policy": ["Choose 'continue' or 'stop'."]})
    budgets.check(max_tokens=limits.get("max_tokens"), max_cost_usd=limits.get("max_cost_usd"))
    given = {name: value for name, value in limits.items() if value is not None}
    run = Run(group=group, task=task, mode=mode, failure_policy=failure_policy, **fields, **given)
    _check_limits(run)
    return run


def _settled(run: Run, options: object, members: Sequence[Assignable]) -> dict[str, Any]:
    """The options of the run's mode, defaults filled in. Raises Invalid."""
    strategy = chosen(run.mode)
    settled = strategy.settle(options, members)
    if run.approve_plan and not strategy.plans(convert(settled, strategy.options)):
        inputs.refuse("approve_plan", "In this mode there is no plan to approve.")
    return settled


def reply(*, message: Message, agent_id: str) -> Run | None:
    """Let a member answer the message in a run of its own; call it in a transaction. None when it is no member."""
    members = Member.objects.select_related("agent")
    member = members.filter(group_id=message.group_id, agent__agent_id=agent_id).first()
    if member is None:
        return None
    ledger = Ledger()
    run = Run(
        group_id=message.group_id,
        task=message.text,
        mode=Reply.name,
        options={"agent": agent_id},
        origin="message",
        message=message,
        time_limit=REPLY_SECONDS,
        created_at=ledger.now,
    )
    machine = ledger.adopt(run, [member])
    machine.begin(attachments=[], by=message.by or message.sender)
    machine.make_ready(machine.add(draft(agent_id, message.text)))
    ledger.store()
    queue.ring([run.id])
    return run


def cancel(*, actor: Actor, run: Run, reason: str = "") -> Run:
    """End the run now; agents at work are stopped within a second. Raises Invalid, RunFinished."""
    faults = inputs.Faults()
    reason = faults.text("reason", reason, longest=inputs.MAX_REASON)
    faults.done()
    with opened(run.id) as machine:
        steering.cancel(machine, by=name_of(actor), reason=reason)
    return machine.run


def pause(*, actor: Actor, run: Run) -> Run:
    """Start no further subtask; running ones finish. Raises RunFinished, WrongStatus."""
    with opened(run.id) as machine:
        steering.pause(machine, by=name_of(actor))
    return machine.run


def resume(*, actor: Actor, run: Run) -> Run:
    """Go on after a pause. Raises RunFinished, WrongStatus."""
    with opened(run.id) as machine:
        steering.resume(machine, by=name_of(actor))
    return machine.run


def retry(*, actor: Actor, run: Run) -> Run:
    """Take up again what failed or was skipped. Raises WrongStatus, NothingToRetry, LeaderRequired."""
    # The group first, as everywhere: its leader may not leave while an ended run is taken up again.
    with transaction.atomic():
        _leader(run.group, lock=True)
        with opened(run.id) as machine:
            steering.retry(machine, by=name_of(actor))
    return machine.run


def raise_budget(
    *,
    actor: Actor,
    run: Run,
    max_tokens: int | None = KEEP,
    max_cost_usd: float | None = KEEP,
    resume: bool = False,
) -> Run:
    """Change the run's own caps (None: no cap; KEEP: as it is); what was used stays counted.

    With `resume`, take up again what an ended run left undone, as `retry` does and refuses.
    Raises Invalid, WrongStatus (a cancelled run), and with `resume` NothingToRetry, LeaderRequired.
    """
    with transaction.atomic():
        if resume:
            _leader(run.group, lock=True)
        with opened(run.id) as machine:
            tokens = machine.run.max_tokens if max_tokens is KEEP else max_tokens
            cost = machine.run.max_cost_usd if max_cost_usd is KEEP else max_cost_usd
            budgets.check(max_tokens=tokens, max_cost_usd=cost)
            by = name_of(actor)
            steering.raise_budget(machine, max_tokens=tokens, max_cost_usd=cost, by=by)
            if resume and machine.ended:
                steering.retry(machine, by=by)
    return machine.run


def edit_plan(*, actor: Actor, run: Run, plan: object, seen: int | None = None) -> Run:
    """Replace the plan that awaits approval by `plan` (JSON). `seen` is the number of an event up to which the actor
    knows the log. Raises PlanInvalid, PlanChanged (it was changed after `seen`), WrongStatus, RunFinished.
    """
    with opened(run.id) as machine:
        steering.must_await_approval(machine)
        _must_have_seen(run, seen)
        steering.edit_plan(machine, plan_from_json(plan), by=name_of(actor))
    return machine.run


def approve(*, actor: Actor, run: Run, plan: object | None = None, seen: int | None = None) -> Run:
    """Let the proposed plan (or `plan` in its place) be carried out. Raises what `edit_plan` raises."""
    with opened(run.id) as machine:
        steering.must_await_approval(machine)
        _must_have_seen(run, seen)
        edited = None if plan is None else plan_from_json(plan)
        steering.approve(machine, edited, by=name_of(actor))
    return machine.run


def _must_have_seen(run: Run, seen: int | None) -> None:
    """Raise PlanChanged when a plan was proposed after the event `seen`; the run is locked."""
    proposed = RunEvent.objects.filter(run_id=run.id, type=PlanProposed.TYPE)
    if seen is not None and proposed.filter(seq__gt=seen).exists():
        raise PlanChanged


def answer(*, actor: Actor, run: Run, subtask: Subtask, text: str) -> Run:
    """Answer the question a subtask waits with.

    Raises Invalid, NotAnOption, PlanInvalid (a person leads), LevelTooLow (another person is asked), WrongStatus,
    RunFinished.
    """
    text = inputs.message_text("text", text)
    with opened(run.id) as machine:
        answers.check(actor=actor, machine=machine, subtask=subtask, text=text)
        steering.answer(machine, subtask.id, text, by=name_of(actor))
        answers.announce(machine)
    return machine.run


def name_of(actor: Actor) -> str:
    """How the log names whoever acted; the system has no name."""
    return "" if actor is None else actor.get_username()


def _leader(group: Group, *, lock: bool = False) -> Member:
    """The group's leader, in one query; with `lock` the group's row is locked by it.

    Raises LeaderRequired when there is none, GroupNotFound when the group is gone.
    """
    tail = "JOIN groups_group g ON g.id=groups_member.group_id WHERE g.id=%s AND role=%s"
    lock_ = "FOR NO KEY UPDATE OF g" if lock else ""
    params = [group.id, Role.LEADER.value]
    (found,) = fetch(select(Member, tail, params, with_="agent", lock=lock_))
    leader: Member | None = next(iter(found), None)
    if leader is None:
        if lock:
            groups.lock(group)
        raise LeaderRequired
    return leader


def _check_task(task: str) -> None:
    if not task.strip():
        raise TaskEmpty(fields={"task": ["Write what the group is to do."]})
    if fault := inputs.unstorable(task):
        raise Invalid(fields={"task": [fault]})
    if len(task.encode()) > MAX_TASK_BYTES:
        raise TaskTooLarge(fields={"task": ["At most 100,000 bytes; attach long material."]})


def _check_brought(brought: Mapping[str, Any]) -> None:
    """Raise Invalid, naming what no database could hold."""
    faults = inputs.Faults()
    for name, value in brought.items():
        if fault := inputs.unstorable_json(value):
            faults.add(name, fault)
    faults.done()


def _check_limits(run: Run) -> None:
    try:
        # The rest is ours, not the caller's, or is looked at on its own.
        ours = ["group", "created_by", "created_at", "task", "status", "plan", "usage", "message"]
        run.clean_fields(exclude=ours)
    except ValidationError as error:
        raise Invalid(fields=error.message_dict) from None
    for name in ("time_limit", "subtask_time_limit"):
        if math.isnan(getattr(run, name)):  # lies neither above nor below any bound
            raise Invalid(fields={name: ["This must be a number of seconds."]})
