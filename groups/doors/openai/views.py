"""The addresses below `/v1/`: who asks, one service, the run's log through a mapper, OpenAI's shape."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from groups import access
from groups.doors.common import sse
from groups.doors.common.door import (
    address_of,
    body_as,
    caller,
    cancel,
    door,
    run_for,
    start,
)
from groups.doors.common.log import entries, is_last, stored
from groups.doors.common.refusals import BodyInvalid
from groups.doors.common.standing import waiting_words
from groups.doors.openai.answers import Answer, Event
from groups.doors.openai.chat import Chat
from groups.doors.openai.shapes import (
    Asked,
    ChatRequest,
    Conversation,
    ResponseRequest,
    Turn,
    asked_of,
    error_body,
)
from groups.errors import GroupNotFound, RunNotFound
from groups.identity import Identity
from groups.models import Group, Level, Run, Scope
from groups.viewing.following import Following
from groups.viewing.protocol import BadAfter
from state.errors import StarsError
from state.fanout.outbox import writable_of
from state.threads import in_thread

ORIGIN = "openai"


def refuse(request: HttpRequest, refusal: StarsError) -> HttpResponse:
    """The refusal in OpenAI's shape."""
    known: dict[type[StarsError], tuple[str, str]] = {GroupNotFound: ("model_not_found", "model")}
    code, param = known.get(type(refusal), ("", None))
    return JsonResponse(error_body(refusal, code, param), status=refusal.status)


class RunUnsuccessful(StarsError):
    """The group came to no answer."""

    reason = "run_failed"
    # Not 5xx: clients repeat what failed so, and would start the group again.
    status = 422


@door(refuse, "GET")
async def models(request: HttpRequest) -> HttpResponse:
    """The groups that the token may run, as models."""
    who = await caller(request)
    rows = await in_thread(lambda: [_model(group) for group in _runnable(who)])()
    return JsonResponse({"object": "list", "data": rows})


@door(refuse, "GET")
async def model(request: HttpRequest, group_id: str) -> HttpResponse:
    """One of them."""
    who = await caller(request)
    return JsonResponse(
        _model(await in_thread(access.get_group)(who.user, group_id, Level.OPERATOR))
    )


def _runnable(who: Identity) -> list[Group]:
    groups = access.visible_groups(who.user).order_by("name", "id")
    return [
        group for group in groups if (access.level_in(who.user, group.id) or 0) >= Level.OPERATOR
    ]


def _model(group: Group) -> dict[str, Any]:
    made = int(group.created_at.timestamp())
    return {"id": group.id, "object": "model", "created": made, "owned_by": "stars"}


async def _to_rest(log: Following, told: Chat | Answer) -> None:
    """Tell it everything until the run has ended, or waits for a person."""
    try:
        async for batch in entries(log):
            for entry in batch:
                told.take(entry)
            stuck = bool(batch) and told.standing.stuck
            if stuck and await is_last(log.run_id, told.standing.last_seq):
                return
    finally:
        log.close()


# -- chat completions -------------------------------------------------------------------------------------------------


