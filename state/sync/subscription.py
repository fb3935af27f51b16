"""One subscription: everything visible up to `position` was sent, and each frame names the one before it.

It follows its feed live, or catches up by itself from ring or store, or is parked at its position while the reader
does not acknowledge (shared-state 2.2-2.4). Everything belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from state.policy import Caller
from state.sync import tokens
from state.sync.catchup import CatchUp
from state.sync.feed import Feed
from state.sync.places import Places
from state.sync.policies import PolicyChange
from state.sync.protocol import (
    Mark,
    ResetReason,
    Revoked,
    WireEntry,
)
from state.sync.ring import Revision
from state.sync.selecting import Chunk, Reader, chunks, coalesced, conflict_frame
from state.sync.sink import Sink
from state.values import AuditRecord, EntryKind, EventType, SyncConfig

logger = logging.getLogger(__name__)

#: Seconds that a token from the future is waited for.
FUTURE: Final = 2.0
#: Snapshots read at once per process (relist storms), and milliseconds that the others are spread over.
SNAPSHOTS: Final = 4
SPREAD_MS: Final = 500
_encoder: Final = msgspec.json.Encoder()


class Subscription:
    """See above. After it was made: `begin` or `resume`, and `follow`."""

    def __init__(
        self,
        number: int,
        feed: Feed,
        sink: Sink,
        reader: Reader,
        *,
        mode: str = "all",
        config: SyncConfig,
        gate: asyncio.Semaphore,
    ) -> None:
        """`gate` bounds the snapshots of the process."""
        self.number, self.feed, self.sink, self.reader, self.mode = number, feed, sink, reader, mode
        #: The `rev` of the last frame, and the place up to which everything visible was sent.
        self.prev = self.position = 0
        self.places = Places()
        self._acked = 0
        self.epoch = feed.epoch
        #: Whether it was said that there is no more than this.
        self.synced = False
        #: It asks for what is new, nothing comes by itself.
        self.pulled = False
        self.config, self.gate = config, gate
        self._prefix = self._token_prefix()
        #: Why it begins anew, if the reader is to be told; and whether a snapshot is due.
        self.reset: ResetReason | None = None
        self.wants_snapshot = False
        #: Not before this revision are the states of a snapshot consistent.
        self.consistent = 0
        #: States that the reader gets whole.
        self.granted: set[str] = set()
        #: States of which it was not sent everything, on its way to where the feed is.
        self.withheld: set[str] = set()
        #: States of whose present life it gets the beginning later, and of the life before it not the end.
        self.owed: set[str] = set()
        #: For "latest": what changed up to `collected` and is still to be sent.
        self.pending: set[str] = set()
        self.collected = 0
        #: Entries sent so far.
        self.sent = 0
        #: Whether it has something to say and waits for acknowledgements.
        self.is_parked = False
        self._working: asyncio.Task[None] | None = None
        self._pulling = asyncio.Lock()
        self._closed = False

    # -- beginning ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """From a snapshot."""
        self.wants_snapshot = True

    def resume(self, token: tokens.Token) -> None:
        """From where the token says, or anew (`reset`) where that cannot be."""
        if token.epoch != self.feed.epoch:
            self.renew("epoch")
        elif token.filter_hash != self._filter_hash():
            self.renew("filter")
        elif token.revision < self.feed.floor:
            self.renew("compacted")
        else:
            self.places.begin(token.revision)
            self.prev = self.position = token.revision
            self.acked = min(token.revision, self.feed.head)

    def renew(self, reason: ResetReason) -> None:
        """Have the reader forget everything, and begin with a snapshot."""
        self.reset, self.wants_snapshot = reason, True
        self.granted.clear()
        # Places in another history mean nothing in this one; tokens must not lead there.
        self.acked = self.prev = 0
        self.places.begin(None)

    def follow(self) -> None:
        """Catch up, then go with the feed; parked, go on."""
        if not self._closed and self._working is None and not self.pulled:
            self.unpark()
            self._working = asyncio.get_running_loop().create_task(self._work())

    async def pull(self, limit: int) -> None:
        """Send about `limit` entries of what is new, then a mark; one after the other."""
        async with self._pulling:
            if not self._closed:
                await CatchUp(self).pull(limit)

    def close(self) -> None:
        """Say nothing more; idempotent."""
        self._closed = True
        self.feed.followers.discard(self)
        self.unpark()
        if self._working is not None:
            self._working.cancel()
            self._working = None
        self.sink.window.forget(self.number)

    # -- what is known of it --------------------------------------------------------------------------------------

    @property
    def is_live(self) -> bool:
        """Whether it goes with the feed."""
        return self in self.feed.followers

    @property
    def _is_there(self) -> bool:
        """Whether it only asks now and then, and has all there is."""
        busy = not self.pulled or self.owes or self.wants_snapshot or self.pending
        return not busy and (self.position, self.epoch) == (self.feed.head, self.feed.epoch)

    @property
    def owes(self) -> bool:
        """Whether the reader lacks something of what lies before `position`: no place to come back to."""
        return bool(self.granted or self.owed)

    def token(self, revision: int | None = None) -> str:
        """To come back to that revision (default: to the last place that was acknowledged; "" for none)."""
        place = self.places.kept if revision is None else revision
        return "" if place is None else f"{self._prefix}.{place}"

    @property
    def acked(self) -> int:
        """What the reader has applied, as it says."""
        return self._acked

    @acked.setter
    def acked(self, revision: int) -> None:
        self._acked = revision
        self.places.acked(revision)

    def _filter_hash(self) -> str:
        return tokens.filter_hash(self.reader.wanted, self.reader.caller, self.mode)

    def _token_prefix(self) -> str:
        return tokens.prefix(self.epoch, self._filter_hash())

    def give(self, state_id: str) -> None:
        """Send the state whole, before anything else."""
        self.granted.add(state_id)
        self._step_aside()

    # -- the feed speaks (Follower) -------------------------------------------------------------------------------

    def offer(self, revisions: Sequence[Revision], changes: Sequence[PolicyChange]) -> None:
        """As the feed says. It leaves the followers when it cannot take them now."""
        if revisions[0].number != self.position + 1:
            self._step_aside()
            return
        mine = [each for each in changes if self.reader.wanted.matches(each.state_id)]
        if mine:
            self._revoke(mine)
            granted = self._granted_by(mine, revisions)
            if granted:
                self.granted |= granted
                self._step_aside()
                return
        if not self.serve(revisions):
            self._step_aside()

    def told(self, records: Sequence[AuditRecord]) -> None:
        """Conflicts of states that the reader may see."""
        for record in records:
            event = record.event
            if event.type not in (EventType.CONFLICT_DETECTED, EventType.CONFLICT_RESOLVED):
                continue
            if event.agent_id == self.reader.caller.name:
                continue  # it has its answer
            if self.reader.wanted.matches(event.state_id) and self.feed.policies.sees(
                self.reader.caller, event.state_id, event.uid or None
            ):
                self.sink.say(conflict_frame(self.number, event))

    def restart(self) -> None:
        """The feed is elsewhere than it was."""
        self._step_aside()

    def gone(self) -> None:
        """The space was removed."""
        self.sink.gone()

    def fail(self) -> None:
        """Something is wrong with it: begin with a snapshot."""
        self.renew("integrity")
        self._step_aside()

    # -- the reader's rights change -------------------------------------------------------------------------------

    def reread(self, caller: Caller) -> None:
        """Somebody else reads from now on, or the same with other rights: take back what it may see no more, and
        give what it may see now."""
        before, policies = self.reader.caller, self.feed.policies
        self.reader = self.reader._replace(caller=caller)
        self._prefix = self._token_prefix()
        if not (self.is_live or self._is_there):
            self.renew("filter")  # who knows what it lost and gained since its place
            self.follow()
            return
        lost, granted = [], set[str]()
        for state in policies.states():
            if self.reader.wanted.matches(state.id) and not state.deleted:
                had, has = (policies.sees(each, state.id) for each in (before, caller))
                if had and not has:
                    lost.append(state.id)
                elif has and not had:
                    granted.add(state.id)
        if lost:
            self.sink.say(Revoked(sub=self.number, states=tuple(sorted(lost))))
        if granted:
            # No earlier place is one for this reader, who would have had more there.
            self.places.begin(None)
            self.granted |= granted
            self._step_aside()

    def _revoke(self, changes: Iterable[PolicyChange]) -> None:
        caller = self.reader.caller
        lost = [
            each.state_id
            for each in changes
            # What was deleted, and seen to be, is held by nobody.
            if each.was_seen(caller)
            and not each.is_seen(caller)
            and not (each.before and each.before.deleted)
        ]
        if lost:
            self.sink.say(Revoked(sub=self.number, states=tuple(sorted(lost))))

    def _granted_by(
        self, changes: Iterable[PolicyChange], revisions: Sequence[Revision]
    ) -> set[str]:
        """What the reader may see only now and does not get anyway, with its creation."""
        caller = self.reader.caller
        new = {
            each.state_id
            for each in changes
            if each.is_seen(caller) and not each.was_seen(caller) and not each.after.deleted
        }
        if not new:
            return new
        created = {
            entry.state_id
            for revision in revisions
            for entry in revision.entries
            if entry.kind is EntryKind.CREATE
        }
        return new - created

    # -- sending --------------------------------------------------------------------------------------------------

    @property
    def may_send(self) -> bool:
        """Whether a frame with changes is welcome now."""
        return self.sink.window.is_open and self.sink.is_open

    def serve(
        self,
        revisions: Sequence[Revision],
        *,
        most: int | None = None,
    ) -> bool:
        """Send what is visible of these revisions, which follow `position`; False when not all of it was welcome.

        At most about `most` entries, whole revisions.
        """
        left = self.config.batch_size if most is None else most
        found = chunks(
            revisions,
            self.reader,
            self.feed.policies,
            most=lambda: min(self.config.batch_size, self.sink.window.room(), left),
            withheld=self.withheld,
            owed=self.owed,
        )
        for chunk in found:
            if chunk.texts and not (self.may_send and left > 0):
                return False
            self.withheld, self.owed = set(chunk.withheld), set(chunk.owed)
            if chunk.texts:
                left -= len(chunk.texts) if most is not None else 0
                last = chunk.reached == revisions[-1].number == self.feed.head
                self.send(chunk, synced=last and chunk.reached >= self.consistent)
            self.position = chunk.reached
        return True

    def send(self, chunk: Chunk, *, synced: bool) -> None:
        """Send a delta."""
        # What was sent whole may be newer than `position`: then each change is dropped or taken for itself.
        if self.mode == "latest" and len(chunk.entries) > 1 and self.position >= self.consistent:
            chunk = chunk._replace(texts=self.texts(coalesced(chunk.entries)))
        synced = synced and not self.owes
        self.sink.say_delta(self, chunk, synced=synced)
        if not self.owes:
            self.places.add(chunk.reached)
        self.sent += len(chunk.texts)
        self.prev, self.synced = chunk.reached, synced

    def mark(self, *, synced: bool) -> None:
        """Say that everything up to `position` was sent, and where to come back to."""
        synced = synced and not self.owes
        if not self.owes:
            self.places.add(self.position)
        sent = self.places.sent
        token = "" if sent is None else self.token(sent)
        self.sink.say(
            Mark(sub=self.number, prev=self.prev, rev=self.position, token=token, synced=synced)
        )
        self.prev, self.synced = self.position, synced

    def mark_if_moved(self) -> None:
        """The space has moved without anything for this reader: tell it, so that it can come back to here."""
        if self.is_live and self.position > self.prev:
            self.mark(synced=True)

    def join(self) -> None:
        """Go with the feed, whose `head` was reached; nothing may be awaited since that was seen."""
        # From here on it is told of every change of rights with what stood before.
        self.withheld.clear()
        self.owed.clear()
        if not (self.synced and self.prev == self.position):
            self.mark(synced=True)
        self.feed.followers.add(self)

    def park(self) -> None:
        """Keep the place only, until the reader acknowledges."""
        if not self.is_parked:
            self.is_parked = True
            self.sink.parked(self)

    def unpark(self) -> None:
        """Go on, or end."""
        if self.is_parked:
            self.is_parked = False
            self.sink.unparked(self)

    def _step_aside(self) -> None:
        self.feed.followers.discard(self)
        self.follow()

    async def _work(self) -> None:
        try:
            await CatchUp(self).run()
        except Exception:
            logger.exception("a subscription of %s cannot go on", self.feed.space)
            self.sink.failed()
        finally:
            if self._working is asyncio.current_task():
                self._working = None

    def texts(self, entries: Iterable[WireEntry]) -> list[str]:
        """Entries as JSON."""
        return [_encoder.encode(each).decode() for each in entries]

    def change_epoch(self) -> None:
        """The space has another history now: begin anew."""
        self.epoch = self.feed.epoch
        self._prefix = self._token_prefix()
        self.renew("epoch")
