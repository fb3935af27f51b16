"""The live socket, `/ws/v1/live/` (docs/live.md): says who it is once, then follows any number of topics.

Channels gives it routing and its life; what it follows comes from `groups.viewing` and the hub, no channel layer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from channels.generic.websocket import AsyncWebsocketConsumer

from groups import access, live, selectors
from groups.errors import GroupNotFound, RunNotFound
from groups.viewing import protocol
from groups.viewing.identity import Identity, identify
from groups.viewing.outbox import Frame, Outbox, writable_of
from groups.viewing.reading import in_thread
from groups.viewing.rooms import CONFIRM, Seat, rooms
from state.errors import NotFound, StarsError
from state.fanout import Outgoing, Subscription, hub

logger = logging.getLogger(__name__)

#: Seconds after which session, user and access are read again at the latest.
RENEW: Final = 60.0
#: What a group's poke says when somebody's access to it may have changed.
_ACCESS_POKES: Final = frozenset({"access", "group"})


class _Poke(msgspec.Struct):
    what: str
    group: str = ""


@dataclass
class _Followed:
    """A topic that this socket follows."""

    topic: str
    #: The group whose access lets it; empty for the dashboard.
    group_id: str
    #: Whether `hello` was said; nothing comes before it.
    greeted: bool = False
    seat: Seat | None = None
    poked: Subscription | None = None

    @property
    def not_found(self) -> NotFound:
        return RunNotFound() if self.topic.startswith("run:") else GroupNotFound()

    def close(self) -> None:
        if self.seat is not None:
            self.seat.close()
        if self.poked is not None:
            self.poked.close()


class LiveConsumer(AsyncWebsocketConsumer):
    """One socket. All its state belongs to its event loop."""

    who: Identity | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.outbox = Outbox(writable_of(scope))
        self.allowance = protocol.Allowance()
        self.followed: dict[str, _Followed] = {}
        #: Groups that the dashboard topic tells of; None while it is not followed.
        self.visible: frozenset[str] | None = None
        #: One ear per group whose runs are followed, for changes of access.
        self.watched: dict[str, Subscription] = {}
        #: Groups of which nothing is told until access to them has been read again.
        self.suspects: set[str] = set()
        #: Pokes that wait until a slow client has caught up.
        self.held: dict[tuple[str, ...], str] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()

    async def connect(self) -> None:
        """Accept, for a browser learns a close code only of an accepted socket; nobody is then closed with 4401."""
        session = self.scope.get("session")
        self.who = await identify(self.scope["headers"], getattr(session, "session_key", None))
        await self.accept()
        if self.who is None:
            await self.close(protocol.NOT_AUTHENTICATED)
            return
        self._spawn(self._write())
        self._spawn(self._renew())

    async def disconnect(self, code: int) -> None:
        """The other end has gone."""
        self._leave()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer one frame of the client."""
        if self.who is None:
            return
        if not self.allowance.take():
            await self._end(protocol.FLOOD)
            return
        topic: str | None = None
        try:
            frame = protocol.parse(text_data)
            if isinstance(frame, protocol.Ping):
                self._say(protocol.pong())
                return
            topic = frame.topic
            if isinstance(frame, protocol.Subscribe):
                await self._subscribe(topic, frame.after)
            else:
                self._drop(topic)
                self._say(protocol.unsubscribed(topic))
        except StarsError as refusal:
            self._say(protocol.error(refusal, topic))
        except Exception:
            logger.exception("a frame was not answered")
            self._say(
                protocol.error(StarsError("Stars could not answer this; its log says why."), topic)
            )

    # --- topics ---

    async def _subscribe(self, topic: str, after: int) -> None:
        kind, name = protocol.parse_topic(topic)
        self._drop(topic)
        if len(self.followed) >= protocol.MAX_TOPICS:
            raise protocol.TooManyTopics
        if kind == "run":
            await self._follow_run(topic, name, after)
        else:
            await self._follow_pokes(topic, name)

    async def _follow_run(self, topic: str, name: str, after: int) -> None:
        run = await in_thread(access.get_run)(self._actor, name)
        if str(run.id) != name:
            raise RunNotFound
        followed = self.followed[topic] = _Followed(topic, run.group_id)
        try:
            await self._watch(run.group_id)
            seat = await rooms().sit(run.id, self.outbox, after, lambda: self._refuse(followed))
            if self.followed.get(topic) is not followed:  # the socket was closed meanwhile
                seat.close()
                return
            followed.seat = seat
            # Read again: since the first look and before the watch, access or the run may have changed.
            run = await in_thread(access.get_run)(self._actor, name)
            if after > run.last_seq:
                raise protocol.BadAfter
        except BaseException:
            self._drop(topic)
            raise
        self._greet(
            followed, seq=run.last_seq, last_seq=run.last_seq, status=run.status, after=after
        )

    async def _follow_pokes(self, topic: str, name: str) -> None:
        if name:
            await in_thread(access.get_group)(self._actor, name)
        followed = self.followed[topic] = _Followed(topic, name)
        try:
            followed.poked = self._hear(topic, self._pass_on(followed))
            await self._in_force(followed.poked)
            if name:
                await self._watch(name)
                await in_thread(access.get_group)(self._actor, name)
            else:
                self.visible = await self._visible_groups()
        except BaseException:
            self._drop(topic)
            raise
        self._greet(followed, seq=0)

    def _greet(self, followed: _Followed, **fields: Any) -> None:
        if self.followed.get(followed.topic) is followed:
            self._say(protocol.hello(followed.topic, **fields))
            followed.greeted = True
            if followed.seat is not None and followed.group_id not in self.suspects:
                followed.seat.follow()

    def _pass_on(self, followed: _Followed) -> Callable[[Outgoing], None]:
        def hear(message: Outgoing) -> None:
            poke = msgspec.json.decode(message.payload, type=_Poke)
            if followed.group_id:
                if followed.group_id not in self.suspects:
                    self._tell(message, poke)
            elif poke.group and poke.what in _ACCESS_POKES:
                # It may be a new group, or one that the user was just let into or put out of.
                self._spawn(self._look_around(message, poke))
            elif not poke.group or poke.group in (self.visible or ()):
                self._tell(message, poke)

        return hear

    async def _look_around(self, message: Outgoing, poke: _Poke) -> None:
        visible = await self._visible_groups()
        if self.visible is not None:
            before, self.visible = self.visible, visible
            if poke.group in visible or poke.group in before:
                self._tell(message, poke)

    def _hear(self, topic: str, listener: Callable[[Outgoing], None]) -> Subscription:
        return hub().subscribe(topic, listener, loop=asyncio.get_running_loop())

    async def _in_force(self, subscription: Subscription) -> None:
        # Without Redis go on after a while: pokes are lost until it is back, and access is renewed by the clock.
        await asyncio.wait([asyncio.wrap_future(subscription.ready)], timeout=CONFIRM)

    async def _watch(self, group_id: str) -> None:
        def hear(message: Outgoing) -> None:
            if msgspec.json.decode(message.payload, type=_Poke).what in _ACCESS_POKES:
                self._suspect(group_id)

        if group_id not in self.watched:
            self.watched[group_id] = self._hear(live.group_topic(group_id), hear)
        await self._in_force(self.watched[group_id])

    def _drop(self, topic: str) -> None:
        followed = self.followed.pop(topic, None)
        if followed is None:
            return
        followed.close()
        if topic == live.DASHBOARD:
            self.visible = None
        if not any(each.group_id == followed.group_id for each in self.followed.values()):
            watch = self.watched.pop(followed.group_id, None)
            if watch is not None:
                watch.close()

    def _refuse(self, followed: _Followed) -> None:
        """What was followed is there no more, or not for this user."""
        if self.followed.get(followed.topic) is followed:
            self._drop(followed.topic)
            self._say(protocol.error(followed.not_found, followed.topic))

    # --- access, for as long as the socket lives ---

    @property
    def _actor(self) -> access.Actor:
        if self.who is None:
            raise RunNotFound
        return self.who.user

    def _suspect(self, group_id: str) -> None:
        """Nothing more of this group until access to it has been read again; places in the logs are kept."""
        for followed in self.followed.values():
            if followed.group_id == group_id and followed.seat is not None:
                followed.seat.pause()
        if group_id not in self.suspects:
            self.suspects.add(group_id)
            self._spawn(self._clear(group_id))

    async def _clear(self, group_id: str) -> None:
        while True:
            try:
                level = await in_thread(access.level_in)(self._actor, group_id)
                break
            except Exception:
                logger.exception("access to a group cannot be read, trying again")
                await asyncio.sleep(1.0)
        self.suspects.discard(group_id)
        for followed in [each for each in self.followed.values() if each.group_id == group_id]:
            if level is None:
                self._refuse(followed)
            elif followed.seat is not None and followed.greeted:
                followed.seat.follow()

    async def _renew(self) -> None:
        while self.who is not None:
            await asyncio.sleep(RENEW)
            try:
                who = await self.who.renewed()
                if who is None:
                    active = await in_thread(self._is_active)()
                    await self._end(protocol.NOT_AUTHENTICATED if active else protocol.DEACTIVATED)
                    return
                self.who = who
                if self.visible is not None:
                    self.visible = await self._visible_groups()
            except Exception:
                logger.exception("a viewer's session cannot be read, trying again")
                continue
            for group_id in {each.group_id for each in self.followed.values() if each.group_id}:
                self._suspect(group_id)

    def _is_active(self) -> bool:
        user = self.who.user if self.who else None
        return user is not None and type(user).objects.filter(pk=user.pk, is_active=True).exists()

    async def _visible_groups(self) -> frozenset[str]:
        return await in_thread(selectors.visible_group_ids)(self._actor)

    # --- writing ---

    def _say(self, text: str) -> None:
        self.outbox.put(text, len(text))

    def _tell(self, message: Outgoing, poke: _Poke) -> None:
        """Pass a poke on; for a slow client only the last one of each kind is kept until it has caught up."""
        if self.outbox.is_open and not self.held:
            self._say(message.payload.decode())
            return
        if not self.held:
            self._spawn(self._tell_later())
        self.held[message.topic, poke.what, poke.group] = message.payload.decode()

    async def _tell_later(self) -> None:
        await self.outbox.drained()
        held, self.held = self.held, {}
        for text in held.values():
            self._say(text)

    async def _write(self) -> None:
        while True:
            item: Frame | str = await self.outbox.get()
            text = item if isinstance(item, str) else item.text
            await self.base_send({"type": "websocket.send", "text": text})

    async def _end(self, code: int) -> None:
        self.who = None
        self._leave()
        await self.close(code)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _leave(self) -> None:
        """Give back everything that this socket holds; idempotent."""
        for followed in self.followed.values():
            followed.close()
        self.followed.clear()
        for subscription in self.watched.values():
            subscription.close()
        self.watched.clear()
        for task in tuple(self.tasks):
            if task is not asyncio.current_task():
                task.cancel()
