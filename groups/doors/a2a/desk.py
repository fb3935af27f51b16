"""Tasks of a group: started or answered by a message, told, listed, cancelled. All of it is the services' work."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.dateparse import parse_datetime

from groups import access
from groups.doors.a2a import messages, telling
from groups.doors.a2a.errors import InvalidParams, TaskNotCancelable, TaskNotFound, Unsupported
from groups.doors.a2a.messages import ListTasks, Message, SendMessage
from groups.doors.a2a.telling import Teller
from groups.doors.common import door
from groups.doors.common.entry import Entry
from groups.doors.common.once import name_of, started
from groups.errors import RunFinished, RunNotFound
from groups.execution.statuses import RUN_ENDED, RunStatus, SubtaskStatus, WaitsFor
from groups.identity import Identity
from groups.live import timestamp
from groups.models import Level, Run, RunEvent, Subtask
from groups.services import runs
from state import conf, pace
from state.threads import in_thread

#: Seconds for which it is remembered that a message was an answer.
REMEMBERED: Final = 24 * 3600
#: The most tasks that one page lists.
MAX_PAGE: Final = 100
_YES: Final = frozenset({"approve", "approved", "yes", "y", "ok", "go", "同意", "批准"})
_NO: Final = frozenset({"reject", "rejected", "no", "n", "cancel", "拒绝", "不同意"})
_STATUSES: Final = {
    telling.SUBMITTED: [RunStatus.QUEUED],
    telling.COMPLETED: [RunStatus.COMPLETED],
    telling.FAILED: [RunStatus.FAILED],
    telling.CANCELED: [RunStatus.CANCELLED],
}


def tellers(
    found: Sequence[Run], *, upto: int | None = None, artifacts: bool = True
) -> list[Teller]:
    """The runs as tasks as their logs stand now, or at event `upto`; two queries however many they are."""
    told = {run.id: Teller(str(run.id), run.conversation or str(run.id)) for run in found}
    rows = RunEvent.objects.filter(run__in=found).order_by("run_id", "seq")
    if upto is not None:
        rows = rows.filter(seq__lte=upto)
    # The pieces of what is complete need not be read, unless it was taken up again.
    ends = rows.filter(type__in=("subtask.completed", "run.resumed"))
    marks = list(ends.order_by().values_list("type", "subtask"))
    if not artifacts:
        rows = rows.exclude(type="text.delta")
    elif not any(kind == "run.resumed" for kind, _ in marks):
        done = {subtask for _, subtask in marks}
        rows = rows.exclude(type="text.delta", subtask__in=done)
    for row in rows.iterator():
        subtask = str(row.subtask) if row.subtask else None
        at, agent_id = timestamp(row.at), row.agent_id or None
        told[row.run_id].take(Entry(row.seq, row.type, at, agent_id, subtask, row.data))
    return list(told.values())


def run_in(who: Identity, group_id: str, task_id: str, level: Level = Level.VIEWER) -> Run:
    """The task's run, if it is this group's. Raises TaskNotFound, LevelTooLow."""
    try:
        run = access.get_run(who.user, door.run_key(task_id), level)
    except RunNotFound:
        raise TaskNotFound from None
    if run.group_id != group_id:
        raise TaskNotFound
    return run


@in_thread
def teller(who: Identity, group_id: str, task_id: str, upto: int | None = None) -> Teller:
    """The task as it stands, or stood at event `upto`. Raises TaskNotFound."""
    return tellers([run_in(who, group_id, task_id)], upto=upto)[0]


@in_thread
def receive(who: Identity, group_id: str, sent: SendMessage) -> Run:
    """Start a run by the message, or (it names a task) answer that run's question; the same message twice does so once.

    Raises TaskNotFound, Unsupported, InvalidParams, ContentTypeNotSupported, and what the services raise.
    """
    message = messages.checked(sent).message
    if message.task_id:
        return _answer(who, group_id, message)
    return started(
        who,
        group_id,
        f"a2a\n{message.message_id}",
        task=messages.text_of(message),
        origin="a2a",
        conversation=message.context_id,
        attachments=messages.files_of(message),
        **messages.settings_of(message),
    )


@in_thread
def cancel(who: Identity, group_id: str, task_id: str) -> Teller:
    """The task, cancelled. Raises TaskNotFound, TaskNotCancelable, LevelTooLow."""
    run = run_in(who, group_id, task_id, Level.OPERATOR)
    pace.check(conf.manager().limits, who.user.pk, "")
    try:
        runs.cancel(actor=who.user, run=run)
    except RunFinished:
        raise TaskNotCancelable from None
    return tellers([run])[0]


@in_thread
def listed(who: Identity, group_id: str, asked: ListTasks) -> dict[str, Any]:
    """One page of the group's tasks, the last changed first. Raises GroupNotFound, InvalidParams."""
    group = access.get_group(who.user, group_id)
    if not 1 <= asked.page_size <= MAX_PAGE or asked.history_length < 0:
        raise InvalidParams(f"`pageSize` is 1 to {MAX_PAGE}, and `historyLength` is not negative.")
    last = RunEvent.objects.filter(run=OuterRef("pk"), seq=OuterRef("last_seq"))
    rows = _filtered(group.runs.annotate(changed_at=Subquery(last.values("at")[:1])), asked)
    total = rows.count()
    if asked.page_token:
        at, key = _position(asked.page_token)
        rows = rows.filter(Q(changed_at__lt=at) | Q(changed_at=at, id__lt=key))
    page = list(rows.order_by("-changed_at", "-id")[: asked.page_size + 1])
    more, page = len(page) > asked.page_size, page[: asked.page_size]
    told = tellers(page, artifacts=asked.include_artifacts)
    return {
        "tasks": [
            each.as_json(history=asked.history_length, artifacts=asked.include_artifacts)
            for each in told
        ],
        "nextPageToken": f"{page[-1].changed_at.isoformat()}/{page[-1].id}" if more else "",
        "pageSize": asked.page_size,
        "totalSize": total,
    }


