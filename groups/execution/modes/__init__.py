"""How a group works on a task. A mode is a pure strategy; the machine asks it what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from groups.errors import UnknownMode
from groups.execution.modes.leader_worker import LeaderWorker
from groups.execution.modes.reply import Reply
from groups.execution.modes.steps import Step
from groups.execution.records import SubtaskRecord


class Mode(Protocol):
    """Decides which subtasks exist and when the run is over."""

    @property
    def name(self) -> str: ...

    @property
    def words(self) -> str:
        """How the dashboard names it, in English; pages translate it."""
        ...

    def next(self, subtasks: Sequence[SubtaskRecord], leader: str) -> Step:
        """What to do, now that something ended (or the run begins, with no subtasks)."""
        ...


#: A new mode is one file beside `leader_worker` and one entry here.
MODES: Final[dict[str, Mode]] = {mode.name: mode for mode in (LeaderWorker(),)}
#: Those that nobody may choose for a task.
_OWN: Final[dict[str, Mode]] = {mode.name: mode for mode in (Reply(),)}


def get_mode(name: str) -> Mode:
    """The mode by name. Raises UnknownMode."""
    return _OWN[name] if name in _OWN else chosen(name)


def chosen(name: str) -> Mode:
    """The mode by name, if people may choose it for a task. Raises UnknownMode."""
    try:
        return MODES[name]
    except (KeyError, TypeError):
        known = ", ".join(sorted(MODES))
        raise UnknownMode(fields={"mode": [f"Unknown mode; this server knows: {known}."]}) from None
