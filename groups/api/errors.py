"""How refusals look over HTTP: RFC 9457 problem details, for DRF views and for everything else under `/api/`."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from django.core.exceptions import (
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.utils.encoding import iri_to_uri
from django.views import defaults
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from state.errors import StarsError
from state.refusals import OutcomeUnknown

MEDIA_TYPE: Final = "application/problem+json"
#: Addresses that begin so are for programs: they answer in JSON, whatever goes wrong, and in one language.
PREFIXES: Final = ("/api/", "/a2a/", "/agui/", "/mcp", "/v1/")

Fields: TypeAlias = dict[str, list[str]]

#: DRF's codes that another word of ours says already.
_REASONS: Final = {
    "error": "invalid",
    "parse_error": "malformed",
    "permission_denied": "not_allowed",
    "authentication_failed": "not_authenticated",
}
#: What Django refuses while it reads a body: (status, reason, sentence, field).
_UNREADABLE: Final[dict[type[Exception], tuple[int, str, str, str]]] = {
    RequestDataTooBig: (413, "too_large", "The request's fields are larger than allowed.", ""),
    TooManyFieldsSent: (400, "invalid", "The request has more fields than allowed.", ""),
    TooManyFilesSent: (400, "invalid", "The request has more files than allowed.", "attachments"),
    UnreadablePostError: (400, "malformed", "The request's body broke off.", ""),
}


class BodyTooLarge(exceptions.APIException):
    """The request's body is larger than allowed."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The request's body is larger than allowed."
    default_code = "too_large"


def problem(
    code: int,
    detail: str,
    reason: str,
    *,
    instance: str,
    fields: Fields | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A problem details object (RFC 9457, section 3.1), extended by `reason` and, for bad input, `errors`.

    `type` is "about:blank" (the status says what kind it is, and `reason` is the word for scripts), unless there are
    `extra` members (section 3.2), which the type tells how to read.
    """
    body: dict[str, Any] = {
        "type": f"/problems/{reason}" if extra else "about:blank",
        "title": HTTPStatus(code).phrase,
        "status": code,
        "detail": _encodable(detail),
        "reason": reason,
        "instance": iri_to_uri(instance),
    }
    if fields:
        body["errors"] = {
            _encodable(name): [_encodable(text) for text in texts] for name, texts in fields.items()
        }
    return {**body, **{name: value for name, value in (extra or {}).items() if name not in body}}


def problem_of(error: StarsError, instance: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The error as a problem, and the headers that go with it."""
    extra = dict(error.extra)
    if isinstance(error, OutcomeUnknown):
        extra["outcome_unknown"] = True
    body = problem(
        error.status,
        error.message,
        error.reason,
        instance=instance,
        fields=error.fields,
        extra=extra,
    )
    if error.status not in (429, 503):
        return body, {}
    # Not all at the same moment, if many were refused together.
    wait = int(extra.get("retry_after", 1)) + random.randint(0, 2)
    return body, {"Retry-After": str(wait)}


def refusal(request: HttpRequest, error: StarsError) -> JsonResponse:
    """The error as a problem, for whoever answers outside of DRF."""
    body, headers = problem_of(error, request.path)
    return JsonResponse(body, status=error.status, content_type=MEDIA_TYPE, headers=headers)


def _encodable(text: str) -> str:
    """Refusals quote what was sent, which may hold half a character (a lone surrogate)."""
    return text.encode("utf-8", "replace").decode()


def problem_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER. None (an unforeseen error) leaves it to Django and to `handler500`."""
    instance = context["request"].path
    if isinstance(exc, StarsError):
        set_rollback()
        body, headers = problem_of(exc, instance)
        return Response(body, exc.status, content_type=MEDIA_TYPE, headers=headers)
    for kind, (code, reason, detail, field) in _UNREADABLE.items():
        if isinstance(exc, kind):
            set_rollback()
            fields = {field: [detail]} if field else None
            body = problem(code, detail, reason, instance=instance, fields=fields)
            return Response(body, code, content_type=MEDIA_TYPE)
    response = exception_handler(exc, context)
    if response is None:
        return None
    fields, reason = {}, "not_found" if response.status_code == 404 else "not_allowed"
    if isinstance(exc, exceptions.ValidationError):
        fields, reason = dict(_flatten(exc.detail)), "invalid"
        detail = _sentence(fields)
        fields.pop("", None)
    else:
        detail = str(response.data.get("detail", ""))
        if isinstance(exc, exceptions.APIException):
            reason = _REASONS.get(exc.default_code, exc.default_code)
    response.data = problem(response.status_code, detail, reason, instance=instance, fields=fields)
    response.content_type = MEDIA_TYPE
    return response


def _flatten(detail: Any, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """DRF's nested errors as (path, messages); paths look like `subtasks[0].title`, the body itself is ""."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            if key == "non_field_errors":
                yield from _flatten(value, path)
            elif isinstance(key, int):
                yield from _flatten(value, f"{path}[{key}]")
            else:
                yield from _flatten(value, f"{path}.{key}" if path else str(key))
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        for index, item in enumerate(detail):
            if item:
                yield from _flatten(item, f"{path}[{index}]")
    else:
        yield path, [str(item) for item in (detail if isinstance(detail, list) else [detail])]


def _sentence(fields: Fields) -> str:
    """What a person reads first: the one fault, or how many there are."""
    faults = [(name, text) for name, texts in fields.items() for text in texts]
    if len(faults) == 1:
        name, text = faults[0]
        return f"{name}: {text}" if name else text
    return f"{len(faults)} faults in what was sent; see `errors`."


def _handler(
    code: int, reason: str, detail: str, page: Callable[..., HttpResponse]
) -> Callable[..., HttpResponse]:
    def handle(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        if not request.path.startswith(PREFIXES):
            return page(request) if code == 500 else page(request, exception)
        body = problem(code, detail, reason, instance=request.path)
        return JsonResponse(body, status=code, content_type=MEDIA_TYPE)

    handle.__doc__ = f"Django's handler{code}: a problem under PREFIXES, else Django's own page."
    return handle


handler400 = _handler(400, "malformed", "The request is malformed.", defaults.bad_request)
handler403 = _handler(403, "not_allowed", "You may not do this.", defaults.permission_denied)
handler404 = _handler(
    404, "not_found", "There is nothing at this address.", defaults.page_not_found
)
handler500 = _handler(
    500, "error", "Something went wrong in Stars; its log says what.", defaults.server_error
)
