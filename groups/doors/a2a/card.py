"""The agent card of a group: to strangers one that says nothing of the group, to its people what it is and can do."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest

from groups import access, selectors
from groups.identity import Identity
from groups.models import Group
from groups.services.attachments import MEDIA_TYPES
from state.threads import in_thread

#: Of what the group can do over this door, not of the program.
VERSION: Final = "1"
V1: Final = "1.0"
V03: Final = "0.3"
OUTPUT: Final = ["text/markdown", "application/json"]
INPUT: Final = sorted({"text/plain", "application/json", *MEDIA_TYPES.values()})
_SCHEME: Final = "token"
_ABOUT: Final = "An API token of Stars, made under Settings; it needs the scopes read and run."


def public(request: HttpRequest, group_id: str) -> dict[str, Any]:
    """The same for every id, so that nobody learns which groups there are."""
    skill = {
        "id": "run",
        "name": "Carry out a task",
        "description": "A leader plans the task, workers carry it out, the leader sums up.",
        "tags": ["stars"],
    }
    about = "A group of agents on Stars. Sign in to learn what it does."
    return _card(request, group_id, group_id, about, [skill])


@in_thread
def extended(who: Identity, group_id: str, request: HttpRequest) -> dict[str, Any]:
    """The group as its people see it, each member a skill. Raises GroupNotFound."""
    group: Group = access.get_group(who.user, group_id)
    skills = [
        {
            "id": member.agent.agent_id,
            "name": member.agent.name or member.agent.agent_id,
            "description": member.agent.description or f"Acts as {member.role} of the group.",
            "tags": [member.role, *member.tags],
        }
        for member in selectors.members_of(group)
    ]
    about = group.description or f"{group.name}, a group of agents on Stars."
    return _card(request, group_id, group.name, about, skills)


def _card(
    request: HttpRequest, group_id: str, name: str, about: str, skills: list[dict[str, Any]]
) -> dict[str, Any]:
    """In the shape of 1.0, with what a client of 0.3 reads beside it."""
    url = request.build_absolute_uri(f"/a2a/{group_id}/")
    return {
        "name": name,
        "description": about,
        "version": VERSION,
        "supportedInterfaces": [
            {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": V1},
            {"url": url, "protocolBinding": "HTTP+JSON", "protocolVersion": V1},
            {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": V03},
        ],
        "capabilities": {"streaming": True, "pushNotifications": False, "extendedAgentCard": True},
        "securitySchemes": {
            _SCHEME: {
                "httpAuthSecurityScheme": {"scheme": "Bearer", "description": _ABOUT},
                "type": "http",
                "scheme": "Bearer",
                "description": _ABOUT,
            }
        },
        "securityRequirements": [{"schemes": {_SCHEME: {"list": []}}}],
        "defaultInputModes": INPUT,
        "defaultOutputModes": OUTPUT,
        "skills": skills,
        "url": url,
        "preferredTransport": "JSONRPC",
        "protocolVersion": "0.3.0",
        "supportsAuthenticatedExtendedCard": True,
        "security": [{_SCHEME: []}],
    }
