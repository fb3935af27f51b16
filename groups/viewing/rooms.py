"""Places in the logs of runs. All viewers of a run on one event loop share a room: it hears the hub once for all of
them, finds gaps and fills them from the database; a viewer that lags behind reads the database by itself until it has
caught up with the room. Nothing is skipped or doubled, whatever the hub loses, repeats or brings out of order.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

from groups import selectors
from groups.live import FRAME_BYTES, FRAME_EVENTS, event_frames, run_topic
from groups.viewing.outbox import Frame, merged
from state.fanout import Outgoing, Subscription, hub
from state.fanout.outbox import Outbox
from state.threads import in_thread

logger = logging.getLogger(__name__)

#: Seconds to wait for Redis to confirm a subscription; after that the hub's `resync` tells when it is back.
CONFIRM: Final = 3.0
#: Seconds between looks into the database for rooms that have heard nothing: the last message of a run may be lost.
LOOK: Final = 5.0
#: Seconds per viewer between two frames of a room, and at most. A frame costs Daphne about 90 us per viewer, whatever
#: is in it (`bench/live.py`): so a full room makes fewer and longer ones, and leaves half a core to everything else.
PACE: Final = 0.0002
MAX_PACE: Final = 0.1
#: Seconds until a viewer's failed read is tried again.
AGAIN: Final = 1.0


def _page(run_id: uuid.UUID, after: int) -> list[Frame] | None:
    """The next frames after that number (none: the log ends there); None when the run is gone."""
    # The status is read last: it may be ahead of these events, but never behind the log's last one.
    rows = selectors.events_after(run_id, after, FRAME_EVENTS)
    found = selectors.last_seq(run_id)
    if found is None:
        return None
    return [Frame(frame) for frame in event_frames(run_id, found[1], rows)]


_read_page = in_thread(_page)
_read_end = in_thread(selectors.last_seq)
_read_ends = in_thread(selectors.last_seqs)


class Seat:
    """One viewer's place: all events up to `position` are in its outbox."""

    def __init__(self, room: Room, outbox: Outbox, position: int, gone: Callable[[], None]) -> None:
        """`gone` is called once when the run is no more."""
        self.room = room
        self.outbox = outbox
        self.position = position
        self._gone = gone
        self._catching_up: asyncio.Task[None] | None = None
        self._closed = False

    def follow(self) -> None:
        """Read what is missing from the database, then go with the room."""
        if not self._closed and self._catching_up is None:
            self._catching_up = asyncio.get_running_loop().create_task(self._catch_up())

    def take(self, frame: Frame) -> None:
        """The room shows this frame: put it into the outbox, or step aside when it does not fit."""
        if frame.last <= self.position:
            return
        if frame.first == self.position + 1 and self.outbox.is_open:
            self.position = frame.last
            self.outbox.put(frame, len(frame.text))
        else:
            self.room.seats.discard(self)
            self.follow()

    def pause(self) -> None:
        """Take nothing more until `follow()`; the position is kept."""
        self.room.seats.discard(self)
        if self._catching_up is not None:
            self._catching_up.cancel()
            self._catching_up = None

    def close(self) -> None:
        """Leave for good; idempotent."""
        if not self._closed:
            self._closed = True
            self.pause()
            self.room.leave()

    def tell_gone(self) -> None:
        """The run was deleted."""
        if not self._closed:
            self._gone()

    async def _catch_up(self) -> None:
        room = self.room
        try:
            while True:
                await self.outbox.drained()
                try:
                    frames = await _read_page(room.run_id, self.position)
                except Exception:
                    logger.exception("the log of %s cannot be read, trying again", room.topic)
                    await asyncio.sleep(AGAIN)
                    continue
                if frames is None:
                    self.tell_gone()
                    return
                for frame in frames:
                    self.position = frame.last
                    self.outbox.put(frame, len(frame.text))
                # No await between this comparison and taking the seat. A viewer ahead of the room is fine: it
                # has read what the hub is about to say.
                if self.position >= room.head and (not frames or self.outbox.is_open):
                    room.seats.add(self)
                    return
        finally:
            if self._catching_up is asyncio.current_task():
                self._catching_up = None


