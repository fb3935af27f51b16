"""How a group works on a task. A mode is a pure strategy; the machine asks it what comes next."""

from __future__ import annotations

from typing import Final

from groups.errors import UnknownMode
from groups.execution.modes.base import Mode
from groups.execution.modes.democratic import Democratic
from groups.execution.modes.leader_worker import LeaderWorker
from groups.execution.modes.pipeline import Pipeline
from groups.execution.modes.reply import Reply
from groups.execution.modes.swarm import Swarm

#: A new mode is one file beside `leader_worker` and one entry here.
MODES: Final[dict[str, Mode]] = {
    mode.name: mode for mode in (LeaderWorker(), Pipeline(), Democratic(), Swarm())
}
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
