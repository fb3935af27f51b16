"""How keys are called. All keys of a space share a hash tag; whatever names hold, no two keys are alike."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote

DEFAULT_PREFIX: Final = "stars"


class Keys:
    """The names of keys under one prefix."""

    def __init__(self, prefix: str) -> None:
        self._prefix = quote(prefix, safe="")
        #: Which server this is, and what it keeps.
        self.server = f"{self._prefix}:server"
        #: The hashes of all spaces.
        self.spaces = f"{self._prefix}:spaces"
        #: Generations of spaces that nobody reads any more, by the time (s) from which they may be removed.
        self.garbage = f"{self._prefix}:garbage"
        #: By which a wrong key of encryption is known at the start.
        self.proof = f"{self._prefix}:proof"

    def space(self, space: str) -> str:
        """The space's hash."""
        return f"{self._prefix}:{{{quote(space, safe='')}}}"


def op_name(agent: str, op_id: str) -> str:
    """An operation's name within its space."""
    return f"{quote(agent, safe='')}:{quote(op_id, safe='')}"


def op_of(name: str) -> tuple[str, str]:
    """The agent and op_id that a name was made of."""
    agent, _, op_id = name.partition(":")
    return unquote(agent), unquote(op_id)
