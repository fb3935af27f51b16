"""Calls: one attempt of a subtask in the hands of an agent's process, and the frames that come back.

The rows are the truth, words on the hub only say when to look. The engine's side is `engine.line`, the socket's
`groups.dialin`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from groups import live
from groups.events import UsageRecorded
from groups.execution.statuses import SUBTASK_ENDED
from groups.models import Call, CallFrame, CallStatus, RunEvent
from groups.services.credentials import topic
from groups.services.subtasks import held_leases

#: How long ended calls and their frames are kept.
KEPT: Final = timedelta(hours=1)
#: Frames read at once.
PAGE: Final = 500
#: How long an agent may take that is tried outside of a run (`engine.trial`).
TRIAL: Final = timedelta(minutes=3)
#: Calls that one sweep looks at.
AT_ONCE: Final = 500


class Held(NamedTuple):
    """A call that a connection has: the last frame that arrived, and how many answers its process knows of."""

    last: int
    told: int
    is_over: bool


class Saying(NamedTuple):
    """A frame on its way into the rows."""

    call: str
    seq: int
    frame: dict[str, Any]


class Offered(NamedTuple):
    """A call, and its last frame with usage that stands in the run's log: what was used up to there counts no more."""

    id: str
    counted: int


class Heard(NamedTuple):
    """What there is of a call: frames after the one asked for, its status and whoever has it."""

    frames: list[tuple[int, dict[str, Any]]]
    status: str
    taken_by: str


class Tended(NamedTuple):
    """News for a connection: calls that are its own now, calls to drop, answers (call, number, text)."""

    taken: list[tuple[str, dict[str, Any]]]
    dropped: list[str]
    answers: list[tuple[str, int, str]]


def call_topic(call_id: uuid.UUID | str) -> str:
    """Where the engine is told that something was said of a call."""
    return f"call:{call_id}"


def keys(ids: Iterable[str]) -> list[uuid.UUID]:
    """The texts that are ids; others name nothing."""
    found = []
    for each in ids:
        try:
            found.append(uuid.UUID(each))
        except ValueError:
            continue
    return found


# --- the engine's side -----------------------------------------------------------------------------------------------


def offer(
    *,
    agent_pk: int,
    subtask_id: uuid.UUID,
    token: uuid.UUID,
    request: Mapping[str, Any],
    asked: tuple[str, int] = ("", 0),
) -> Offered | None:
    """Hand a claimed subtask to the agent's processes; None while the claim is not committed.

    A call of the same subtask and agent that is under way goes on under the new lease: its process waited for an
    answer, which `request` holds now, or the worker that listened to it has died. Where the question that was `asked`
    last (by which call, in which frame) has no answer, nobody will give one: that call ends, and another begins.
    """
    with transaction.atomic():
        if not held_leases([token]):
            return None
        mine = Call.objects.filter(subtask_id=subtask_id, agent_id=agent_pk)
        under_way = mine.exclude(status=CallStatus.ENDED)
        # Locked: an earlier attempt may be about to end it.
        call = under_way.select_for_update().order_by("-id").first()
        if call is not None and not _goes_on(call, request, asked):
            end(str(call.pk))
            call = None
        counted = 0
        # Whoever lost the lease adds no more to it.
        told = RunEvent.objects.filter(
            run__subtasks=subtask_id, subtask=subtask_id, type=UsageRecorded.TYPE
        )
        if call is None:
            call = Call.objects.create(
                agent_id=agent_pk,
                subtask_id=subtask_id,
                lease_token=token,
                request=dict(request),
                usage_before=told.count(),
            )
        else:
            Call.objects.filter(pk=call.pk).update(lease_token=token, request=dict(request))
            counted = _counted(call, told.count() - call.usage_before)
        live.announce(pokes=[(topic(call.agent.agent_id), "call", {})])
    return Offered(str(call.pk), counted)


def offer_trial(*, agent_pk: int, token: uuid.UUID, request: Mapping[str, Any]) -> Offered:
    """Hand the agent's processes what they are tried with: a call of no subtask."""
    with transaction.atomic():
        call = Call.objects.create(agent_id=agent_pk, lease_token=token, request=dict(request))
        live.announce(pokes=[(topic(call.agent.agent_id), "call", {})])
    return Offered(str(call.pk), 0)


def _goes_on(call: Call, request: Mapping[str, Any], asked: tuple[str, int]) -> bool:
    """Whether its process has something to go on with: not when it waits for an answer that did not come in time."""
    if asked[0] != str(call.pk):
        return True
    question = call.frames.filter(seq=asked[1]).first()
    return question is None or len(request["answers"]) > question.frame.get("known", 0)


def _counted(call: Call, number: int) -> int:
    """Which of its frames is the usage of that number; 0 for none."""
    if number <= 0:
        return 0
    usages = call.frames.filter(frame__type="usage").order_by("seq").values_list("seq", flat=True)
    return max(usages[:number], default=0)


def heard(call_id: str, after: int) -> Heard:
    """What was said of the call after that frame."""
    call = Call.objects.filter(pk=call_id).values_list("status", "taken_by").first()
    if call is None:
        return Heard([], CallStatus.ENDED, "")
    rows = CallFrame.objects.filter(call_id=call_id, seq__gt=after).order_by("seq")[:PAGE]
    return Heard([(row.seq, row.frame) for row in rows], *call)