def _filtered(rows: QuerySet[Any], asked: ListTasks) -> QuerySet[Any]:
    if asked.context_id:
        own = _key(asked.context_id)
        rows = rows.filter(
            Q(conversation=asked.context_id) | Q(conversation="", id=own)
            if own
            else Q(conversation=asked.context_id)
        )
    if asked.status_timestamp_after:
        rows = rows.filter(changed_at__gte=_moment(asked.status_timestamp_after))
    if not asked.status or asked.status == "TASK_STATE_UNSPECIFIED":
        return rows
    if asked.status in _STATUSES:
        return rows.filter(status__in=_STATUSES[asked.status])
    waits = Subtask.objects.filter(run=OuterRef("pk"), status=SubtaskStatus.WAITING)
    asks = Q(status=RunStatus.AWAITING_APPROVAL) | Exists(waits.exclude(waits_for=WaitsFor.REMOTE))
    under_way = rows.exclude(status__in=[*RUN_ENDED, RunStatus.QUEUED])
    if asked.status == telling.INPUT_REQUIRED:
        return under_way.filter(asks)
    if asked.status == telling.WORKING:
        return under_way.exclude(asks)
    return rows.none()


def _answer(who: Identity, group_id: str, message: Message) -> Run:
    run = run_in(who, group_id, message.task_id, Level.OPERATOR)
    if message.context_id and message.context_id != (run.conversation or str(run.id)):
        raise InvalidParams("The task is of another context; leave `contextId` out.")
    known = f"a2a:{run.id}:{who.user.pk}:{name_of(message.message_id)}"
    if not cache.add(known, True, REMEMBERED):
        return run  # this very message was the answer already
    try:
        return _give(who, run, message)
    except BaseException:
        cache.delete_many([known])
        raise


def _give(who: Identity, run: Run, message: Message) -> Run:
    if run.status in RUN_ENDED:
        raise Unsupported("The task has ended; send the message without `taskId` to start another.")
    data, text = messages.data_of(message), messages.text_of(message)
    pace.check(conf.manager().limits, who.user.pk, "")
    if run.status == RunStatus.AWAITING_APPROVAL and "subtask" not in data:
        return _decide(who, run, data, text)
    waiting = run.subtasks.filter(status=SubtaskStatus.WAITING).exclude(waits_for=WaitsFor.REMOTE)
    if "subtask" in data:
        subtask = access.get_subtask(run, str(data["subtask"]))
    elif (first := waiting.order_by("position", "id").first()) is not None:
        subtask = first
    else:
        raise Unsupported("The task is under way and asks nothing; wait for it, or cancel it.")
    answer = str(data["answer"]) if "answer" in data else text
    return runs.answer(actor=who.user, run=run, subtask=subtask, text=answer)


def _decide(who: Identity, run: Run, data: dict[str, Any], text: str) -> Run:
    """A plan awaits approval: words, or data `{"approve": bool, "plan": {…}}`."""
    word = text.strip().strip(".!").lower()
    if data.get("approve") is False or word in _NO:
        return runs.cancel(actor=who.user, run=run, reason="The plan was rejected.")
    if data.get("approve") is True or "plan" in data or word in _YES:
        return runs.approve(actor=who.user, run=run, plan=data.get("plan"))
    raise InvalidParams(
        'The plan awaits approval: answer “approve” or “reject”, or data {"plan": …}.'
    )


def _position(token: str) -> tuple[datetime, uuid.UUID]:
    at, _, key = token.partition("/")
    found = _key(key)
    if found is None:
        raise InvalidParams("`pageToken` is none that was given.")
    return _moment(at), found


def _moment(text: str) -> datetime:
    try:
        found = parse_datetime(text)
        # In UTC as the database wants it, where the first and the last day have no neighbours.
        found = found.astimezone(UTC) if found is not None and found.tzinfo else None
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise InvalidParams(f"“{text[:40]}” is no time with a time zone.")
    return found


def _key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
