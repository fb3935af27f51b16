"""The client of a space: subscribe to states, write them, edit them until it fits. See docs/connect-an-agent.md."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from state import jsonvalue
from state.errors import Invalid
from state.sync.client import checking, editing, replicas
from state.sync.client.backoff import Backoff
from state.sync.client.connection import Connection, Lost, address
from state.sync.client.link import Link
from state.sync.client.outbox import Answer, OwnWrite
from state.sync.client.refusals import NotConnected, NotSubscribed
from state.sync.client.store import Store, key_of
from state.sync.client.subscription import Mode, Subscription
from state.sync.client.values import State, Written
from state.sync.filters import filter_of
from state.sync.protocol import (
    PROTO,
    SILENCE,
    Creation,
    Hello,
    PushOnly,
    Write,
)
from state.values import ConnectionStatus, ConnectionType, Json, Operation, OperationType

logger = logging.getLogger(__name__)

#: A version, the one that this client's replica holds, or none: whatever stands there.
Base: TypeAlias = int | Literal["seen"] | None
Reads: TypeAlias = Iterable[str] | Literal["auto"] | None


class StarsClient:
    """One agent's (or person's) connection to one space, kept up across all breaks, with replicas of its states.

    All methods belong to the event loop that entered it. What a server refuses for good (an unknown token, a space that
    may not be entered, another connection in its place) ends it: then everything raises that refusal.
    """

    def __init__(
        self,
        url: str,
        *,
        space: str,
        agent: str = "",
        token: str | Callable[[], str] = "",
        name: str = "",
        mode: ConnectionType | str = ConnectionType.BIDIRECTIONAL,
        exclusive: bool = False,
        compress: bool = False,
        verify: bool = True,
        store: Path | str | None = None,
        offline: bool = False,
        connect_timeout: float | None = 30.0,
        silence: float = SILENCE,
        backoff: Backoff | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """`url`: of the site, like "ws://127.0.0.1:8000". `agent`: the member in whose name it acts ("": the person
        whose token it is). `token`: an API token, or what gives one before each connection (where it raises, that
        attempt failed; one that is refused is asked for once more). `name` tells connections
        of one agent apart; `exclusive` ends others of this agent and name. `verify`: hold states against their hashes.
        `store`: a directory of its own, from which a restarted process goes on. `offline`: do not wait for the server
        at the start, `connect_timeout` seconds otherwise. `options`: for `websockets.connect`, like `ssl`.

        Raises Invalid; with `store`, ForeignStore and OSError.
        """
        self.url = address(url, space)
        self.space, self.name = space, name
        self.mode = ConnectionType(mode)
        self._verify, self._offline, self._timeout = verify, offline, connect_timeout
        kept = Store(Path(store), space, agent) if store is not None else None
        self._saved = kept.kept.replicas if kept else {}

        def current() -> str:
            if isinstance(token, str):
                return token
            try:
                return token()
            except Exception as error:  # the user's own
                logger.warning("stars: no token could be had: %r", error)
                raise Lost(f"no token could be had: {error!r}") from error

        def hello(session: str | None) -> Hello:
            return Hello(
                proto=PROTO,
                agent=agent,
                name=name,
                mode=self.mode,
                session=session,
                token_auth=current(),
                exclusive=exclusive,
                compress="deflate" if compress else "",
            )

        async def dial() -> Connection:
            return await Connection.open(self.url, silence=silence, options=options)

        renews = not isinstance(token, str)
        self._link = Link(dial, hello, renews=renews, store=kept, backoff=backoff)
        self._numbers = 0
        self._editing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    # -- coming and going --------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Connect. Raises NotConnected in the end, or what the server refuses."""
        self._link.start()
        if not self._offline:
            try:
                await self.connected(timeout=self._timeout)
            except BaseException:
                await self.close()
                raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.close()

    async def connected(self, *, timeout: float | None = None) -> None:
        """Wait until it is. Raises NotConnected after `timeout` seconds, or what the server refuses."""
        try:
            async with asyncio.timeout(timeout):
                await self._link.connected.wait()
        except TimeoutError:
            raise NotConnected(extra={"trouble": self._link.trouble}) from None
        if self._link.failure is not None:
            raise self._link.failure

    async def close(self) -> None:
        """End the connection; idempotent. Writes without an answer raise ClientClosed, and stay in the store."""
        await self._link.stop()

    # -- how it stands -----------------------------------------------------------------------------

    @property
    def status(self) -> ConnectionStatus:
        """Where the connection stands."""
        return self._link.status

    @property
    def agent(self) -> str:
        """Who the server says this is, a principal like "agent:worker-1"; "" before the first connection."""
        return self._link.agent

    @property
    def session(self) -> str | None:
        """What the server knows this connection by, across sockets."""
        return self._link.session

    @property
    def trouble(self) -> str:
        """Why the last connection ended; "" while connected."""
        return self._link.trouble

    @property
    def lag(self) -> int:
        """Revisions of the space that the furthest replica is behind, at most: a quiet one hears of its place
        every 15 s only."""
        places = [each.revision for each in self._link.subscriptions.values()]
        return max(0, self._link.head - min(places, default=self._link.head))

    @property
    def writes(self) -> tuple[OwnWrite, ...]:
        """Own writes that are not at their end, in their order."""
        return self._link.posting.outbox.writes()

    @property
    def unclaimed(self) -> tuple[Answer, ...]:
        """What became of writes that nobody here waited for, as those of an earlier process; the last 1,000."""
        return tuple(self._link.posting.unclaimed)

    # -- reading -----------------------------------------------------------------------------------

    async def subscribe(
        self, *states: str, mode: Mode = "all", timeout: float | None = None
    ) -> Subscription:
        """Follow states by id, or by prefix ("notes/*", "*"), and wait until all they hold is here.

        `mode` "latest" gives several changes of a state as one where the server has them at once. With a `store`, and
        `offline`, it does not wait when there is something from before. Raises BadPattern, what the server refuses,
        and TimeoutError after `timeout` seconds.
        """
        patterns = filter_of(states).patterns
        if not patterns:
            raise Invalid("Name a state, or a prefix such as “notes/*”.")
        self._numbers += 1
        saved = self._saved.get(key_of(patterns, mode))
        found = Subscription(self, self._numbers, patterns, mode, saved, verify=self._verify)
        self._link.begin(found)
        try:
            if self.mode is ConnectionType.PULL:
                while not await self._pull(found, 1000, timeout):
                    pass
            elif saved is None or not self._offline:
                await found.until(lambda: found.synced, timeout)
        except BaseException:
            await self._unsubscribe(found)
            raise
        return found

    # -- writing -----------------------------------------------------------------------------------

    async def write(
        self,
        state: str,
        ops: Iterable[Operation | Mapping[str, Json]] = (),
        *,
        base: Base = "seen",
        uid: str | None = None,
        reads: Reads = None,
        read_mode: Literal["value", "version"] = "value",
        after: Sequence[str] | None = None,
        resolution: str | None = None,
        note: Mapping[str, Json] | None = None,
        create: Creation | None = None,
        op_id: str | None = None,
        settled: bool = False,
        visible: bool = True,
    ) -> Written:
        """Queue operations on a state and wait for the answer, however often the connection breaks in between.

        `base`: see Base; with "seen", own writes that are not yet in the replica count as seen (`after`). `reads`:
        paths that the decision was made upon. `settled`: of an eventual state, wait for what becomes of it, not for the
        journal only. `visible`: return when replicas here show it, 5 s at most. Raises what the server refuses, as the
        classes of `state.refusals` (Conflicting: `extra` says with what); to cancel the call does not take the write
        back.
        """
        if self.mode is ConnectionType.PUSH:
            raise PushOnly
        seen = self._held(state) if base == "seen" else None
        number = seen.version if seen is not None else base if isinstance(base, int) else None
        operations = checking.operations(ops)
        write = Write(
            op_id=op_id or uuid.uuid4().hex,
            state=state,
            base=number,
            uid=seen.uid if seen is not None else uid,
            reads=reads if reads is None or reads == "auto" else tuple(reads),
            read_mode=read_mode,
            ops=operations,
            after=tuple(after)
            if after is not None
            else self._link.posting.outbox.after(state, number)
            if number is not None
            else (),
            resolution=resolution,
            note=dict(note or {}),
            create=create,
        )
        checking.check(write)
        written = await self._link.write(write, settled=settled)
        pulls = self.mode is ConnectionType.PULL
        if visible and written.changed and written.revision and not pulls:
            await replicas.shown(self._link.subscriptions.values(), written)
        return written

    async def set(self, state: str, values: Mapping[str, Json], **how: Any) -> Written:
        """Set what stands at paths, all or nothing: `set("plan", {"/done": 3, "owner": "ada"})`; a bare key is a path's
        first part. `how`: as `write`."""
        ops = [
            Operation(OperationType.SET, jsonvalue.seed_key(path), value)
            for path, value in values.items()
        ]
        return await self.write(state, ops, **how)

    async def create(
        self,
        state: str,
        data: Mapping[str, Json] | None = None,
        *,
        type: str = "",
        name: str = "",
        settings: Mapping[str, Json] | None = None,
        **how: Any,
    ) -> Written:
        """Make a state. Raises StateExists."""
        made = Creation(data=dict(data or {}), type=type, name=name, settings=dict(settings or {}))
        return await self.write(state, create=made, base=None, **how)

    async def delete(self, state: str, **how: Any) -> Written:
        """Delete a state, as this client sees it."""
        return await self.write(state, [Operation(OperationType.DELETE)], **how)

    async def edit(
        self,
        state: str,
        change: editing.Change,
        *,
        attempts: int = 10,
        reads: Reads = None,
        **how: Any,
    ) -> Written:
        """Change a copy of the state's data by a function, and write what differs upon the version it was given.

        `change(data)` changes `data`, or returns other data. When others were quicker on the same paths, it is called
        again with the document as it then stands, up to `attempts` times with pauses. What it changes is as it saw it
        when that is written; name in `reads` what else it depends on, "auto" being all of the document. Edits of one
        state by one client follow each other. `how`: as `write`. Raises NotSubscribed, in the end Conflicting, and what
        `write` raises.
        """
        async with self._editing[state]:
            seen = self._held(state)
            if seen is None:
                raise NotSubscribed(extra={"state": state})

            async def write(ops: Sequence[Operation], base: State) -> Written:
                # Of two who make the same of the same, one has to see what the other made: counting is such a case.
                wanted = reads if reads == "auto" else {*(reads or ()), *(op.path for op in ops)}
                return await self.write(
                    state,
                    ops,
                    base=base.version,
                    uid=base.uid,
                    after=(),
                    reads=wanted if wanted == "auto" else sorted(wanted),
                    **how,
                )

            async def fresher(than: State) -> State | None:
                return await replicas.fresher(self._link.subscriptions.values(), than)

            return await editing.edit(seen, change, write, fresher, attempts)

    # -- within ------------------------------------------------------------------------------------

    def _held(self, state: str) -> State | None:
        return replicas.held(self._link.subscriptions.values(), state)

    async def _pull(
        self, subscription: Subscription, limit: int, timeout: float | None = None
    ) -> bool:
        marks = subscription.replica.marks
        self._link.pull(subscription, limit)
        await subscription.until(lambda: subscription.replica.marks > marks, timeout)
        return subscription.synced

    async def _unsubscribe(self, subscription: Subscription) -> None:
        subscription.end()
        self._link.leave(subscription)

    def _resume(self, subscription: Subscription) -> None:
        self._link.resume(subscription)
