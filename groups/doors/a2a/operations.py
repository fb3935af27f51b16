"""The operations of the protocol (A2A 1.0, 3.1), the same for both of its bindings and both versions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from groups.doors.a2a import card, desk, legacy, messages, streams
from groups.doors.a2a.errors import InvalidParams, MethodNotFound, PushNotSupported
from groups.identity import Identity, must_have
from groups.models import Scope

Json: TypeAlias = dict[str, Any]
#: An answer: JSON that the binding wraps, or a stream that it has wrapped.
Answer: TypeAlias = Json | HttpResponseBase


@dataclass(frozen=True)
class Call:
    """One operation asked for."""

    who: Identity
    group_id: str
    request: HttpRequest
    params: Json
    #: Makes the binding's frame of one event of a stream.
    wrap: Callable[[Json], Json]
    #: Whether the client speaks 0.3.
    old: bool = False

    def task(self, told: Json) -> Json:
        """The task as the client's version has it."""
        return legacy.task(told) if self.old else told


async def _send(call: Call) -> Answer:
    sent = messages.read(call.params, messages.SendMessage)
    settings = sent.configuration
    if settings.task_push_notification_config:
        raise PushNotSupported
    run = await desk.receive(call.who, call.group_id, sent)
    if settings.return_immediately:
        told = await desk.teller(call.who, call.group_id, str(run.id))
    else:
        told = await streams.settled(call.who, call.group_id, str(run.id))
    task = call.task(told.as_json(history=_history(settings.history_length)))
    return task if call.old else {"task": task}


async def _stream(call: Call) -> Answer:
    sent = messages.read(call.params, messages.SendMessage)
    if sent.configuration.task_push_notification_config:
        raise PushNotSupported
    run = await desk.receive(call.who, call.group_id, sent)
    # A new task is told from its first event, however far it has come by now; an answered one as it stands.
    upto = None if sent.message.task_id else 1
    told = await desk.teller(call.who, call.group_id, str(run.id), upto)
    return await streams.streaming(call.who, told, call.request, call.wrap, old=call.old)


async def _get(call: Call) -> Answer:
    asked = messages.read(call.params, messages.TaskId, strict=False)
    told = await desk.teller(call.who, call.group_id, asked.id)
    return call.task(told.as_json(history=_history(asked.history_length)))


async def _list(call: Call) -> Answer:
    asked = messages.read(call.params, messages.ListTasks, strict=False)
    return await desk.listed(call.who, call.group_id, asked)


async def _cancel(call: Call) -> Answer:
    asked = messages.read(call.params, messages.TaskId)
    return call.task((await desk.cancel(call.who, call.group_id, asked.id)).as_json())


async def _subscribe(call: Call) -> Answer:
    asked = messages.read(call.params, messages.TaskId)
    return await streams.subscribed(
        call.who, call.group_id, asked.id, call.request, call.wrap, old=call.old
    )


async def _push(call: Call) -> Answer:
    raise PushNotSupported


async def _card(call: Call) -> Answer:
    return await card.extended(call.who, call.group_id, call.request)


_Operation: TypeAlias = Callable[[Call], Awaitable[Answer]]
OPERATIONS: Final[dict[str, tuple[_Operation, Scope]]] = {
    "SendMessage": (_send, Scope.RUN),
    "SendStreamingMessage": (_stream, Scope.RUN),
    "GetTask": (_get, Scope.READ),
    "ListTasks": (_list, Scope.READ),
    "CancelTask": (_cancel, Scope.RUN),
    "SubscribeToTask": (_subscribe, Scope.READ),
    "CreateTaskPushNotificationConfig": (_push, Scope.READ),
    "GetTaskPushNotificationConfig": (_push, Scope.READ),
    "ListTaskPushNotificationConfigs": (_push, Scope.READ),
    "DeleteTaskPushNotificationConfig": (_push, Scope.READ),
    "GetExtendedAgentCard": (_card, Scope.READ),
}


async def perform(method: str, call: Call) -> Answer:
    """Do it, if the caller's token may. Raises MethodNotFound, ScopeMissing, and what the operation raises."""
    if method not in OPERATIONS:
        raise MethodNotFound
    operation, scope = OPERATIONS[method]
    must_have(call.who.user, scope)
    return await operation(call)


def _history(length: int | None) -> int | None:
    if length is not None and length < 0:
        raise InvalidParams("`historyLength` is not negative.")
    return length
