"""Changes of a space after a token, as a long poll; and the snapshot from which tokens begin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from state.api.queries import Query
from state.api.views.sync.asking import ALL, TOKEN, query_of, standing_of, waiting, wanted_of, where
from state.errors import Invalid, StarsError
from state.sync import changes as syncing
from state.sync import polling
from state.sync.changes import MAX_LIMIT, MAX_WAIT, Changes
from state.sync.polling import Held
from state.sync.standing import Standing
from state.threads import in_thread

#: Seconds and entries, if nothing is said.
WAIT: Final = 25
LIMIT: Final = 256
_encoder: Final = msgspec.json.Encoder()


class TokenLost(StarsError):
    """This token cannot be continued: forget what you have, fetch the snapshot and go on from its token."""

    reason = "compacted"
    status = 410  # extra: {"snapshot": link}

    def __init__(self, reason: str, snapshot: str) -> None:
        """`reason` as of the protocol's frame `reset`; the snapshot's address."""
        super().__init__(extra={"snapshot": snapshot})
        self.reason = reason  # type: ignore[misc]  # of this one, not of the class


@waiting
async def changes(request: HttpRequest, space: str) -> HttpResponseBase:
    """What is new after `since`; when nothing is, it is waited for. 204: nothing came, here is a newer token."""
    standing = await standing_of(request, space)
    try:
        query = query_of(request, "since", "limit", "wait", "connection")
        poll = await _poll(query, standing)
        wanted = wanted_of(query, poll.patterns if poll else ALL)
        since = query.text("since")
        if since == "":
            raise Invalid(fields={"since": ["This must be a token, or “now”."]})
        wait = query.number("wait", least=0)
        found = await syncing.changes(
            standing,
            wanted.states,
            since,
            limit=query.limit(LIMIT, MAX_LIMIT),
            wait=min(WAIT if wait is None else wait, MAX_WAIT),
            mode=wanted.mode,
            poll=poll,
        )
        if found.reset is not None:
            raise TokenLost(found.reset, where(request, "snapshot", space, wanted))
    finally:
        standing.close()
    if found.is_empty and since != syncing.NOW:
        return HttpResponse(status=204, headers={TOKEN: found.token})
    return _answer(found)


@waiting
async def snapshot(request: HttpRequest, space: str) -> HttpResponseBase:
    """The states as they stand, and the token from which `changes` goes on."""
    standing = await standing_of(request, space)
    try:
        wanted = wanted_of(query_of(request))
        found = await syncing.changes(
            standing, wanted.states, None, limit=MAX_LIMIT, mode=wanted.mode
        )
    finally:
        standing.close()
    return _answer(found)


async def _poll(query: Query, standing: Standing) -> Held | None:
    """The connection of type pull that is held by this question."""
    asked = query.text("connection")
    return None if asked is None else await in_thread(polling.held)(standing.caller, asked)


def _answer(found: Changes) -> HttpResponse:
    members = {
        "snapshot": _json(found.snapshot),
        "states": _json(found.states),
        "entries": _array(found.entries),
        "revoked": _json(found.revoked),
        "missing": _json(found.missing),
        "token": _json(found.token),
        "more": _json(found.more),
    }
    text = ",".join(f'"{name}":{value}' for name, value in members.items())
    headers = {TOKEN: found.token, "Cache-Control": "no-store"}
    return HttpResponse(f"{{{text}}}", content_type="application/json", headers=headers)


def _json(value: object) -> str:
    return _encoder.encode(value).decode()


def _array(texts: Iterable[str]) -> str:
    """Of what is JSON already."""
    return f"[{','.join(texts)}]"
