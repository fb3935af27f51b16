"""What the client refuses by itself, and what servers refused, as exceptions of the families in `state.errors`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Final

from state import errors, refusals
from state.errors import Conflict, Invalid, NotAllowed, NotFound, StarsError, TooLarge, Unavailable
from state.sync import filters, protocol
from state.sync.protocol import BROKEN, DENIED, NOT_AUTHENTICATED, SUPERSEDED, ErrorFrame


class NotAuthenticated(StarsError):
    """The server does not know this token, or it has expired; sign in for another one."""

    reason: ClassVar[str] = "not_authenticated"
    status: ClassVar[int] = 401


class Denied(NotAllowed):
    """You may not connect to this space, or not in the name of this agent."""

    reason = "denied"


class Superseded(Conflict):
    """Another connection took the place of this one, or somebody disconnected it."""

    reason = "superseded"


class Broken(Invalid):
    """The server did not understand this client; it may speak another version of the protocol."""

    reason = "broken"


class NotConnected(Unavailable):
    """The server did not answer in time; what is queued is sent when it does."""

    reason = "not_connected"


class BreaksConnection(Unavailable):
    """Three times the connection broke right after this write was sent; look whether it was carried out."""

    reason = "breaks_connection"


class ClientClosed(Unavailable):
    """This client was closed; make another one."""

    reason = "client_closed"


class NotSubscribed(NotFound):
    """No subscription of this client holds such a state; subscribe to it first."""

    reason = "not_subscribed"


class ForeignStore(Invalid):
    """What is kept in this directory belongs to another space or agent; take another directory."""

    reason = "foreign_store"


_FAMILIES: Final = {
    400: Invalid,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    413: TooLarge,
    422: refusals.Unprocessable,
    429: refusals.TooMany,
    503: Unavailable,
}
_CLOSED: Final = {
    NOT_AUTHENTICATED: NotAuthenticated,
    DENIED: Denied,
    SUPERSEDED: Superseded,
    BROKEN: Broken,
}
#: Another socket has the session, perhaps one of ours whose hello was looked at late; without it we may come back.
SESSION_GONE: Final = {(SUPERSEDED, "resumed"), (SUPERSEDED, "ended")}
#: What these words of several classes mean where a write is refused.
_OF_WRITES: Final[dict[tuple[int, str], type[StarsError]]] = {
    (403, "not_allowed"): refusals.NotPermitted,
    (404, "not_found"): refusals.StateNotFound,
    (409, "conflict"): refusals.Conflicting,
}
#: Members of a problem that every one has (RFC 9457), and ours.
_COMMON: Final = {"type", "title", "status", "detail", "reason", "instance", "errors"}


def _known() -> Iterator[type[StarsError]]:
    for module in (errors, refusals, filters, protocol):
        for found in vars(module).values():
            if isinstance(found, type) and issubclass(found, StarsError):
                yield found


@lru_cache(maxsize=256)
def _kind(status: int, reason: str) -> type[StarsError]:
    """The class that says this; where several do, their family; for a word unknown here, one made for it."""
    fitting = [each for each in _known() if (each.status, each.reason) == (status, reason)]
    for each in fitting:
        if all(issubclass(other, each) for other in fitting):
            return each
    family = _FAMILIES.get(status, StarsError)
    return type("Refused", (family,), {"reason": reason, "status": status, "__doc__": reason})


def from_problem(status: int, problem: Mapping[str, Any]) -> StarsError:
    """A problem (RFC 9457) as the exception that the server raised; `extra` has its further members."""
    said = (status, str(problem.get("reason", "error")))
    kind = _OF_WRITES.get(said) or _kind(*said)
    return kind(
        str(problem.get("detail", "")) or None,
        fields=problem.get("errors"),
        extra={name: value for name, value in problem.items() if name not in _COMMON},
    )


def from_frame(frame: ErrorFrame) -> StarsError:
    """An error frame as the exception that the server raised."""
    kind = _kind(frame.code, frame.reason)
    return kind(frame.message, fields=frame.fields, extra=frame.extra)


def from_close(code: int, reason: str) -> StarsError | None:
    """Why a connection does not come back; None: it does."""
    kind = None if (code, reason) in SESSION_GONE else _CLOSED.get(code)
    return None if kind is None else kind(extra={"why": reason})
