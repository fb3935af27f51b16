"""`POST /agui/<group_id>/`: start, resume or rejoin a run, and stream it as AG-UI's events.

`id:` of a frame is the number of the log's entry that it completes; `Last-Event-ID` or `?after=` rejoins after it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from groups import access, selectors
from groups.doors.agui.mapping import Event, Told
from groups.doors.agui.profiles import Old
from groups.doors.agui.shapes import AgentInput, Resume, answers
from groups.doors.common import sse
from groups.doors.common.door import address_of, body_as, caller, door, group_for, start
from groups.doors.common.log import entries, is_last, stored
from groups.doors.common.refusals import BodyInvalid
from groups.doors.common.standing import Standing
from groups.errors import RunNotFound
from groups.execution.statuses import RUN_ENDED
from groups.identity import Identity
from groups.models import Group, Level, Run
from groups.services import runs
from groups.viewing.following import Following
from groups.viewing.protocol import BadAfter
from state import conf, pace
from state.errors import Conflict, Invalid, StarsError
from state.fanout.outbox import writable_of
from state.threads import in_thread

ORIGIN = "ag-ui"
PROFILES: dict[str, Callable[[], Callable[[Event], Event]]] = {
    "1.0": lambda: lambda event: event,
    "0.1": Old,
}


class InterruptsOpen(Conflict):
    """This thread waits for a person: send `resume` with an answer to each open interrupt."""

    reason = "interrupts_open"


class _Place(NamedTuple):
    """A run, and after which event of its log a stream begins."""

    run: Run
    after: int
    rejoining: bool = False


def refuse(request: HttpRequest, refusal: StarsError) -> HttpResponse:
    """A problem (RFC 9457): what is refused before a stream began is no event."""
    body = {"status": refusal.status, "detail": refusal.message, "reason": refusal.reason}
    if refusal.fields:
        body["errors"] = refusal.fields
    about = {"type": "about:blank", **body}
    return JsonResponse(about, status=refusal.status, content_type="application/problem+json")


@door(refuse, "POST")
async def agent(request: HttpRequest, group_id: str) -> HttpResponseBase:
    """See the module."""
    who = await caller(request)
    given = body_as(request, AgentInput)
    profile = PROFILES.get(request.GET.get("profile", "1.0"))
    if profile is None:
        raise Invalid(fields={"profile": [f"This must be one of {', '.join(PROFILES)}."]})
    group = await group_for(who, group_id)
    after = _after(request)
    try:
        place = await _place(who, group, given, after)
    except (BodyInvalid, InterruptsOpen) as refusal:
        if given.resume is None and not isinstance(refusal, InterruptsOpen):
            raise
        # AG-UI wants this said as an event.
        return _refused(given, profile(), refusal)
    run = place.run
    told = Told(
        thread_id=given.thread_id,
        run_id=given.run_id,
        message_id=run.options.get("door", {}).get("message_id") or f"{run.id}-task",
        link=address_of(request, run),
    )
    log = await Following.begin(who, run.id, writable=writable_of(getattr(request, "scope", {})))
    return sse.streaming(_frames(log, told, place, profile()), log)


async def _frames(
    log: Following, told: Told, place: _Place, as_told: Callable[[Event], Event]
) -> AsyncIterator[bytes]:
    def opening() -> bytes:
        events = told.open(rejoining=place.rejoining)
        return b"".join(sse.frame(as_told(event)) for event in events)

    try:
        if not place.after:
            yield opening()
        async for batch in entries(log):
            if not batch:
                yield sse.BEAT
            for entry in batch:
                events = told.take(entry)
                if entry.seq == place.after:
                    yield opening()
                for event in events if entry.seq > place.after else ():
                    # The number only with the last one: whoever is cut off before gets them all again.
                    id = entry.seq if event is events[-1] else None
                    yield sse.frame(as_told(event), id=id)
            at_end = batch and told.standing.last_seq >= place.after and told.standing.stuck
            if at_end and await is_last(log.run_id, told.standing.last_seq):
                break
        for event in told.end():
            yield sse.frame(as_told(event))
    finally:
        log.close()


def _refused(
    given: AgentInput, as_told: Callable[[Event], Event], refusal: StarsError
) -> HttpResponse:
    ids = {"threadId": given.thread_id, "runId": given.run_id, "protocolVersion": "1.0"}
    events: list[Event] = [
        {"type": "RUN_STARTED", **ids},
        {"type": "RUN_ERROR", "message": refusal.message, "code": refusal.reason},
    ]
    frames = b"".join(sse.frame(as_told(event)) for event in events)
    return HttpResponse(frames, content_type="text/event-stream; charset=utf-8")


def _after(request: HttpRequest) -> int | None:
    text = request.headers.get("Last-Event-ID") or request.GET.get("after")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadAfter
    return int(text)


async def _place(who: Identity, group: Group, given: AgentInput, after: int | None) -> _Place:
    """The run that is meant. Raises BodyInvalid, InterruptsOpen, RunNotFound, BadAfter, and what starting raises."""
    same, latest = await _runs(group, given)
    if after is not None:
        run = same or latest
        if run is None:
            raise RunNotFound
        if after > run.last_seq:
            raise BadAfter
        return _Place(run, after, rejoining=True)
    if given.resume:
        return await _resumed(who, latest, given.resume)
    if same is not None:  # asked a second time, as after a lost connection
        return _Place(same, 0)
    if latest is not None and latest.status not in RUN_ENDED and (await _standing(latest)).stuck:
        raise InterruptsOpen
    run = await start(
        who,
        group.id,
        given.last.text,
        origin=ORIGIN,
        conversation=given.thread_id,
        # Later, the conversation itself remembers.
        earlier=given.earlier if latest is None else [],
        kept={"run_id": given.run_id, "message_id": given.last.id},
        **given.settings,
    )
    return _Place(run, 0)


@in_thread
def _runs(group: Group, given: AgentInput) -> tuple[Run | None, Run | None]:
    """The thread's run that was asked for by this id, and its latest one."""
    if not given.thread_id.strip() or "\x00" in given.thread_id + given.run_id:
        raise Invalid(fields={"threadId": ["Give the thread a name."]})
    found = selectors.runs_of_conversation(group, given.thread_id)
    return found.filter(options__door__run_id=given.run_id).first(), found.first()


@in_thread
def _standing(run: Run) -> Standing:
    standing = Standing()
    for entry in stored(run.id):
        standing.take(entry)
    return standing


async def _resumed(who: Identity, run: Run | None, given: list[Resume]) -> _Place:
    if run is None:
        raise BodyInvalid("There is nothing in this thread to resume.")
    standing = await _standing(run)
    await _answer(who, run, standing, given)
    return _Place(run, standing.last_seq)


@in_thread
def _answer(who: Identity, run: Run, standing: Standing, given: list[Resume]) -> None:
    found = answers(standing, given)
    steered = access.get_run(who.user, run.id, Level.OPERATOR)
    pace.check(conf.manager().limits, who.user.pk, "")
    if found.cancel:
        runs.cancel(actor=who.user, run=steered)
        return
    for subtask_id, text in found.texts:
        subtask = access.get_subtask(steered, subtask_id)
        runs.answer(actor=who.user, run=steered, subtask=subtask, text=text)
    if found.approve:
        runs.approve(actor=who.user, run=steered, plan=found.plan)
