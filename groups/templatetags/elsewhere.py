"""Where programs elsewhere find a group, by the protocols that they speak."""

from __future__ import annotations

import json
from typing import Any, cast

from django import template
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse

from groups.models import Group

register = template.Library()


@register.inclusion_tag("groups/partials/elsewhere.html", takes_context=True)
def elsewhere(context: Context, group: Group) -> dict[str, Any]:
    """The panel with the group's addresses and a command to try one with."""
    request = cast(HttpRequest, context["request"])
    chat = request.build_absolute_uri(reverse("doors:openai_chat"))
    addresses = [
        ("OpenAI", chat.removesuffix("/chat/completions")),
        *(
            (name, request.build_absolute_uri(path))
            for name, path in (
                ("AG-UI", reverse("doors:agui", args=[group.id])),
                ("A2A", reverse("doors:a2a:rpc", args=[group.id])),
                ("MCP", reverse("doors:mcp:endpoint")),
            )
        ),
    ]
    body = json.dumps({"model": group.id, "messages": [{"role": "user", "content": "Hello"}]})
    lines = (
        f"curl {chat}",
        '-H "Authorization: Bearer $STARS_TOKEN"',
        '-H "Content-Type: application/json"',
        f"-d '{body}'",
    )
    return {"group": group, "addresses": addresses, "command": " \\\n  ".join(lines)}