@door(refuse, "POST")
async def completions(request: HttpRequest) -> HttpResponseBase:
    """Give the group the last message as its task, and answer what its leader sums up."""
    who = await caller(request)
    given = body_as(request, ChatRequest)
    asked = asked_of(given.messages)
    run = await start(who, given.model, asked.task, origin=ORIGIN, earlier=asked.earlier)
    link = address_of(request, run)
    writable = writable_of(getattr(request, "scope", {})) if given.stream else None
    log = await Following.begin(who, run.id, writable=writable)
    if given.stream:
        counted = given.stream_options is not None and given.stream_options.include_usage
        return sse.streaming(_chunks(log, run, link, counted), log)
    chat = Chat()
    await _to_rest(log, chat)
    if chat.standing.stuck:
        chat.add(waiting_words(chat.standing, link))
    if chat.failure:
        refusal = refuse(request, RunUnsuccessful(chat.failure))
        refusal["x-should-retry"] = "false"
        return refusal
    message = {"role": "assistant", "content": chat.content, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    body = _head(run, "chat.completion") | {"choices": [choice], "usage": chat.usage}
    return JsonResponse(body | {"stars": _stars(run, chat, link)})


async def _chunks(log: Following, run: Run, link: str, counted: bool) -> AsyncIterator[bytes]:
    """The completion as chunks, at last its usage if asked for, and `[DONE]`."""
    head, chat = _head(run, "chat.completion.chunk"), Chat()
    usage: dict[str, Any] = {"usage": None} if counted else {}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return sse.frame({**head, "choices": [choice], **usage})

    try:
        yield chunk({"role": "assistant", "content": ""})
        async for batch in entries(log):
            if not batch:
                yield sse.BEAT
                continue
            for entry in batch:
                for delta in chat.take(entry):
                    yield chunk(delta)
            if chat.standing.stuck and await is_last(run.id, chat.standing.last_seq):
                yield chunk(chat.add(waiting_words(chat.standing, link)))
                break
        if chat.failure:
            yield sse.frame(error_body(RunUnsuccessful(chat.failure)))
        elif chat.standing.ended or chat.standing.stuck:
            yield chunk({}, "stop")
            if counted:
                yield sse.frame({**head, "choices": [], "usage": chat.usage})
            yield b"data: [DONE]\n\n"
    finally:
        log.close()


def _head(run: Run, kind: str) -> dict[str, Any]:
    made = int(run.created_at.timestamp())
    return {"id": f"chatcmpl-{run.id}", "object": kind, "created": made, "model": run.group_id}


def _stars(run: Run, chat: Chat, link: str) -> dict[str, Any]:
    standing = chat.standing
    return {
        "run": str(run.id),
        "status": standing.status,
        "last_seq": standing.last_seq,
        "link": link,
    }


# -- responses --------------------------------------------------------------------------------------------------------


@door(refuse, "POST")
async def responses(request: HttpRequest) -> HttpResponseBase:
    """Give the group a task; answer at its end, at once (`background`), or event by event (`stream`)."""
    who = await caller(request)
    given = body_as(request, ResponseRequest)
    turns = [Turn("user", given.input)] if isinstance(given.input, str) else given.input
    asked = asked_of(turns, given.instructions or "")
    run = await _begin(who, given, asked)
    if given.stream:
        return await _stream(request, who, run, 0)
    answer = Answer(_base(run), address_of(request, run))
    if given.background:
        await _read(run, answer)
        return JsonResponse(answer.response())
    await _to_rest(await Following.begin(who, run.id), answer)
    return JsonResponse(answer.response())


@door(refuse, "GET")
async def response(request: HttpRequest, response_id: str) -> HttpResponseBase:
    """The response as it stands; with `?stream=true` its events, those after `starting_after`."""
    who = await caller(request, Scope.READ)
    run = await run_for(who, _run_id(response_id))
    if request.GET.get("stream") == "true":
        after = request.GET.get("starting_after", "-1")
        if not (after.removeprefix("-").isdecimal() and after.isascii() and len(after) < 19):
            raise BadAfter(fields={"starting_after": ["This must be the number of an event."]})
        return await _stream(request, who, run, int(after))
    answer = Answer(_base(run), address_of(request, run))
    await _read(run, answer)
    return JsonResponse(answer.response())


@door(refuse, "POST")
async def cancelled(request: HttpRequest, response_id: str) -> HttpResponse:
    """Cancel the run; a response that has ended is answered as it is."""
    who = await caller(request)
    run = await run_for(who, _run_id(response_id), Level.OPERATOR)
    answer = Answer(_base(run), address_of(request, run))
    await _read(run, answer)
    if not answer.standing.ended:
        run = await cancel(who, str(run.id))
        answer = Answer(_base(run), address_of(request, run))
        await _read(run, answer)
    return JsonResponse(answer.response())


async def _begin(who: Identity, given: ResponseRequest, asked: Asked) -> Run:
    conversation = given.conversation
    name = conversation.id if isinstance(conversation, Conversation) else conversation or ""
    if given.previous_response_id:
        before = await run_for(who, _run_id(given.previous_response_id))
        if before.group_id != given.model or not before.conversation:
            raise BodyInvalid(
                "The previous response is not one of this model.",
                fields={"previous_response_id": ["Give one that the same group has answered."]},
            )
        name = before.conversation
    kept = {
        "metadata": given.metadata or {},
        "previous_response_id": given.previous_response_id,
        "background": given.background,
        "instructions": given.instructions,
    }
    return await start(
        who,
        given.model,
        asked.task,
        origin=ORIGIN,
        conversation=name or f"conv_{uuid.uuid4().hex}",
        earlier=asked.earlier,
        kept={name: value for name, value in kept.items() if value},
    )


async def _stream(request: HttpRequest, who: Identity, run: Run, after: int) -> HttpResponseBase:
    log = await Following.begin(who, run.id, writable=writable_of(getattr(request, "scope", {})))
    answer = Answer(_base(run), address_of(request, run))
    return sse.streaming(_events(log, answer, after), log)


async def _events(log: Following, answer: Answer, after: int) -> AsyncIterator[bytes]:
    """The response's events with numbers above `after`; what came before is read again, for it tells what is open."""

    def framed(event: Event) -> bytes:
        return sse.frame(event, event=event["type"])

    try:
        async for batch in entries(log):
            if not batch:
                yield sse.BEAT
            for entry in batch:
                for event in answer.take(entry):
                    if event["sequence_number"] > after:
                        yield framed(event)
            # Whoever was told so before and came back waits for what follows the person's answer.
            waits = bool(batch) and answer.standing.stuck and after < answer.last_number
            if waits and await is_last(log.run_id, answer.standing.last_seq):
                break
        last = answer.last()
        if last is not None and last["sequence_number"] > after:
            yield framed(last)
    finally:
        log.close()


async def _read(run: Run, answer: Answer) -> None:
    for entry in await in_thread(lambda: list(stored(run.id)))():
        answer.take(entry)


def _run_id(response_id: str) -> str:
    if not response_id.startswith("resp_"):
        raise RunNotFound("There is no response by that id that you may see.")
    return response_id.removeprefix("resp_")


def _base(run: Run) -> dict[str, Any]:
    """What of a response does not change."""
    kept = run.options.get("door", {})
    return {
        "id": f"resp_{run.id.hex}",
        "object": "response",
        "created_at": int(run.created_at.timestamp()),
        "model": run.group_id,
        "metadata": kept.get("metadata", {}),
        "previous_response_id": kept.get("previous_response_id"),
        "background": kept.get("background", False),
        "instructions": kept.get("instructions"),
        "conversation": {"id": run.conversation} if run.conversation else None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "temperature": None,
        "top_p": None,
        "text": {"format": {"type": "text"}},
    }
