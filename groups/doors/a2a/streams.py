"""A task as it goes on: until it rests, for whoever waits for the answer, and as a stream for whoever follows it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

from django.http import HttpRequest, StreamingHttpResponse

from groups.doors.a2a import legacy
from groups.doors.a2a.desk import teller
from groups.doors.a2a.errors import InvalidParams, Unsupported
from groups.doors.a2a.telling import AT_REST, INPUT_REQUIRED, TERMINAL, Teller
from groups.doors.common import door, log, sse
from groups.identity import Identity
from groups.viewing.following import Following
from state.fanout.outbox import writable_of

Json: TypeAlias = dict[str, Any]


async def settled(who: Identity, group_id: str, task_id: str) -> Teller:
    """The task once it has ended or asks for input. Raises TaskNotFound."""
    told = await teller(who, group_id, task_id)
    if told.state in AT_REST:
        return told
    following = await Following.begin(who, door.run_key(task_id), told.seq)
    try:
        async for entries in log.entries(following):
            for entry in entries:
                told.take(entry)
                if told.state in AT_REST:
                    return told
    finally:
        following.close()
    return told


def cursor(request: HttpRequest) -> int | None:
    """Up to where a client that comes back has the task: `Last-Event-ID`, or `?after=`. Raises InvalidParams."""
    text = request.headers.get("Last-Event-ID") or request.GET.get("after") or ""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) > 0):
        raise InvalidParams("`Last-Event-ID` is a number that an event of the stream had.")
    return int(text)


async def subscribed(
    who: Identity,
    group_id: str,
    task_id: str,
    request: HttpRequest,
    wrap: Callable[[Json], Json],
    *,
    old: bool,
) -> StreamingHttpResponse:
    """The task's stream once more; from a cursor of the client's, what it has missed even of a task that has ended.

    Raises TaskNotFound, Unsupported, InvalidParams.
    """
    after = cursor(request)
    told = await teller(who, group_id, task_id, after)
    if after is None and told.state in TERMINAL:
        raise Unsupported("The task has ended; get it instead of subscribing to it.")
    return await streaming(who, told, request, wrap, old=old)


async def streaming(
    who: Identity, told: Teller, request: HttpRequest, wrap: Callable[[Json], Json], *, old: bool
) -> StreamingHttpResponse:
    """Server-sent events: the task as `told`, then what comes after. Each bears the number of the log's event that it
    tells of as its id. `wrap` makes the binding's frame, `old` is for clients of 0.3: where they are asked something,
    their stream ends.
    """
    key = door.run_key(told.task_id)
    writable = writable_of(getattr(request, "scope", {}))
    following = await Following.begin(who, key, told.seq, writable=writable)
    return sse.streaming(_frames(following, told, wrap, old), following)


async def _frames(
    following: Following, told: Teller, wrap: Callable[[Json], Json], old: bool
) -> AsyncIterator[bytes]:
    def frames(events: list[Json]) -> bytes:
        shown = [wrap(legacy.event(each) if old else each) for each in events]
        # The number stands at the last of what one event of the log has become: before that, it is not all there.
        ids: list[int | None] = [*[None] * (len(shown) - 1), told.seq]
        return b"".join(sse.frame(each, id=id) for each, id in zip(shown, ids, strict=True))

    def is_over() -> bool:
        return old and told.state == INPUT_REQUIRED and told.seq >= following.last_seq

    try:
        yield frames([{"task": told.as_json()}])
        if is_over() or (following.had_ended and told.seq == following.last_seq):
            return
        async for entries in log.entries(following):
            if not entries:
                yield sse.BEAT
            for entry in entries:
                if events := told.take(entry):
                    yield frames(events)
                if is_over():
                    return
    finally:
        following.close()
