"""The seed's Stars API as a Python facade over the services, for scripts, notebooks and tests."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile

from groups import access, live, selectors
from groups.access import Actor
from groups.events import (
    RUN_END_TYPES,
    RunCancelled,
    RunCompleted,
    RunFailed,
    TextDelta,
    ToolFinished,
    ToolStarted,
)
from groups.models import Group, Role, RunEvent
from groups.models.messages import SYSTEM
from groups.services import groups as group_service
from groups.services import membership, messaging, runs
from state import fanout
from state.errors import StarsError

#: The seed's names of event types; every other type keeps ours.
SEED_TYPES: Final = {
    TextDelta.TYPE: "text_chunk",
    ToolStarted.TYPE: "tool_start",
    ToolFinished.TYPE: "tool_end",
    RunCompleted.TYPE: "done",
}
#: Where the one text of an event's data stands, in the order of preference.
_TEXTS: Final = (
    *("text", "result", "error", "question", "reason"),
    *("summary", "title", "tool", "task"),
)
#: Seconds after which the log is read again although no word of it came.
_LOOK_AGAIN: Final = 0.5


class RunUnsuccessful(StarsError):
    """The run ended without a result."""

    reason = "run_unsuccessful"
    status = 409


@dataclass(frozen=True)
class Event:
    """The seed's Event: who said what, when. `content` is text; empty where the type says it all."""

    agent_id: str
    type: str
    content: str
    time: datetime


@dataclass(frozen=True)
class Member:
    """The seed's Member."""

    agent_id: str
    role: Role
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Message:
    """The seed's Message; `to` is empty for a broadcast."""

    from_: str
    to: str
    text: str
    time: datetime


class Stars:
    """A group (群星): one leader, any number of workers, messages and runs.

    Agents must be registered (`services.agents.register`, the seed's Cosmos). Each call is one service or selector.
    """

    def __init__(self, group: Group, *, actor: Actor = None) -> None:
        self._group = group
        self._actor = actor
        #: The id of the run that `run` started last.
        self.last_run_id: uuid.UUID | None = None

    @classmethod
    def create(cls, name: str, *, group_id: str | None = None, actor: Actor = None) -> Stars:
        """The seed's New. Raises Invalid, GroupExists."""
        return cls(group_service.create(actor=actor, name=name, group_id=group_id), actor=actor)

    @classmethod
    def open(cls, group_id: str, *, actor: Actor = None) -> Stars:
        """A group that exists. Raises GroupNotFound."""
        return cls(access.get_group(actor, group_id), actor=actor)

    def id(self) -> str:
        """The group's id."""
        return self._group.id

    def name(self) -> str:
        """The group's name."""
        return self._group.name

    def size(self) -> int:
        """How many members there are now."""
        return self._group.members.count()

    def join(
        self, agent_id: str, role: Role | str = Role.WORKER, tags: Sequence[str] = ()
    ) -> Member:
        """Add a member. Raises AgentNotFound, AlreadyAMember, LeaderExists, Invalid."""
        member = membership.join(
            actor=self._actor, group=self._group, agent_id=agent_id, role=role, tags=tags
        )
        return Member(agent_id, Role(member.role), tuple(member.tags))

    def leave(self, agent_id: str) -> None:
        """Remove a member. Raises NotAMember, LeaderBusy."""
        membership.leave(actor=self._actor, group=self._group, agent_id=agent_id)

    def members(self) -> list[Member]:
        """All members, the leader first."""
        return [
            Member(member.agent.agent_id, Role(member.role), tuple(member.tags))
            for member in selectors.members_of(self._group)
        ]

    def send(self, from_: str, to: str, text: str) -> None:
        """Send a message from one member to another; delivered asynchronously. Raises NotAMember, Invalid."""
        messaging.send(actor=self._actor, group=self._group, sender=from_, to=to, text=text)

    def broadcast(self, text: str, *, from_: str = SYSTEM) -> None:
        """Send a message to all members; delivered asynchronously. Raises NotAMember, Invalid."""
        messaging.broadcast(actor=self._actor, group=self._group, sender=from_, text=text)

    def history(self, limit: int = selectors.HISTORY) -> list[Message]:
        """The last `limit` messages (all are stored), oldest first."""
        return [
            Message(item.sender, item.recipient, item.text, item.created_at)
            for item in selectors.history(self._group, limit)
        ]

    def run(
        self,
        task: str,
        *,
        attachments: Sequence[UploadedFile[Any]] = (),
        timeout: float | None = None,
        **options: Any,
    ) -> Iterator[Event]:
        """Start a run and yield its events as they happen, the last one being its end.

        `options` as `services.runs.start`. The run does not depend on whoever iterates; a worker must be running.
        Raises what `runs.start` raises, at once; RunUnsuccessful after the last event of a run that failed or was
        cancelled; TimeoutError when no event came for `timeout` seconds (None: waits for ever).
        """
        run = runs.start(
            actor=self._actor, group=self._group, task=task, attachments=attachments, **options
        )
        self.last_run_id = run.id
        return self._follow(run.id, timeout)

    def _follow(self, run_id: uuid.UUID, timeout: float | None) -> Iterator[Event]:
        bell: queue.SimpleQueue[fanout.Outgoing] = queue.SimpleQueue()
        heard = fanout.hub().subscribe(live.run_topic(run_id), bell.put)
        try:
            after, since = 0, time.monotonic()
            while True:
                rows = selectors.events_after(run_id, after, 500)
                for row in rows:
                    yield _seed_shaped(row)
                    if row.type in RUN_END_TYPES:
                        if row.type != RunCompleted.TYPE:
                            raise RunUnsuccessful(_why(row))
                        return
                if rows:
                    after, since = rows[-1].seq, time.monotonic()
                    continue
                if timeout is not None and time.monotonic() - since > timeout:
                    raise TimeoutError(f"run {run_id} gave no event for {timeout:g} s")
                # Another process may have written without a word to this one, so the wait is bounded.
                with suppress(queue.Empty):
                    bell.get(timeout=_LOOK_AGAIN)
                    while True:  # one look at the log answers them all
                        bell.get_nowait()
        finally:
            heard.close()


def _seed_shaped(row: RunEvent) -> Event:
    content = next((str(row.data[name]) for name in _TEXTS if row.data.get(name)), "")
    return Event(row.agent_id, SEED_TYPES.get(row.type, row.type), content, row.at)


def _why(row: RunEvent) -> str:
    if row.type == RunFailed.TYPE:
        return str(row.data["error"])
    by = f" by {row.data['by']}" if row.data.get("by") else ""
    assert row.type == RunCancelled.TYPE
    return f"The run was cancelled{by}."
