"""What a webhook is sent: the words of the sync protocol, in messages that can be told apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from state.sync import snapshots
from state.sync.protocol import ResetReason, SnapState, WireEntry
from state.sync.protocol.limits import PART
from state.sync.tasks.reading import Page
from state.values import SharedState


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="changes"):
    """The body, as JSON. It is read as the frames of the protocol are (docs/sync-protocol.md): a `snapshot` replaces
    all that was known by the `states` of its parts; otherwise `entries` are applied and then `states` taken over.
    """

    space: str
    session: str
    token: str
    #: Whether that is all there is.
    synced: bool
    entries: tuple[WireEntry, ...] = ()
    states: tuple[SnapState, ...] = ()
    snapshot: bool = False
    #: Why it begins anew, if it does and did not ask to.
    reset: ResetReason | None = None
    part: int = 1
    last: bool = True
    #: The sync task that sent it, if one did.
    task: str = ""


class Posting(NamedTuple):
    """A message as it is sent. An id tells of the content too: what is not the same has never the same id."""

    id: str
    body: bytes


def of_page(page: Page, *, space: str, session: str) -> tuple[str, list[Posting]]:
    """A digest of all that is sent for a page, and the messages. States come before entries and never with them."""
    bodies = [msgspec.json.encode(each) for each in _messages(page, space, session)]
    digest = _digest(*bodies)
    found = f"{session}:{page.revision}:{digest}"
    if len(bodies) == 1:
        return digest, [Posting(found, *bodies)]
    return digest, [Posting(f"{found}/{n}", body) for n, body in enumerate(bodies, 1)]


def _messages(page: Page, space: str, session: str) -> Iterator[Message]:
    parts = list(_parts(page.states)) if page.states or page.snapshot else []
    for number, states in enumerate(parts, 1):
        last = number == len(parts)
        # Only with the last message of all is the reader there.
        there = last and not page.entries
        yield Message(
            space=space,
            session=session,
            token=page.token if there else "",
            synced=page.synced and there,
            states=tuple(states),
            snapshot=page.snapshot,
            reset=page.reset,
            part=number,
            last=last,
        )
    if page.entries:
        yield Message(
            space=space,
            session=session,
            token=page.token,
            synced=page.synced,
            entries=page.entries,
        )


def _parts(states: Iterable[SnapState]) -> Iterator[list[SnapState]]:
    """At least one; each as large as a frame may be."""
    part, size = list[SnapState](), 0
    for each in states:
        length = len(msgspec.json.encode(each))
        if part and size + length > PART:
            yield part
            part, size = [], 0
        part.append(each)
        size += length
    yield part


def of_task(state: SharedState, *, session: str, token: str, task: str) -> Posting:
    """One state whole, which a sync task pushes."""
    message = Message(
        space=state.space,
        session=session,
        token=token,
        synced=False,
        states=(snapshots.snap_state(state),),
        task=task,
    )
    body = msgspec.json.encode(message)
    return Posting(f"{session}:{task}:{_digest(body)}", body)


def _digest(*bodies: bytes) -> str:
    """In characters that may stand in an id."""
    found = hashlib.sha256()
    for each in bodies:
        found.update(each)
    return found.hexdigest()[:16]
