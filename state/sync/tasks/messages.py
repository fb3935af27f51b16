"""What a webhook is sent: the words of the sync protocol, in messages that can be told apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from state.sync import snapshots
from state.sync.protocol import ResetReason, SnapState, WireEntry
from state.sync.tasks.reading import Changes
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


def of_changes(
    changes: Changes, *, space: str, session: str, epoch: str
) -> Iterator[tuple[str, Message]]:
    """The messages of one read, each with its id: session, history and revision, so that a message which is sent once
    more has the same id, and one of another history never has."""
    message_id = f"{session}:{_short(epoch)}:{changes.revision}"
    synced = not changes.more
    if not changes.snapshot:
        message = Message(
            space=space,
            session=session,
            token=changes.token,
            synced=synced,
            entries=changes.entries,
            states=tuple(map(snapshots.snap_state, changes.states)),
        )
        yield message_id, message
        return
    for frame in snapshots.parts(0, changes.revision, changes.states):
        message = Message(
            space=space,
            session=session,
            # Only with the last part is the reader there.
            token=changes.token if frame.last else "",
            synced=synced and frame.last,
            states=frame.states,
            snapshot=True,
            reset=changes.reset,
            part=frame.part,
            last=frame.last,
        )
        yield f"{message_id}/{frame.part}", message


def of_task(state: SharedState, *, session: str, token: str, task: str) -> tuple[str, Message]:
    """One state whole, which a sync task pushes."""
    message = Message(
        space=state.space,
        session=session,
        token=token,
        synced=False,
        states=(snapshots.snap_state(state),),
        task=task,
    )
    return f"{session}:{task}:{state.revision}", message


def _short(epoch: str) -> str:
    """In characters that may stand in an id."""
    return hashlib.sha256(epoch.encode()).hexdigest()[:8]
