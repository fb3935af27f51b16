"""What a request demands of the state it meets (RFC 9110, section 13), and how it names itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec
from rest_framework.request import Request

from state import conflicts
from state.errors import Invalid
from state.manager import Base
from state.refusals import Stale
from state.values import SharedState

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
_TAG: Final = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST: Final = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_OURS: Final = re.compile(r'"([0-9A-Za-z]+)-([1-9][0-9]{0,17})"')


class Tags(msgspec.Struct, frozen=True):
    """The entity tags of a header; none of them stands for `*`, anything that exists."""

    tags: tuple[str, ...] = ()

    def match(self, state: SharedState, *, weakly: bool = False) -> bool:
        """By the strong comparison (a weak tag equals nothing) or the weak one (RFC 9110, 8.8.3.2)."""
        given = {tag.removeprefix("W/") for tag in self.tags} if weakly else self.tags
        return not self.tags or conflicts.etag(state) in given


def tags(request: Request, header: str) -> Tags | None:
    """The tags of If-Match or If-None-Match; None without the header. Raises Invalid when it is malformed."""
    text = request.headers.get(header)
    if text is None:
        return None
    if text.strip(" \t") == "*":
        return Tags()
    if not _LIST.fullmatch(text):
        raise Invalid(fields={header: ['This must be `*` or entity tags such as "5f2a-9".']})
    return Tags(tuple(re.findall(_TAG, text)))


def base_of(
    request: Request, version: int | None, present: Callable[[], SharedState]
) -> Base | None:
    """What the writer had seen: by If-Match (412 when it is not so any more), or by `version` from the body (409).

    `present` reads the state, which is done only where the header names it in no or several ways. Raises Invalid,
    Stale, and what `present` raises.
    """
    _refuse_if_none_match(request)
    found = tags(request, "If-Match")
    if (
        found is None or not found.tags
    ):  # If-Match: * asks for nothing but the existence that every write needs
        return None if version is None else Base(version=version)
    base = _named(found)
    if base is None:
        state = present()
        if not found.match(state):
            raise stale(state)
        base = Base(version=state.version, uid=state.uid, exact=True, header=True)
    if version is not None and version != base.version:
        raise Invalid(fields={"base_version": ["If-Match names another version."]})
    return base


def _named(found: Tags) -> Base | None:
    ours = _OURS.fullmatch(found.tags[0]) if len(found.tags) == 1 else None
    if ours is None:
        return None
    return Base(version=int(ours[2]), uid=ours[1], exact=True, header=True)


def _refuse_if_none_match(request: Request) -> None:
    """A precondition that is not understood must not be passed over."""
    if "If-None-Match" in request.headers:
        text = "It can be used to read, and as `*` with PUT to create."
        raise Invalid(fields={"If-None-Match": [text]})


def refuse_if_match(request: Request) -> None:
    """For what is about no single version of one state. Raises Invalid."""
    if "If-Match" in request.headers:
        raise Invalid(fields={"If-Match": ["It has no meaning here."]})


def must_create(request: Request) -> bool:
    """Whether `If-None-Match: *` says that there must be nothing yet. Raises Invalid for any other use."""
    found = tags(request, "If-None-Match")
    if found is None:
        return False
    if found.tags or "If-Match" in request.headers:
        _refuse_if_none_match(request)
    return True


def check_read(request: Request, state: SharedState) -> None:
    """Raises Stale when If-Match does not hold."""
    found = tags(request, "If-Match")
    if found is not None and not found.match(state):
        raise stale(state)


def is_known(request: Request, state: SharedState) -> bool:
    """Whether the reader has this version already (If-None-Match): 304."""
    found = tags(request, "If-None-Match")
    return found is not None and found.match(state, weakly=True)


def stale(state: SharedState) -> Stale:
    """The refusal for a precondition that does not hold of `state`."""
    return Stale(
        extra={
            "conflict_type": "version",
            "state": state.id,
            "base_version": None,
            "head_version": state.version,
            "etag": conflicts.etag(state),
            "retryable": True,
        }
    )


def op_id_of(request: Request, given: str = "") -> str:
    """The request's own name, by header (bare, or quoted as a structured field) or as `op_id` in the body; "" for
    none. Raises Invalid when both differ."""
    text = request.headers.get(IDEMPOTENCY_KEY)
    if text is None:
        return given
    key = text[1:-1] if len(text) > 2 and text[0] == text[-1] == '"' else text
    if not 0 < len(key) <= 100 or not key.isprintable():
        raise Invalid(fields={IDEMPOTENCY_KEY: ["This must have 1 to 100 printable characters."]})
    if given and given != key:
        raise Invalid(fields={"op_id": [f"{IDEMPOTENCY_KEY} has another one."]})
    return key
