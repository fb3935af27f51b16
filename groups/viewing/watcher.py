"""Everything one live socket follows, and whether its user still may. Knows nothing of websockets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from django.contrib.auth.models import User

from groups import access, live, selectors
from groups.errors import GroupNotFound, RunNotFound
from groups.identity import Identity, may, must_have
from groups.models import Level, Scope
from groups.services.inputs import is_id
from groups.spaces import GroupDirectory
from groups.viewing import protocol
from groups.viewing.rooms import AGAIN, CONFIRM, Seat, rooms
from state.errors import NotFound
from state.fanout import Outgoing, Subscription, hub
from state.fanout.outbox import Outbox
from state.manager import GLOBAL_SPACE
from state.refusals import SpaceNotFound
from state.threads import in_thread

logger = logging.getLogger(__name__)

#: Seconds after which session, user and access are read again at the latest.
RENEW: Final = 60.0
#: What a group's poke says when somebody's access to it may have changed.
_ACCESS_POKES: Final = frozenset({"access", "group"})
#: Everything a poke may say.
_POKES: Final = ("group", "members", "messages", "runs", "agents")
#: And what is said of a space of shared states.
_STATES: Final = "states"


class _Poke(msgspec.Struct):
    what: str
    group: str = ""


@dataclass
class _Followed:
    """A topic that this socket follows."""

    topic: str
    #: The group whose access lets it; empty for the dashboard and for the states of the whole installation.
    group_id: str
    #: Of a space: whether all of its states may be named, not only said to have changed.
    names: bool = False
    #: Whether `hello` was said; nothing comes before it.
    greeted: bool = False
    seat: Seat | None = None
    poked: Subscription | None = None
    #: Pokes, the last of each kind, heard while access was being read again.
    waiting: dict[str, tuple[Outgoing, _Poke]] = field(default_factory=dict)

    @property
    def not_found(self) -> NotFound:
        if self.is_space:
            return SpaceNotFound()
        return RunNotFound() if self.topic.startswith("run:") else GroupNotFound()

    @property
    def is_space(self) -> bool:
        return self.topic.startswith("space:")

    def close(self) -> None:
        if self.seat is not None:
            self.seat.close()
        if self.poked is not None:
            self.poked.close()


class Watcher:
    """One signed-in viewer's topics. All its state belongs to the event loop that made it."""

    def __init__(
        self, who: Identity, outbox: Outbox, end: Callable[[int], Awaitable[None]]
    ) -> None:
        """`end` closes the socket with that code, once the user may watch nothing any more."""
        self.who = who
        self.outbox = outbox
        self._end = end
        self.followed: dict[str, _Followed] = {}
        #: Groups that the dashboard topic tells of; None while it is not followed.
        self.visible: frozenset[str] | None = None
        #: One ear per group of what is followed, for changes of access.
        self.watched: dict[str, Subscription] = {}
        #: Groups of which nothing is told until access to them has been read again, and how often that was asked for.
        self.suspects: dict[str, int] = {}
        #: Pokes that wait until a slow client has caught up.
        self.held: dict[tuple[str, ...], str] = {}
        #: One look at the visible groups at a time, so that an older answer never takes a newer one's place.
        self._looking = asyncio.Lock()
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._spawn(self._renew())

    def say(self, text: str) -> None:
        """Send a frame."""
        self.outbox.put(text, len(text))

    def close(self) -> None:
        """Give back everything that this socket holds; idempotent."""
        self._closed = True
        for followed in self.followed.values():
            followed.close()
        self.followed.clear()
        for subscription in self.watched.values():
            subscription.close()
        self.watched.clear()
        for task in tuple(self._tasks):
            if task is not asyncio.current_task():
                task.cancel()

    async def subscribe(self, topic: str, after: int) -> None:
        """Follow the topic from the event after that number, instead of what was followed of it before.

        Raises UnknownTopic, ScopeMissing, NotFound, BadAfter, TooManyTopics; the topic is then not followed.
        """
        kind, name = protocol.parse_topic(topic)
        must_have(self._actor, Scope.READ)
        self.drop(topic)
        if len(self.followed) >= protocol.MAX_TOPICS:
            raise protocol.TooManyTopics
        try:
            if kind == "run":
                await self._follow_run(topic, name, after)
            elif kind == "space":
                await self._follow_space(topic, name)
            else:
                await self._follow_pokes(topic, name)
        finally:
            if self._closed:  # meanwhile
                self.close()

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
            self.drop(topic)
            raise
        self._greet(
            followed, seq=run.last_seq, last_seq=run.last_seq, status=run.status, after=after
        )

    async def _follow_pokes(self, topic: str, name: str) -> None:
        if name and not is_id(name):  # nor may PostgreSQL be asked for text with NUL in it
            raise GroupNotFound
        if name:
            await in_thread(access.get_group)(self._actor, name)
        followed = self.followed[topic] = _Followed(topic, name)
        try:
            hear = self._pass_on(followed)
            followed.poked = self._hear(topic, hear, lambda: self._after_silence(topic, hear))
            await self._in_force(followed.poked)
            if name:
                await self._watch(name)
                await in_thread(access.get_group)(self._actor, name)
            else:
                async with self._looking:
                    self.visible = await self._visible_groups()
        except BaseException:
            self.drop(topic)
            raise
        self._greet(followed, seq=0)

    async def _follow_space(self, topic: str, name: str) -> None:
        """Pokes about shared states. Who may see the space is the directory's to say."""
        caller = await in_thread(GroupDirectory().caller)(self._actor, name)
        group_id = "" if name == GLOBAL_SPACE else name
        followed = self.followed[topic] = _Followed(topic, group_id, names=caller.admin)
        try:
            hear = self._pass_on_states(followed)
            followed.poked = self._hear(
                topic, hear, lambda: hear(Outgoing(topic, live.poke_frame(topic, _STATES)))
            )
            await self._in_force(followed.poked)
            if group_id:
                await self._watch(group_id)
            caller = await in_thread(GroupDirectory().caller)(self._actor, name)
            followed.names = caller.admin
        except BaseException:
            self.drop(topic)
            raise
        self._greet(followed, seq=0)

    def _pass_on_states(self, followed: _Followed) -> Callable[[Outgoing], None]:
        poke = _Poke(_STATES)

        def hear(message: Outgoing) -> None:
            # Nobody learns the id of a state that they may not read; and where several pokes become one while they
            # wait, it tells of none of their states by name.
            waits = followed.group_id in self.suspects or bool(self.held)
            if waits or not followed.names:
                message = Outgoing(followed.topic, live.poke_frame(followed.topic, _STATES))
            if followed.group_id in self.suspects:
                followed.waiting[poke.what] = message, poke
            else:
                self._tell(message, poke)

        return hear

    def _greet(self, followed: _Followed, **fields: Any) -> None:
        if self.followed.get(followed.topic) is followed:
            self.say(protocol.hello(followed.topic, **fields))
            followed.greeted = True
            if followed.seat is not None and followed.group_id not in self.suspects:
                followed.seat.follow()

    def _pass_on(self, followed: _Followed) -> Callable[[Outgoing], None]:
        def hear(message: Outgoing) -> None:
            poke = msgspec.json.decode(message.payload, type=_Poke)
            if followed.group_id:
                if poke.what in _ACCESS_POKES:
                    self._suspect(followed.group_id)
                if followed.group_id in self.suspects:
                    followed.waiting[poke.what] = message, poke
                else:
                    self._tell(message, poke)
            elif poke.group and poke.what in _ACCESS_POKES:
                # It may be a new group, or one that the user was just let into or put out of.
                self._spawn(self._look_around(message, poke))
            elif not poke.group or poke.group in (self.visible or ()):
                self._tell(message, poke)

        return hear

    async def _look_around(self, message: Outgoing, poke: _Poke) -> None:
        async with self._looking:
            visible = await self._visible_groups()
            if self.visible is None:
                return
            before, self.visible = self.visible, visible
        if poke.group in visible or poke.group in before:
            self._tell(message, poke)

    def _after_silence(self, topic: str, hear: Callable[[Outgoing], None]) -> None:
        """Redis is back, and nobody knows what was said meanwhile: look at everything again."""
        for what in _POKES:
            hear(Outgoing(topic, live.poke_frame(topic, what)))

    def _hear(
        self, topic: str, listener: Callable[[Outgoing], None], resync: Callable[[], None]
    ) -> Subscription:
        return hub().subscribe(topic, listener, loop=asyncio.get_running_loop(), resync=resync)

    async def _in_force(self, subscription: Subscription) -> None:
        # Without Redis go on after a while: pokes are lost until it is back, and access is renewed by the clock.
        await asyncio.wait([asyncio.wrap_future(subscription.ready)], timeout=CONFIRM)

    async def _watch(self, group_id: str) -> None:
        def hear(message: Outgoing) -> None:
            if msgspec.json.decode(message.payload, type=_Poke).what in _ACCESS_POKES:
                self._suspect(group_id)

        if group_id not in self.watched:
            topic = live.group_topic(group_id)
            self.watched[group_id] = self._hear(topic, hear, lambda: self._suspect(group_id))
        await self._in_force(self.watched[group_id])

    def drop(self, topic: str) -> None:
        """Follow the topic no more, if it is followed."""
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
            self.drop(followed.topic)
            self.say(protocol.error(followed.not_found, followed.topic))

    # --- access, for as long as the socket lives ---

    @property
    def _actor(self) -> access.Actor:
        return self.who.user

    def _suspect(self, group_id: str) -> None:
        """Nothing more of this group until access to it has been read again; places in the logs are kept."""
        for followed in self.followed.values():
            if followed.group_id == group_id and followed.seat is not None:
                followed.seat.pause()
        asked = self.suspects.get(group_id, 0)
        self.suspects[group_id] = asked + 1
        if not asked:
            self._spawn(self._clear(group_id))

    async def _clear(self, group_id: str) -> None:
        while True:
            asked = self.suspects[group_id]
            try:
                level = await in_thread(access.level_in)(self._actor, group_id)
            except Exception:
                logger.exception("access to a group cannot be read, trying again")
                await asyncio.sleep(AGAIN)
                continue
            # Asked again meanwhile: this answer may be older than the change that was told of.
            if self.suspects[group_id] == asked:
                break
        del self.suspects[group_id]
        for followed in [each for each in self.followed.values() if each.group_id == group_id]:
            waiting, followed.waiting = followed.waiting, {}
            if level is None:
                self._refuse(followed)
                continue
            owns = level == Level.OWNER and may(self._actor, Scope.STATE)
            followed.names = followed.is_space and owns
            if followed.seat is not None and followed.greeted:
                followed.seat.follow()
            for message, poke in waiting.values():
                self._tell(message, poke)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW)
            try:
                who = await self.who.renewed()
                if who is None:
                    active = await in_thread(self._is_active)()
                    await self._end(protocol.NOT_AUTHENTICATED if active else protocol.DEACTIVATED)
                    return
                self.who = who
                for followed in self.followed.values():
                    if followed.is_space and not followed.group_id:
                        followed.names = who.user.is_superuser and may(who.user, Scope.STATE)
                async with self._looking:
                    if self.visible is not None:
                        self.visible = await self._visible_groups()
            except Exception:
                logger.exception("a viewer's session cannot be read, trying again")
                continue
            for group_id in {each.group_id for each in self.followed.values() if each.group_id}:
                self._suspect(group_id)

    def _is_active(self) -> bool:
        return User.objects.filter(pk=self.who.user.pk, is_active=True).exists()

    async def _visible_groups(self) -> frozenset[str]:
        return await in_thread(selectors.visible_group_ids)(self._actor)

    # --- pokes and tasks ---

    def _tell(self, message: Outgoing, poke: _Poke) -> None:
        """Pass a poke on; for a slow client only the last one of each kind is kept until it has caught up."""
        if self.outbox.is_open and not self.held:
            self.say(message.payload.decode())
            return
        if not self.held:
            self._spawn(self._tell_later())
        self.held[message.topic, poke.what, poke.group] = message.payload.decode()

    async def _tell_later(self) -> None:
        await self.outbox.drained()
        held, self.held = self.held, {}
        for text in held.values():
            self.say(text)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
