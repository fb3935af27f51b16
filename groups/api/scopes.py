"""Which scope of an API token each address of REST needs. What is not named here and writes needs `manage`."""

from __future__ import annotations

from typing import Final

from django.urls import ResolverMatch
from rest_framework.permissions import SAFE_METHODS

from groups.models import Scope

_WRITES: Final = {
    "api:messages": Scope.MESSAGE,
    **dict.fromkeys(
        (
            "api:group-runs",
            "api:approve",
            "api:pause",
            "api:resume",
            "api:cancel",
            "api:retry",
            "api:plan",
            "api:answer",
        ),
        Scope.RUN,
    ),
}
#: Whoever may send a token may also make it worthless.
_FREE: Final = frozenset({"api:token"})
#: Holds everything of everybody.
_BACKUP: Final = "states:backup"
#: What concerns the whole installation, and so is not for tokens of certain groups.
WHOLE: Final = frozenset(
    {
        _BACKUP,
        "prometheus",
        "api:budget",
        "api:health",
        "api:agent-budget",
        "api:tool-servers",
        "api:tool-server",
        "api:tool-server-test",
    }
)


def needed(method: str, match: ResolverMatch | None) -> Scope | None:
    """The scope that a request of that method to that address needs; None: any token will do."""
    name = match.view_name if match else ""
    if name in _FREE:
        return None
    if method in SAFE_METHODS:
        return Scope.MANAGE if name == _BACKUP else Scope.READ
    return Scope.STATE if name.startswith("states:") else _WRITES.get(name, Scope.MANAGE)
