"""`manage.py asyncapi`: write docs/sync-protocol.asyncapi.yaml, the sync protocol for programs, from its frames."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
import yaml
from django.conf import settings
from django.core.management import BaseCommand

from state.sync import protocol
from state.sync.protocol import limits
from state.sync.tasks.messages import Message

PATH: Final = Path(settings.BASE_DIR) / "docs" / "sync-protocol.asyncapi.yaml"
CLIENT: Final[tuple[type[Any], ...]] = get_args(protocol.ClientFrame)
SERVER: Final[tuple[type[Any], ...]] = get_args(protocol.ServerFrame)
CLOSES: Final = {
    limits.BROKEN: "No hello within 10 seconds, or none that is understood.",
    limits.NOT_AUTHENTICATED: "Not signed in, or no longer.",
    limits.DENIED: "The space is not there for you, or no longer.",
    limits.SLOW: "Nothing was acknowledged for a minute, or frames came too fast.",
    limits.SUPERSEDED: "Another socket has the session, or it was disconnected.",
    limits.HEARTBEAT: "Two heartbeats were not answered.",
    limits.RESTART: "The process ends; come back after `retry_after_ms`.",
    limits.AWAY: "Something that Stars needs does not answer; come back later.",
}
ALL: Final[tuple[type[Any], ...]] = (*CLIENT, *SERVER, Message)
_REF: Final = "#/components/schemas/{name}"


class Command(BaseCommand):
    """Generate the document."""

    help = "Write docs/sync-protocol.asyncapi.yaml from the frames (development only)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Over the one there is."""
        PATH.write_text(text())


def text() -> str:
    """The document as YAML."""
    body = yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=100)
    return f"# Written by `manage.py asyncapi` from state/sync/protocol/; not by hand.\n{body}"


def document() -> dict[str, Any]:
    """The document (AsyncAPI 3.0), from the server's side: it receives what clients say."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Stars state sync",
            "version": f"{limits.PROTO}.0.0",
            "description": "The websocket protocol stars.sync.v1. Its rules are in docs/sync-protocol.md.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "stars": {
                "host": "{host}",
                "protocol": "wss",
                "variables": {"host": {"default": "127.0.0.1:8000"}},
                "security": [
                    {"$ref": "#/components/securitySchemes/token"},
                    {"$ref": "#/components/securitySchemes/session"},
                ],
            }
        },
        "channels": {
            "sync": {
                "address": "/ws/v1/spaces/{space}/sync",
                "title": "Sync socket of a space",
                "servers": [{"$ref": "#/servers/stars"}],
                "parameters": {"space": {"description": "The group's id, or _global."}},
                "messages": {each.__name__: _named(each) for each in (*CLIENT, *SERVER)},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
                "x-subprotocol": limits.SUBPROTOCOL,
                "x-close-codes": CLOSES,
            },
            "webhook": {
                "address": None,
                "title": "Webhook of a push connection",
                "description": "POSTed to the connection's address, signed by Standard Webhooks 1.0.0.",
                "messages": {"Message": _named(Message)},
            },
        },
        "operations": {
            "hear": _operation("receive", "sync", CLIENT, "What clients say."),
            "say": _operation("send", "sync", SERVER, "What the server says."),
            "post": _operation("send", "webhook", (Message,), "What receivers of webhooks get."),
        },
        "components": {
            "messages": {each.__name__: _message(each) for each in ALL},
            "schemas": schemas(),
            "securitySchemes": {
                "token": {
                    "type": "httpApiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`Token <token>`; or `token_auth` in hello.",
                },
                "session": {"type": "httpApiKey", "in": "cookie", "name": "sessionid"},
            },
        },
    }


def schemas() -> dict[str, Any]:
    """A JSON Schema (2020-12) for each struct."""
    _, found = msgspec.json.schema_components(ALL, ref_template=_REF)
    return {name: _plain(each) for name, each in found.items()}


def _named(frame: type[Any]) -> dict[str, str]:
    return {"$ref": f"#/components/messages/{frame.__name__}"}


def _operation(
    action: str, channel: str, frames: tuple[type[Any], ...], summary: str
) -> dict[str, Any]:
    base = f"#/channels/{channel}"
    return {
        "action": action,
        "channel": {"$ref": base},
        "summary": summary,
        "messages": [{"$ref": f"{base}/messages/{each.__name__}"} for each in frames],
    }


def _message(frame: type[Any]) -> dict[str, Any]:
    return {
        "name": str(frame.__struct_config__.tag),
        "title": frame.__name__,
        "summary": _line(frame.__doc__ or ""),
        "payload": {"$ref": _REF.format(name=frame.__name__)},
    }


def _plain(value: Any) -> Any:
    """Without the line breaks of docstrings; tuples as lists."""
    if isinstance(value, dict):
        return {
            key: _line(each) if key == "description" and isinstance(each, str) else _plain(each)
            for key, each in value.items()
        }
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _line(words: str) -> str:
    return re.sub(r"\s+", " ", words).strip()
