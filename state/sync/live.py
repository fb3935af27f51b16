"""One socket of `stars.sync.v1`: what its client says, what it is sent, its acknowledgements and its heartbeats.

Knows nothing of websockets: frames come as texts and go into an outbox (`state.consumers` is the shell). Everything
belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from state.errors import NotAllowed, NotFound, StarsError
from state.fanout.outbox import Outbox
from state.policy import Caller
from state.sync import filters, protocol, tokens, writing
from state.sync.metrics import counts
from state.sync.protocol import ClientFrame, ResetReason, ServerFrame
from state.sync.selecting import Chunk, Reader
from state.sync.sessions import Note, Opened, SubNote
from state.sync.subscription import Subscription
from state.sync.window import Window
from state.threads import in_thread
from state.values import ConnectionType

if TYPE_CHECKING:
    from state.sync.feed import Feed
    from state.sync.pool import Identity, Pool

logger = logging.getLogger(__name__)

#: Frames a client may send: at once, and per second in the long run; and refused ones in a row that end it.
BURST: Final = 1000.0
RATE: Final = 400.0
PATIENCE: Final = 200
#: Seconds after which it is looked up again who reads, at the latest.
RENEW: Final = 60.0


class TooFast(protocol.Busy):
    """Frames come faster than they are looked at; this one was not."""

    reason = "flood"


class _Awaited(msgspec.Struct):
    """A sync task wants an acknowledgement of `state`; `revision` None: its snapshot has not gone yet."""

    task: str
    agent: str
    state: str
    revision: int | None


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
        self.window = Window(pool.config.queue_buffer_size, protocol.WINDOW_BYTES)
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
        self._closing = False
        self._heard = datetime.now(UTC)
        self._hb, self._answered, self._missed = 0, 0, 0
        self._hb_at = self._renewed = self._began = time.monotonic()
        self._tokens, self._tokens_at, self._refused = BURST, time.monotonic(), 0
        self._parked_at: float | None = None
        self._writes: deque[protocol.Write] = deque()
        self._writing: asyncio.Task[None] | None = None
        #: Journalled writes that are not settled yet.
        self._queued: set[str] = set()
        self._awaited: list[_Awaited] = []
        self._tasks: set[asyncio.Task[None]] = set()

    # -- the client speaks ----------------------------------------------------------------------------------------

    async def receive(self, text: str | None) -> None:
        """Answer one message of the client; None stands for a binary one. Never raises."""
        if self._closing:
            return
        try:
            self._check_pace()
            await self._answer(protocol.parse(text))
        except StarsError as refusal:
            self.say(protocol.error(refusal))
            if self.hello is None and not self._closing:
                self.bye(protocol.BROKEN, refusal.reason)
        except Exception:
            logger.exception("a frame was not answered")
            self.say(protocol.error(StarsError("Stars could not answer this; its log says why.")))

    def _check_pace(self) -> None:
        now = time.monotonic()
        self._tokens = min(BURST, self._tokens + (now - self._tokens_at) * RATE)
        self._tokens_at = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            self._refused = 0
            return
        self._refused += 1
        if self._refused > PATIENCE:
            self.bye(protocol.FLOOD, "flood")
        raise TooFast

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
                self._answered = max(self._answered, min(frame.n, self._hb))
                self._heard, self.dirty = datetime.now(UTC), True
            case protocol.Write():
                self._write(frame)
            case protocol.Sub():
                self._subscribe(frame)
            case protocol.Unsub():
                self._sub(frame.sub).close()
                del self.subs[frame.sub]
                self.dirty = True
            case protocol.Pull():
                subscription = self._sub(frame.sub)
                if not subscription.pulled:
                    raise protocol.PullOnly
                self._spawn(self._pull(subscription, frame.limit))

    async def _greet(self, frame: protocol.Hello) -> None:
        if self.hello is not None:
            raise protocol.HelloFirst
        if frame.proto != protocol.PROTO:
            raise protocol.WrongVersion
        self.hello = frame
        if self.who is None and frame.token_auth:
            self.who = await self.pool.identify(frame.token_auth)
        if self.who is None:
            self.bye(protocol.NOT_AUTHENTICATED, "not_authenticated")
            return
        try:
            self.caller = await self._identified()
        except (NotAllowed, NotFound, StarsError) as refusal:
            self.say(protocol.error(refusal))
            self.bye(protocol.DENIED, refusal.reason)
            return
        self.feed = await self.pool.feeds.enter(self.space)
        if self._closing:  # the socket went meanwhile
            self.feed.leave()
            return
        self.opened = opened = await in_thread(self.pool.sessions.open)(
            self.caller,
            user_id=self.who.user.pk,
            name=frame.name,
            mode=frame.mode,
            session=frame.session,
            exclusive=frame.exclusive,
            process=self.pool.process,
        )
        self._hb_at = time.monotonic()
        self.pool.enter(self)
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

    async def _identified(self) -> Caller:
        assert self.who is not None and self.hello is not None
        return await in_thread(self.pool.directory.caller)(
            self.who.user, self.space, agent=self.hello.agent
        )

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
            wanted = filters.filter_of(frame.states)
            token = tokens.decode(frame.from_) if frame.from_ and not frame.why else None
            if len(self.subs) >= protocol.MAX_SUBSCRIPTIONS and frame.sub not in self.subs:
                raise protocol.TooManySubscriptions
        except StarsError as refusal:
            self.say(protocol.error(refusal, sub=frame.sub))
            return
        old = self.subs.pop(frame.sub, None)
        if old is not None:
            old.close()
        reader = Reader(self.caller, wanted)
        sub = self.subs[frame.sub] = Subscription(
            frame.sub,
            self.feed,
            self,
            reader,
            mode=frame.mode,
            config=self.pool.config,
            gate=self.pool.gate,
        )
        sub.pulled = self.hello.mode is ConnectionType.PULL
        if frame.why:
            counts.integrity_error()
            sub.renew("integrity")
        elif token is None:
            sub.begin()
        else:
            sub.resume(token)
        known = {
            each.id
            for each in self.feed.policies.states()
            if each.id in wanted.ids and not each.deleted
        }
        missing = sorted(
            each
            for each in wanted.ids
            if each not in known or not self.feed.policies.sees(self.caller, each)
        )
        if missing:
            absent = protocol.StatesNotFound(extra={"states": missing})
            self.say(protocol.error(absent, sub=frame.sub))
        self.dirty = True
        sub.follow()

    def _ack(self, frame: protocol.Ack) -> None:
        subscription = self._sub(frame.sub)
        rev = min(frame.rev, subscription.prev)
        found = self.window.ack(frame.sub, rev)
        if rev > subscription.acked:
            was_at, subscription.acked, self.dirty = self.acked, rev, True
            if found.entries:
                counts.acked(found.entries, time.monotonic() - found.at)
                self.pool.acknowledged(self, was_at)
        if self._parked_at is not None:
            self._parked_at = time.monotonic()
        self._wake_parked()
        if self._awaited:
            self._settle(subscription, rev)

    def _wake_parked(self) -> None:
        if self.window.is_open:
            for each in tuple(self.subs.values()):
                if each.is_parked:
                    each.follow()

    async def _pull(self, subscription: Subscription, limit: int) -> None:
        await subscription.pull(limit)

    # -- writes ---------------------------------------------------------------------------------------------------

    def _write(self, frame: protocol.Write) -> None:
        assert self.hello is not None
        try:
            writing.check(frame, self.hello.mode)
            if len(self._writes) >= protocol.MAX_WRITES:
                raise protocol.Busy
        except StarsError as refusal:
            self.say(protocol.error(refusal, op_id=frame.op_id))
            return
        self._writes.append(frame)
        if self._writing is None:
            self._writing = self._spawn(self._write_all())

    async def _write_all(self) -> None:
        try:
            while self._writes:
                assert self.caller is not None and self.who is not None
                frame = self._writes[0]
                answer = await self.pool.write(self.caller, self.who.user.pk, frame)
                self._writes.popleft()
                if answer.queued:
                    self._queued.add(frame.op_id)
                if (answer.problem or {}).get("conflict_type") or answer.conflict:
                    self.conflicts += 1
                    self.dirty = True
                self.say(answer)
        finally:
            self._writing = None

    async def _tell_outcomes(self) -> None:
        for op_id in tuple(self._queued):
            found = await in_thread(writing.outcome)(self.pool.manager, self.caller, op_id)  # type: ignore[arg-type]
            if found is not None and op_id in self._queued:
                self._queued.discard(op_id)
                self.say(found)

    # -- the server speaks (Sink) ---------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether the socket takes more now."""
        return self.outbox.is_open

    async def drained(self) -> None:
        """Wait until it does."""
        await self.outbox.drained()

    def say(self, frame: ServerFrame) -> None:
        """Send a frame."""
        self._put(protocol.encode(frame))

    def say_delta(self, subscription: Subscription, chunk: Chunk, *, synced: bool) -> None:
        """Send a delta and count it into the window."""
        number, reached = subscription.number, chunk.reached
        text = (
            f'{{"t":"delta","sub":{number},"prev":{subscription.prev},"rev":{reached},'
            f'"token":"{subscription.token(reached)}"{_SYNCED if synced else ""},'
            f'"entries":[{",".join(chunk.texts)}]}}'
        )
        self._put(text)
        count = len(chunk.texts)
        self.window.sent(number, reached, count, len(text), time.monotonic())
        counts.sent(count, len(text))

    def _put(self, text: str) -> None:
        if self._closing:
            return
        hello = self.hello
        if hello is not None and hello.compress and len(text) > protocol.COMPRESS_FROM:
            packed = zlib.compress(text.encode(), 1)
            self.outbox.put(packed, len(packed))
        else:
            self.outbox.put(text, len(text))

    def parked(self, subscription: Subscription) -> None:
        """It waits for acknowledgements."""
        if self._parked_at is None:
            self._parked_at = time.monotonic()
            counts.parked(+1)
        self.dirty = True

    def unparked(self, subscription: Subscription) -> None:
        """It goes on."""
        if self._parked_at is not None and not any(each.is_parked for each in self.subs.values()):
            self._parked_at = None
            counts.parked(-1)
        self.dirty = True

    def granted(self, subscription: Subscription, states: frozenset[str]) -> None:
        """These states were sent whole."""
        for each in self._awaited:
            if each.revision is None and each.state in states:
                each.revision = subscription.prev

    def was_reset(self, reason: ResetReason) -> None:
        """A subscription begins anew."""
        counts.reset(reason)

    def gone(self) -> None:
        """The space was removed, or cannot be followed."""
        self.bye(protocol.DENIED, "space_not_found")

    # -- sync tasks -----------------------------------------------------------------------------------------------

    def deliver(self, task: str, agent: str, state: str, *, full: bool, revision: int) -> None:
        """A sync task wants the client to have the state, as of that revision."""
        for each in self.subs.values():
            if each.reader.wanted.matches(state) and not each.pulled:
                self._awaited.append(_Awaited(task, agent, state, None if full else revision))
                if full:
                    each.give(state)
                self._settle(each, each.acked)
                return

    def _settle(self, subscription: Subscription, rev: int) -> None:
        wanted = subscription.reader.wanted
        done = [
            each
            for each in self._awaited
            if each.revision is not None and each.revision <= rev and wanted.matches(each.state)
        ]
        if done:
            self._awaited = [each for each in self._awaited if each not in done]
            for each in done:
                self._spawn(self.pool.task_acked(each.task, each.agent, rev))

    # -- time goes by ---------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Called by the pool about once a second, `now` monotonic."""
        if self._closing:
            return
        if self.opened is None:
            if now - self._began > protocol.HELLO_S:
                self.bye(protocol.BROKEN, "hello_first")
            return
        if self._parked_at is not None and now - self._parked_at > self.pool.parked_s:
            self.bye(protocol.SLOW, "slow")
            return
        if now - self._hb_at >= self.pool.hb_s:
            self._beat(now)
        expires = self.who.expires_at if self.who is not None else None
        if now - self._renewed > RENEW or (expires is not None and expires <= datetime.now(UTC)):
            self._renewed = now
            self._spawn(self.renew())
        if self._queued:
            self._spawn(self._tell_outcomes())

    def _beat(self, now: float) -> None:
        assert self.feed is not None
        self._missed = self._missed + 1 if self._answered < self._hb else 0
        if self._missed >= 2:
            self.bye(protocol.HEARTBEAT, "heartbeat")
            return
        self._hb += 1
        self._hb_at = now
        for each in self.subs.values():
            each.mark_if_moved()
        self.say(protocol.ServerHb(n=self._hb, head=self.feed.head))

    async def renew(self) -> None:
        """Read again who this is, and end or change what it may see."""
        try:
            assert self.who is not None
            who = await self.who.renewed()
            if who is None:
                self.bye(protocol.NOT_AUTHENTICATED, "not_authenticated")
                return
            self.who = who
            await self.review()
        except Exception:
            logger.exception("a subscriber cannot be looked up, trying again later")

    async def review(self) -> None:
        """Read again what it may do in the space."""
        try:
            caller = await self._identified()
        except StarsError as refusal:
            if refusal.status >= 500:
                raise
            self.bye(protocol.DENIED, refusal.reason)
            return
        if caller != self.caller:
            self.caller = caller
            for each in self.subs.values():
                each.reread(caller)

    def note(self) -> Note | None:
        """How the session stands, for its row; None before it is open."""
        if self.opened is None:
            return None
        self.dirty, conflicts, self.conflicts = False, self.conflicts, 0
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
            parked=self._parked_at is not None,
            conflicts=conflicts,
        )

    # -- the end --------------------------------------------------------------------------------------------------

    def bye(self, code: int, reason: str, *, retry_after_ms: int = 0) -> None:
        """Say with which tokens to come back, and close the socket with that code."""
        if self._closing:
            return
        found = {str(each.number): each.token() for each in self.subs.values() if each.acked}
        self.say(
            protocol.Bye(code=code, reason=reason, tokens=found, retry_after_ms=retry_after_ms)
        )
        self.ended = code in (protocol.SUPERSEDED,)
        self.error = reason if code in _FAULTS else ""
        self._stop()
        self._end(code)

    def close(self) -> None:
        """The socket has gone: give back what it held; idempotent."""
        self._stop()
        if self.feed is not None:
            self.feed.leave()
            self.feed = None
            self.pool.leave(self)

    def _stop(self) -> None:
        if not self._closing:
            self._closing = True
            self.last_note = self.note()
        for each in self.subs.values():
            each.close()
        for task in self._tasks:
            task.cancel()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


_SYNCED: Final = ',"synced":true'
#: Ends of a socket after which its session is not resumed by itself.
_FAULTS: Final = frozenset({protocol.BROKEN, protocol.NOT_AUTHENTICATED, protocol.DENIED})
