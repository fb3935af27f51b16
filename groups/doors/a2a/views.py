"""The addresses of a group's A2A door: its card, JSON-RPC, and the HTTP binding. All views are asynchronous."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeAlias

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from groups.doors.a2a import card, errors, legacy
from groups.doors.a2a.errors import (
    A2AError,
    InvalidParams,
    InvalidRequest,
    MethodNotFound,
    ParseError,
    VersionNotSupported,
)
from groups.doors.a2a.operations import OPERATIONS, Call, perform
from groups.identity import Identity, known, must_have
from groups.models import Scope
from state.errors import StarsError

Json: TypeAlias = dict[str, Any]
View: TypeAlias = Callable[..., Coroutine[Any, Any, HttpResponseBase]]

MEDIA_TYPE: Final = "application/a2a+json"
#: Seconds for which a card may be kept.
CARD_AGE: Final = 60
_VERSION: Final = re.compile(r"(?P<minor>1\.0|0\.3|1)(\.\d+)?")
_TASK: Final = re.compile(r"(?P<id>[^/:]+)(:(?P<verb>cancel|subscribe))?")
_encode: Final = msgspec.json.Encoder().encode


@require_GET
async def agent_card(request: HttpRequest, group_id: str) -> HttpResponse:
    """The card: with a token, the group's own; without, one that says how to sign in and nothing of the group."""
    try:
        if "Authorization" in request.headers:
            who = await known(request.headers.items())
            must_have(who.user, Scope.READ)
            found = await card.extended(who, group_id, request)
        else:
            found = card.public(request, group_id)
    except StarsError as error:
        return _refused(errors.in_protocol(error))
    body = _encode(found)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    known_already = request.headers.get("If-None-Match") == etag
    response = HttpResponse(status=304) if known_already else _json(body, "application/json")
    private = "private, " if "Authorization" in request.headers else ""
    response["Cache-Control"] = f"{private}max-age={CARD_AGE}"
    response["ETag"] = etag
    response["Vary"] = "Authorization"
    return response


@csrf_exempt
@require_POST
async def rpc(request: HttpRequest, group_id: str) -> HttpResponseBase:
    """JSON-RPC 2.0: one call at a time, of 1.0 or of 0.3 as `A2A-Version` says."""
    call_id: Any = None

    def wrap(result: Json) -> Json:
        return {"jsonrpc": "2.0", "id": call_id, "result": result}

    try:
        who = await known(request.headers.items())
        body = _body(request)
        call_id = _id_of(body)
        method, params, old = _called(request, body)
        answer = await perform(method, Call(who, group_id, request, params, wrap, old))
    except StarsError as error:
        found = errors.in_protocol(error)
        told = {"jsonrpc": "2.0", "id": call_id, "error": errors.rpc_error(found)}
        return _signed(_json(_encode(told), status=errors.http_status_of_rpc(found)), found)
    if isinstance(answer, HttpResponseBase):
        return answer
    return _json(_encode(wrap(answer)), "application/json")


def _rest(view: Callable[..., Awaitable[tuple[str, Json]]]) -> View:
    """A view of the HTTP binding: `view` says which operation is asked for, with which parameters."""

    async def answered(request: HttpRequest, group_id: str, **where: str) -> HttpResponseBase:
        try:
            if _version(request) != card.V1:
                raise VersionNotSupported
            who: Identity = await known(request.headers.items())
            method, params = await view(request, **where)
            call = Call(who, group_id, request, params, lambda event: event)
            answer = await perform(method, call)
        except StarsError as error:
            return _refused(errors.in_protocol(error))
        return answer if isinstance(answer, HttpResponseBase) else _json(_encode(answer))

    answered.__doc__ = view.__doc__
    return csrf_exempt(answered)


@_rest
async def message(request: HttpRequest, verb: str) -> tuple[str, Json]:
    """`POST message:send` and `message:stream`."""
    _must_be(request, "POST")
    return {"send": "SendMessage", "stream": "SendStreamingMessage"}[verb], _body(request)


