"""Granting tools to agents: which there are, and whose tool servers one may hand on."""

from __future__ import annotations

from typing import Any

from groups.access import Actor
from groups.agents.tools import grants
from groups.models import ToolServer
from groups.services import tool_servers
from groups.services.inputs import Faults


def checked(
    faults: Faults, actor: Actor, given: object, before: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The grants as they are stored; faults are noted, not raised.

    Tools of a server are granted by whoever registered it or an administrator, since they act with its keys; what
    stood in `before` may stay as it is, its approval and limits included.
    """
    found = grants.faults(given)
    for field, sentence in found:
        faults.add(field, sentence)
    if found or not isinstance(given, list):
        return []
    granted = grants.parse(given)
    fresh = [grant for grant in granted if grants.as_json([grant])[0] not in before]
    wanted = {grants.server_of(grant.tool) for grant in fresh} - {""}
    known = {row.name: row for row in ToolServer.objects.filter(name__in=wanted)}
    for index, grant in enumerate(granted):
        name = grants.server_of(grant.tool)
        if grant not in fresh or not name:
            continue
        if name not in known:
            faults.add(f"grants[{index}].tool", f"There is no tool server '{name}'.")
        elif not tool_servers.may_change(actor, known[name]):
            told = f"Only whoever registered the tool server '{name}', or an administrator, may grant its tools."
            faults.add(f"grants[{index}].tool", told)
    return grants.as_json(granted)
