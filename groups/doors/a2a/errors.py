"""The protocol's errors: their codes in JSON-RPC, their HTTP statuses and reasons in REST (A2A 1.0, 3.3.2, 5.4)."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from groups.errors import AttachmentRefused, AttachmentTooLarge, RunFinished, RunNotFound
from state.errors import Conflict, Invalid, StarsError

ERROR_INFO: Final = "type.googleapis.com/google.rpc.ErrorInfo"
DOMAIN: Final = "a2a-protocol.org"


class A2AError(StarsError):
    """The agent cannot do this."""

    code: ClassVar[int] = -32603
    status: ClassVar[int] = 500
    #: The status of gRPC, which the protocol's HTTP binding names too.
    grpc: ClassVar[str] = "INTERNAL"
    reason: ClassVar[str] = "INTERNAL_ERROR"


class ParseError(A2AError):
    """The request's body is no JSON."""

    code, status, grpc, reason = -32700, 400, "INVALID_ARGUMENT", "PARSE_ERROR"


class InvalidRequest(A2AError):
    """This is no JSON-RPC 2.0 request: it needs `jsonrpc`, `method` and an `id` that is text or a number."""

    code, status, grpc, reason = -32600, 400, "INVALID_ARGUMENT", "INVALID_REQUEST"


class MethodNotFound(A2AError):
    """There is no such method in this version of the protocol."""

    code, status, grpc, reason = -32601, 404, "NOT_FOUND", "METHOD_NOT_FOUND"


class InvalidParams(A2AError):
    """What was sent is not valid."""

    code, status, grpc, reason = -32602, 400, "INVALID_ARGUMENT", "INVALID_PARAMS"


class TaskNotFound(A2AError):
    """This group has no task by that id that you may see."""

    code, status, grpc, reason = -32001, 404, "NOT_FOUND", "TASK_NOT_FOUND"


class TaskNotCancelable(A2AError):
    """The task has ended and cannot be cancelled."""

    code, status, grpc, reason = -32002, 400, "FAILED_PRECONDITION", "TASK_NOT_CANCELABLE"


class PushNotSupported(A2AError):
    """Stars sends no push notifications; stream the task, or subscribe to it again after a cut connection."""

    code, status, grpc = -32003, 400, "FAILED_PRECONDITION"
    reason = "PUSH_NOTIFICATION_NOT_SUPPORTED"


class Unsupported(A2AError):
    """The task's present state does not allow this."""

    code, status, grpc, reason = -32004, 400, "FAILED_PRECONDITION", "UNSUPPORTED_OPERATION"


class ContentTypeNotSupported(A2AError):
    """A part of the message is of a type that the group cannot read."""

    code, status, grpc, reason = -32005, 400, "INVALID_ARGUMENT", "CONTENT_TYPE_NOT_SUPPORTED"


class VersionNotSupported(A2AError):
    """Stars speaks A2A 1.0 and, over JSON-RPC, 0.3; send `A2A-Version: 1.0`. Without it, 0.3 is meant."""

    code, status, grpc, reason = -32009, 400, "FAILED_PRECONDITION", "VERSION_NOT_SUPPORTED"


class Refused(A2AError):
    """You may not do this."""

    code, status, grpc, reason = -32600, 403, "PERMISSION_DENIED", "REFUSED"


#: gRPC's names of the HTTP statuses that are not the protocol's own.
_GRPC: Final = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


def in_protocol(error: StarsError) -> A2AError:
    """A refusal of Stars as the protocol says it."""
    if isinstance(error, A2AError):
        return error
    kind: type[A2AError]
    match error:
        case RunNotFound():
            kind = TaskNotFound
        case AttachmentRefused() | AttachmentTooLarge():
            kind = ContentTypeNotSupported
        case RunFinished() | Conflict():
            kind = Unsupported
        case Invalid():
            kind = InvalidParams
        case _:
            kind = Refused
    faults = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in error.fields.items())
    found = kind(f"{error.message} {faults}".strip(), extra=error.extra)
    if kind is Refused:
        # Of the connection rather than of the protocol: not signed in, not allowed, no such group, too fast.
        own = vars(found)
        own["status"], own["reason"] = error.status, error.reason.upper()
        own["grpc"] = _GRPC.get(error.status, "INTERNAL")
    return found


def http_status_of_rpc(error: A2AError) -> int:
    """JSON-RPC carries its errors with 200; only what concerns the connection has a status of its own."""
    return error.status if isinstance(error, Refused) else 200


def details(error: A2AError) -> list[dict[str, Any]]:
    """What scripts read: the reason, and whatever the refusal tells more."""
    metadata = {name: str(value) for name, value in error.extra.items()}
    return [{"@type": ERROR_INFO, "reason": error.reason, "domain": DOMAIN, "metadata": metadata}]


def rpc_error(error: A2AError) -> dict[str, Any]:
    """The `error` of a JSON-RPC response."""
    return {"code": error.code, "message": error.message, "data": details(error)}


def rest_error(error: A2AError) -> dict[str, Any]:
    """The body of an answer of the HTTP binding (AIP-193)."""
    told = {
        "code": error.status,
        "status": error.grpc,
        "message": error.message,
        "details": details(error),
    }
    return {"error": told}