@_rest
async def task_list(request: HttpRequest) -> tuple[str, Json]:
    """`GET tasks`."""
    _must_be(request, "GET")
    return "ListTasks", _query(request)


@_rest
async def task(request: HttpRequest, name: str) -> tuple[str, Json]:
    """`GET tasks/{id}`, `POST tasks/{id}:cancel`, and `tasks/{id}:subscribe`, which the specification has as POST and
    the protocol's definition as GET."""
    found = _TASK.fullmatch(name)
    if found is None:
        raise MethodNotFound("There is no such address of a task.")
    match found["verb"]:
        case None:
            _must_be(request, "GET")
            return "GetTask", {**_query(request), "id": found["id"]}
        case "cancel":
            _must_be(request, "POST")
            return "CancelTask", {"id": found["id"]}
        case _:
            _must_be(request, "GET", "POST")
            return "SubscribeToTask", {"id": found["id"]}


@_rest
async def push(request: HttpRequest, name: str, config_id: str = "") -> tuple[str, Json]:
    """`tasks/{id}/pushNotificationConfigs/…`, which are not kept."""
    return "CreateTaskPushNotificationConfig", {}


@_rest
async def extended_card(request: HttpRequest) -> tuple[str, Json]:
    """`GET extendedAgentCard`."""
    _must_be(request, "GET")
    return "GetExtendedAgentCard", {}


# -- reading ----------------------------------------------------------------------------------------------------------


def _version(request: HttpRequest) -> str:
    """The version of the protocol that the client speaks: without a word, 0.3 (A2A 1.0, 3.6.2)."""
    said = request.headers.get("A2A-Version") or request.GET.get("A2A-Version") or card.V03
    found = _VERSION.fullmatch(said.strip())
    if found is None:
        raise VersionNotSupported
    return card.V03 if found["minor"] == card.V03 else card.V1


def _called(request: HttpRequest, body: Json) -> tuple[str, Json, bool]:
    """(the method's name in 1.0, its parameters in the shape of 1.0, whether 0.3 is spoken)."""
    method, params = body.get("method"), body.get("params", {})
    if body.get("jsonrpc") != "2.0" or not isinstance(method, str) or not method:
        raise InvalidRequest
    if not isinstance(params, dict):
        raise InvalidParams("`params` must be an object.")
    if _version(request) == card.V1:
        return method, params, False
    if method in OPERATIONS:
        raise VersionNotSupported
    if method not in legacy.METHODS:
        raise MethodNotFound
    method = legacy.METHODS[method]
    return method, legacy.params(method, params), True


def _body(request: HttpRequest) -> Json:
    try:
        found = msgspec.json.decode(request.body)
    except RequestDataTooBig:
        raise InvalidRequest("The request's body is larger than allowed.") from None
    except (msgspec.DecodeError, RecursionError):
        raise ParseError from None
    if not isinstance(found, dict):
        raise InvalidRequest("The body must be one JSON object; batches are not answered.")
    return found


def _id_of(body: Json) -> str | int | float | None:
    found = body.get("id")
    if isinstance(found, bool) or not isinstance(found, str | int | float | None):
        raise InvalidRequest
    return found


def _query(request: HttpRequest) -> Json:
    return {name: value for name, value in request.GET.items() if name != "A2A-Version"}


def _must_be(request: HttpRequest, *methods: str) -> None:
    if request.method not in methods:
        raise MethodNotFound(f"Here only {' and '.join(methods)} can be asked.")


# -- answering --------------------------------------------------------------------------------------------------------


def _json(body: bytes, media_type: str = MEDIA_TYPE, *, status: int = 200) -> HttpResponse:
    response = HttpResponse(body, content_type=media_type, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _refused(error: A2AError) -> HttpResponse:
    response = _json(_encode(errors.rest_error(error)), "application/json", status=error.status)
    return _signed(response, error)


def _signed(response: HttpResponse, error: A2AError) -> HttpResponse:
    """Say how to sign in, or when to come back."""
    if response.status_code == 401:
        response["WWW-Authenticate"] = "Bearer"
    if response.status_code in (429, 503):
        response["Retry-After"] = str(error.extra.get("retry_after", 1))
    return response