class Room:
    """One run's log as this event loop knows it: whoever has a seat has been shown everything up to `head`."""

    def __init__(self, rooms: Rooms, run_id: uuid.UUID) -> None:
        self.run_id = run_id
        self.topic = run_topic(run_id)
        self.seats: set[Seat] = set()
        self.head = 0
        self.guests = 0
        self.heard = False
        self._rooms = rooms
        self._is_open = False
        self._pending: list[Outgoing] = []
        self._showing: asyncio.TimerHandle | None = None
        self._rests_until = 0.0
        #: The log reaches at least so far.
        self._known = 0
        self._filling: asyncio.Task[None] | None = None
        self._subscription: Subscription | None = None
        self._opening = asyncio.get_running_loop().create_task(self._open())

    async def opened(self) -> None:
        """Wait until the hub is heard and `head` is known. Raises what the database raises."""
        await asyncio.shield(self._opening)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        self._subscription = subscription = hub().subscribe(
            self.topic, self._hear, loop=loop, resync=lambda: self.reach(self.head + 1)
        )
        try:
            await asyncio.wait_for(
                asyncio.shield(asyncio.wrap_future(subscription.ready)), timeout=CONFIRM
            )
        except TimeoutError:
            logger.warning(
                "the hub does not answer; the log of %s comes from the database", self.topic
            )
        found = await _read_end(self.run_id)
        self.head = found[0] if found else 0
        self._is_open = True
        self.reach(self._known)

    def leave(self) -> None:
        """A guest goes; the last one closes the room."""
        self.guests -= 1
        if not self.guests:
            self._rooms.close(self)

    def close(self) -> None:
        """Hear nothing more."""
        self._opening.cancel()
        if self._filling is not None:
            self._filling.cancel()
        if self._showing is not None:
            self._showing.cancel()
        if self._subscription is not None:
            self._subscription.close()

    def reach(self, known: int) -> None:
        """The log is said to reach `known`: make sure that the room does, too."""
        self._known = max(self._known, known)
        if self._known > self.head and self._filling is None and self._is_open:
            self._filling = asyncio.get_running_loop().create_task(self._fill())

    def _hear(self, message: Outgoing) -> None:
        # What comes in one turn of the loop is shown as one frame, and in a full room what comes within its pause.
        if not self._pending:
            loop = asyncio.get_running_loop()
            self._showing = loop.call_at(max(loop.time(), self._rests_until), self._show_pending)
        self._pending.append(message)

    def _show_pending(self) -> None:
        pending, self._pending = self._pending, []
        self.heard = True
        self._rests_until = asyncio.get_running_loop().time() + min(
            len(self.seats) * PACE, MAX_PACE
        )
        fit: list[Outgoing] = []
        head, size = self.head, 0
        for message in pending:
            if message.last <= head:
                continue
            if message.first == head + 1 and self._filling is None and self._is_open:
                fit.append(message)
                head, size = message.last, size + len(message.payload)
                if size >= FRAME_BYTES:
                    self._show(merged(fit))
                    fit, size = [], 0
            else:
                self._known = max(self._known, message.last)
        if fit:
            self._show(merged(fit))
        self.reach(self._known)

    def _show(self, frame: Frame) -> None:
        self.head = frame.last
        for seat in tuple(self.seats):
            seat.take(frame)

    async def _fill(self) -> None:
        """Read on from `head` until it is where the log is said to be."""
        try:
            while True:
                known = self._known
                frames = await _read_page(self.run_id, self.head)
                for frame in frames or ():
                    self._show(frame)
                if self.head >= self._known:
                    return
                # What is heard is committed, so whoever said it before this read was wrong.
                if not frames and self._known == known:
                    self._known = self.head
                    break
            if frames is None:
                for seat in tuple(self.seats):
                    seat.tell_gone()
        except Exception:
            logger.exception("the log of %s cannot be read, the next look tries again", self.topic)
        finally:
            self._filling = None


class Rooms:
    """The rooms of one event loop."""

    def __init__(self) -> None:
        self._rooms: dict[uuid.UUID, Room] = {}
        self._looking: asyncio.Task[None] | None = None

    async def sit(
        self, run_id: uuid.UUID, outbox: Outbox, position: int, gone: Callable[[], None]
    ) -> Seat:
        """A seat at that position; call `follow()` on it, and `close()` at the end.

        Everything committed from now on will be heard or found.
        """
        room = self._rooms.get(run_id)
        if room is None:
            room = self._rooms[run_id] = Room(self, run_id)
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._look())
        room.guests += 1
        seat = Seat(room, outbox, position, gone)
        try:
            await room.opened()
        except BaseException:
            seat.close()
            raise
        return seat

    def close(self, room: Room) -> None:
        """Called by the room when its last guest goes."""
        room.close()
        if self._rooms.get(room.run_id) is room:
            del self._rooms[room.run_id]
        if not self._rooms and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            quiet = [room for room in self._rooms.values() if not room.heard]
            for room in self._rooms.values():
                room.heard = False
            if not quiet:
                continue
            try:
                ends = await _read_ends([room.run_id for room in quiet])
            except Exception:
                logger.exception("the ends of logs cannot be read, the next look tries again")
                continue
            for room in quiet:
                # A run that is gone: reading on from the head will find that out.
                room.reach(ends.get(room.run_id, room.head + 1))


_rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, Rooms] = WeakKeyDictionary()


def rooms() -> Rooms:
    """The rooms of the running event loop."""
    return _rooms.setdefault(asyncio.get_running_loop(), Rooms())
