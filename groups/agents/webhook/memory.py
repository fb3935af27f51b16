"""What a webhook agent's subtask remembers while it waits, and which of its answers came from whom. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from groups.agents import wire
from groups.agents.base import Request


class Memo(msgspec.Struct, frozen=True, kw_only=True):
    """Kept with `Waiting`."""

    #: Places among the subtask's answers that were given by callback.
    remote: tuple[int, ...] = ()
    #: The attempt that is waited for by callback, and the piece of work; 0 when a person is asked.
    attempt: int = 0
    key: str = ""
    #: What the receiver wanted back.
    theirs: dict[str, Any] = {}

    def called_back(self, request: Request) -> str | None:
        """The body of the callback that was waited for, if it has come."""
        place = self.remote[-1] if self.remote else -1
        waits = self.attempt and self.key == wire.key_of(request)
        came = waits and place >= 0 and len(request.answers) > place
        return request.answers[place] if came else None

    def by_people(self, request: Request) -> list[str]:
        """The answers that people gave, oldest first."""
        return [text for place, text in enumerate(request.answers) if place not in self.remote]

    def awaiting(self, request: Request) -> Memo:
        """The memo with which the next answer is one by callback."""
        return msgspec.structs.replace(
            self,
            remote=(*self.remote, len(request.answers)),
            attempt=request.attempt,
            key=wire.key_of(request),
        )

    def asking(self, theirs: dict[str, Any]) -> Memo:
        """The memo with which the next answer is a person's."""
        return msgspec.structs.replace(self, attempt=0, theirs=theirs)


def memo_of(request: Request) -> Memo:
    """What was remembered; nothing when it is of another kind, for the agent's kind may have been changed meanwhile."""
    try:
        return msgspec.convert(request.memo, Memo)
    except msgspec.ValidationError:
        return Memo()