def offer_again(call_id: str, holder: str) -> None:
    """Its holder is gone and has said nothing: whoever else is there may take it."""
    with transaction.atomic():
        call = Call.objects.filter(pk=call_id, status=CallStatus.TAKEN, taken_by=holder)
        if call.update(status=CallStatus.OFFERED, taken_by=""):
            agent_id = Call.objects.values_list("agent__agent_id", flat=True).get(pk=call_id)
            live.announce(pokes=[(topic(agent_id), "call", {})])


def give_up(call_id: str, holder: str) -> bool:
    """End a call whose holder is gone; False when somebody else has it by now."""
    call = Call.objects.filter(pk=call_id, status=CallStatus.TAKEN, taken_by=holder)
    return bool(call.update(status=CallStatus.ENDED, ended_at=timezone.now()))


def end(call_id: str, token: uuid.UUID | None = None) -> bool:
    """Nobody listens to it any more; whoever has it is told to stop, unless it had ended it itself.

    With the `token` of an attempt's lease only if the call has not gone on under another attempt's meanwhile; then,
    and if it had ended, False.
    """
    with transaction.atomic():
        call = Call.objects.filter(pk=call_id).exclude(status=CallStatus.ENDED)
        if token is not None:
            call = call.filter(lease_token=token)
        ended = bool(call.update(status=CallStatus.ENDED, ended_at=timezone.now()))
        if ended:
            agent_id = Call.objects.values_list("agent__agent_id", flat=True).get(pk=call_id)
            live.announce(pokes=[(topic(agent_id), "ended", {})])
    return ended


# --- the socket's side -----------------------------------------------------------------------------------------------


def held_of(ids: Sequence[uuid.UUID]) -> dict[str, Held]:
    """How far these calls have come."""
    found: dict[str, Held] = {}
    for call in Call.objects.filter(id__in=ids).annotate(last_seq=Max("frames__seq")):
        last: CallFrame | None = call.frames.order_by("-seq").first()
        frame = last.frame if last else {}
        kind = frame.get("type")
        told = frame.get("known", 0) if kind == "ask" else len(call.request["answers"])
        found[str(call.pk)] = Held(last.seq if last else 0, told, kind in ("done", "fail"))
    return found


def say(dialin_id: uuid.UUID, items: Sequence[Saying]) -> set[str]:
    """Store these frames; returns the calls that are not this connection's any more, of which nothing was stored."""
    wanted = {item.call for item in items}
    with transaction.atomic():
        mine = (
            Call.objects.select_for_update()
            .filter(id__in=wanted, status=CallStatus.TAKEN, taken_by=str(dialin_id))
            .order_by("id")
        )
        found = {str(key) for key in mine.values_list("id", flat=True)}
        CallFrame.objects.bulk_create(
            [
                CallFrame(call_id=uuid.UUID(item.call), seq=item.seq, frame=item.frame)
                for item in items
                if item.call in found
            ],
            ignore_conflicts=True,
        )
        live.announce(pokes=[(call_topic(call_id), "frames", {}) for call_id in sorted(found)])
    return wanted - found


def tend(dialin_id: uuid.UUID, agent_pk: int, held: Mapping[str, int], room: int) -> Tended:
    """Take at most `room` offered calls, and look after those held (with how many answers each was told of).

    However many connections there are, each call is taken by one.
    """
    rows = Call.objects.filter(id__in=keys(held)).values(
        "id", "status", "taken_by", "request", "lease_token", "subtask__status"
    )
    answers: list[tuple[str, int, str]] = []
    alive: set[str] = set()
    for row in rows:
        call_id = str(row["id"])
        mine = row["status"] == CallStatus.TAKEN and row["taken_by"] == str(dialin_id)
        if not mine:
            continue
        is_void = row["subtask__status"] in SUBTASK_ENDED
        # Ended, not only dropped: a retry must not go on with a call that nobody is at.
        if not (is_void and end(call_id, row["lease_token"])):
            alive.add(call_id)
            given = row["request"]["answers"]
            answers += [
                (call_id, number, given[number - 1])
                for number in range(held[call_id] + 1, len(given) + 1)
            ]
    taken: list[tuple[str, dict[str, Any]]] = []
    if room > 0:
        offered = Call.objects.filter(agent_id=agent_pk, status=CallStatus.OFFERED)
        for call in offered.order_by("id")[:room]:
            mine_now = Call.objects.filter(pk=call.pk, status=CallStatus.OFFERED)
            if mine_now.update(status=CallStatus.TAKEN, taken_by=str(dialin_id)):
                taken.append((str(call.pk), call.request))
    return Tended(taken, [each for each in held if each not in alive], answers)


# --- the sweep -------------------------------------------------------------------------------------------------------


def sweep() -> None:
    """End calls whose subtask, or trial, has ended while nobody listened; remove those that ended long ago."""
    now: datetime = timezone.now()
    under_way = Call.objects.exclude(status=CallStatus.ENDED)
    tried = Q(subtask=None, created_at__lt=now - TRIAL)
    void = under_way.filter(Q(subtask__status__in=list(SUBTASK_ENDED)) | tried)
    for call_id in void.values_list("id", flat=True)[:AT_ONCE]:
        end(str(call_id))
    old = Call.objects.filter(status=CallStatus.ENDED, ended_at__lt=now - KEPT)
    Call.objects.filter(id__in=list(old.values_list("id", flat=True)[:AT_ONCE])).delete()
