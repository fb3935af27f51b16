"""One socket of `stars.sync.v1`: what its client says, what it is sent, its acknowledgements and its heartbeats.

Knows nothing of websockets: frames come as texts and go into an outbox (`state.consumers` is the shell). Everything
belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from state.errors import StarsError, Unavailable
from state.fanout.outbox import LIMIT, Outbox
from state.policy import Caller
from state.sync import filters, greeting, naming, protocol, writing
from state.sync.asking import asked
from state.sync.gating import Gate
from state.sync.heart import SUB_COST, Heart, Pace
from state.sync.metrics import counts
from state.sync.outlet import Outlet
from state.sync.promises import Promises
from state.sync.protocol import ClientFrame
from state.sync.pulling import Pulls
from state.sync.queue import WriteQueue
from state.sync.rights import Rights
from state.sync.selecting import Reader
from state.sync.sessions import Note, Opened, SubNote
from state.sync.subscription import Subscription
from state.threads import in_thread
from state.values import ConnectionType

if TYPE_CHECKING:
    from state.sync.feed import Feed
    from state.sync.pool import Identity, Pool

logger = logging.getLogger(__name__)


class Live:
    """See above."""

    def __init__(
        self,
        pool: Pool,
        space: str,
        outbox: Outbox,
        who: Identity | None,
        end: Callable[[int], None],
    ) -> None:
        """`who`: as the socket's headers say, None when they do not. `end(code)` closes the socket once all that was
        said is sent."""
        self.pool, self.space, self.outbox, self.who, self._end = pool, space, outbox, who, end
        self.subs: dict[int, Subscription] = {}
        self.outlet = Outlet(outbox, pool.config.queue_buffer_size, self.bye)
        self.say = self.outlet.say
        self.hello: protocol.Hello | None = None
        self.caller: Caller | None = None
        self.opened: Opened | None = None
        self.feed: Feed | None = None
        #: Something changed that the session's row does not say yet.
        self.dirty = True
        self.conflicts = 0
        #: How it ended: for good; by a fault, in a word; and how it stood then.
        self.ended = False
        self.error = ""
        self.last_note: Note | None = None
        #: Nothing more is looked at.
        self.closing = False
        self.rights = Rights(self)
        self._noted_parked = False
        self._heard = datetime.now(UTC)
        self._began = time.monotonic()
        #: Since when frames wait because the client does not take its answers; None: they do not.
        self._held_at: float | None = None
        self._heart = Heart(pool.hb_s, self._began)
        self._pace = Pace(lambda: self.bye(protocol.FLOOD, "flood"))
        self._gate = Gate(1, within=pool.gate)
        self._writes = WriteQueue(self._carry_out, self._outcome, self._answer_write, self._taken)
        self._pulls = Pulls(self.spawn)
        self._promises = self.outlet.promises = Promises(self._keep)
        self._tasks: set[asyncio.Task[None]] = set()

    # -- the client speaks ----------------------------------------------------------------------------------------

    async def receive(self, text: str | None) -> None:
        """Answer one message of the client; None stands for a binary one. Never raises."""
        if self.closing:
            return
        try:
            self._pace.check(len(text or ""))
            frame = await protocol.parse_apart(text, welcome=self.opened is not None)
            if self.closing:
                return
            await self._answer(frame)
        except StarsError as refusal:
            self.say(protocol.refuse(text, refusal))
            if self.hello is None:
                self.bye(protocol.BROKEN, refusal.reason)
        except Exception:
            logger.exception("a frame was not answered")
            self.say(protocol.error(StarsError("Stars could not answer this; its log says why.")))
        if self.outbox.size >= LIMIT and not self.closing:
            await self._hold()

    async def _hold(self) -> None:
        """Look at no frame while so much waits for a client that does not read; ends when the socket does."""
        self._held_at = time.monotonic()
        try:
            await asyncio.wait([self.spawn(self.outbox.drained())])
        finally:
            self._held_at = None

    async def _taken(self) -> None:
        if self.outbox.size >= LIMIT:
            await self.outbox.drained()

    async def _answer(self, frame: ClientFrame) -> None:
        if isinstance(frame, protocol.Hello):
            await self._greet(frame)
            return
        if self.opened is None:
            raise protocol.HelloFirst
        match frame:
            case protocol.Ack():
                self._ack(frame)
            case protocol.ClientHb():
                self._heart.answered(frame.n)
                self._heard, self.dirty = datetime.now(UTC), True
            case protocol.Write():
                self._write(frame)
            case protocol.Sub():
                self._subscribe(frame)
            case protocol.Unsub():
                self._drop(self._sub(frame.sub))
                self.dirty = True
            case protocol.Pull():
                subscription = self._sub(frame.sub)
                try:
                    self._pulls.add(subscription, frame.limit)
                except StarsError as refusal:
                    self.say(protocol.error(refusal, sub=frame.sub))

    async def _greet(self, frame: protocol.Hello) -> None:
        if self.hello is not None:
            raise protocol.HelloFirst
        if frame.proto != protocol.PROTO:
            raise protocol.WrongVersion
        self.hello = frame
        await greeting.greet(self, frame)

    def begin(self, opened: Opened) -> None:
        """It has that session now."""
        assert self.feed is not None and self.caller is not None
        self.opened = opened
        self._heart = Heart(self.pool.hb_s, time.monotonic())
        self.pool.enter(self)
        if self.closing:
            return
        self.say(
            protocol.Welcome(
                session=opened.id,
                agent=self.caller.name,
                epoch=self.feed.epoch,
                head=self.feed.head,
                hb_s=self.pool.hb_s,
                window=protocol.Window(self.pool.config.queue_buffer_size, protocol.WINDOW_BYTES),
                resumed=opened.resumed,
            )
        )

    @property
    def is_parked(self) -> bool:
        """Whether something waits because the client does not acknowledge."""
        return self.outlet.parked_at is not None

    @property
    def acked(self) -> int:
        """The least revision that all subscriptions have applied."""
        return min((each.acked for each in self.subs.values()), default=0)

    # -- subscriptions --------------------------------------------------------------------------------------------

    def _sub(self, number: int) -> Subscription:
        found = self.subs.get(number)
        if found is None:
            raise protocol.UnknownSubscription(extra={"sub": number})
        return found

    def _subscribe(self, frame: protocol.Sub) -> None:
        assert self.feed is not None and self.caller is not None and self.hello is not None
        try:
            self._pace.charge(SUB_COST)
            others = [each for number, each in self.subs.items() if number != frame.sub]
            if len(others) >= protocol.MAX_SUBSCRIPTIONS:
                raise protocol.TooManySubscriptions
            reader = Reader(self.caller, filters.filter_of(frame.states))
            patterns = sum(len(each.reader.wanted.patterns) for each in others)
            if patterns + len(reader.wanted.patterns) > protocol.MAX_PATTERNS:
                raise protocol.TooManyPatterns
            sub = asked(frame, self.feed, self.outlet, reader, self.pool.config, self._gate)
        except StarsError as refusal:
            self.say(protocol.error(refusal, sub=frame.sub))
            return
        old = self.subs.get(frame.sub)
        if old is not None:
            self._drop(old)
        self.subs[frame.sub] = sub
        sub.pulled = self.hello.mode is ConnectionType.PULL
        self.dirty = True
        if reader.wanted.ids:
            self._pulls.run(sub, lambda: naming.begin(sub, self.say))
        else:
            sub.follow()

    def _drop(self, subscription: Subscription) -> None:
        subscription.close()
        self._pulls.drop(subscription)
        del self.subs[subscription.number]
        self.outlet.acknowledged()  # nobody will

    def _ack(self, frame: protocol.Ack) -> None:
        subscription = self._sub(frame.sub)
        rev = min(frame.rev, subscription.prev)
        found = self.outlet.window.ack(frame.sub, rev)
        if rev > subscription.acked:
            was_at, subscription.acked, self.dirty = self.acked, rev, True
            if found.entries:
                counts.acked(found.entries, time.monotonic() - found.at)
                self.pool.acknowledged(self, was_at)
        if found.entries:
            self.outlet.acknowledged()
        self._promises.settle(subscription)

    # -- writes ---------------------------------------------------------------------------------------------------

    def _write(self, frame: protocol.Write) -> None:
        assert self.hello is not None
        try:
            writing.check(frame, self.hello.mode)
            if self._writes.add(frame):
                self.spawn(self._writes.work())
        except StarsError as refusal:
            self.say(protocol.error(refusal, op_id=frame.op_id))

    async def _carry_out(self, frame: protocol.Write) -> protocol.Res:
        assert self.caller is not None and self.who is not None
        return await self.pool.write(self.caller, self.who.user.pk, frame)

    async def _outcome(self, op_id: str) -> protocol.Res | None:
        assert self.caller is not None
        return await in_thread(writing.outcome)(self.pool.manager, self.caller, op_id)

    def _answer_write(self, res: protocol.Res) -> None:
        if (res.problem or {}).get("conflict_type") or res.conflict:
            counts.conflict()
            self.conflicts += 1
            self.dirty = True
        self.say(res)

    # -- sync tasks -----------------------------------------------------------------------------------------------

    def deliver(self, task: str, agent: str, state: str, *, full: bool, revision: int) -> None:
        """A sync task wants the client to have the state, as of that revision."""
        for each in self.subs.values():
            if each.reader.wanted.matches(state) and not each.pulled:
                self._promises.add(each, task, agent, state, None if full else revision)
                return

    def _keep(self, task: str, agent: str, revision: int) -> None:
        self.spawn(self.pool.task_acked(task, agent, revision))

    # -- time goes by ---------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Called by the pool about once a second, `now` monotonic."""
        if self.closing:
            return
        if self.opened is None:
            waited = now - self._began
            if self.hello is None and waited > protocol.HELLO_S:
                self.bye(protocol.BROKEN, "hello_first")
            elif waited > protocol.HELLO_S + protocol.WELCOME_S:
                self.bye(protocol.AWAY, Unavailable.reason)
            return
        for since in (self.outlet.parked_at, self._held_at):
            if since is not None and now - since > self.pool.parked_s:
                self.bye(protocol.SLOW, "slow")
                return
        self.dirty = self.dirty or self._noted_parked != self.is_parked
        if self._heart.is_due(now):
            self._beat(now)
        self.rights.tick(now)
        if self._writes.has_journalled:
            self.spawn(self._writes.tell_outcomes())

    def _beat(self, now: float) -> None:
        assert self.feed is not None
        if self._held_at is not None:
            self._heart.answered(self._heart.count)  # perhaps: it was not looked at
        if not self._heart.beat(now):
            self.bye(protocol.HEARTBEAT, "heartbeat")
            return
        for each in self.subs.values():
            each.mark_if_moved()
        self.say(protocol.ServerHb(n=self._heart.count, head=self.feed.head))

    async def review(self) -> None:
        """Read again what it may do in the space, and end or change what it sees."""
        await self.rights.review()

    def note(self) -> Note | None:
        """How the session stands, for its row; None before it is open."""
        if self.opened is None:
            return None
        self.dirty, conflicts, self.conflicts = False, self.conflicts, 0
        self._noted_parked = self.is_parked
        return Note(
            session=self.opened.id,
            generation=self.opened.generation,
            heartbeat=self._heard,
            subscriptions=tuple(
                SubNote(
                    each.number, each.reader.wanted.patterns, each.mode, each.acked, each.token()
                )
                for each in self.subs.values()
            ),
            parked=self.is_parked,
            conflicts=conflicts,
        )

    def unnoted(self, note: Note) -> None:
        """It could not be kept."""
        self.dirty = True
        self.conflicts += note.conflicts

    # -- the end --------------------------------------------------------------------------------------------------

    def bye(self, code: int, reason: str, *, retry_after_ms: int = 0) -> None:
        """Say with which tokens to come back, and close the socket with that code."""
        if self.closing:
            return
        found = {str(each.number): each.token() for each in self.subs.values() if each.places.kept}
        self.say(
            protocol.Bye(code=code, reason=reason, tokens=found, retry_after_ms=retry_after_ms)
        )
        self.ended = code in (protocol.SUPERSEDED,)
        self.error = reason if code in _FAULTS else ""
        self._stop()
        self._end(code)

    def goodbye(self) -> None:
        """The client has ended its session, unless the server was about to end the socket."""
        if not self.closing:
            self.ended = True

    def close(self) -> None:
        """The socket has gone: give back what it held; idempotent."""
        self._stop()
        if self.feed is not None:
            self.feed.leave()
            self.feed = None
        self.pool.leave(self)

    def _stop(self) -> None:
        if not self.closing:
            self.closing = self.outlet.closed = True
            self.last_note = self.note()
        for each in self.subs.values():
            each.close()
        for task in self._tasks:
            task.cancel()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it until it or the socket ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


#: Ends of a socket after which its session is not resumed by itself.
_FAULTS: Final = frozenset({protocol.BROKEN, protocol.NOT_AUTHENTICATED, protocol.DENIED})
