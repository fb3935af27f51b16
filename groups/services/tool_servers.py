"""Tool servers: MCP servers that are registered once, and whose tools agents are granted one by one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from groups.access import Actor
from groups.agents.surroundings import ToolSpec
from groups.agents.tools import grants
from groups.agents.tools.base import Fault, Server
from groups.agents.tools.mcp import Connection
from groups.errors import (
    LevelTooLow,
    ToolServerAway,
    ToolServerExists,
    ToolServerInUse,
    ToolServerNotFound,
)
from groups.models import Agent, ToolServer
from groups.services import secrets as vault
from groups.services.inputs import Faults, is_id, unstorable
from state.refusals import Damaged, WrongKey
from state.sync.webhooks import addresses

MAX_WORDS: Final = 50
MAX_WORD: Final = 2000
MAX_SECRETS: Final = 50
MAX_SECRET: Final = 20_000
#: A header's name (RFC 9110, 5.6.2), which an environment variable's is as well.
_SECRET_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
COMMANDS_OFF: Final = (
    "This installation starts no commands; whoever runs it can allow it by STARS_ALLOW_COMMANDS."
)


def get(actor: Actor, name: str, *, change: bool = False) -> ToolServer:
    """The tool server; with `change`, only if the actor registered it or is an administrator.

    Raises ToolServerNotFound, LevelTooLow.
    """
    known = ToolServer.objects.select_related("created_by")
    server = known.filter(name=name).first() if is_id(name) else None
    if server is None:
        raise ToolServerNotFound
    if change and not may_change(actor, server):
        raise LevelTooLow(
            "Only whoever registered this tool server, or an administrator, may do this."
        )
    return server


def may_change(actor: Actor, server: ToolServer) -> bool:
    """Whether the actor may change the server, see its tools and grant them: it acts with its owner's keys."""
    if actor is None or actor.is_superuser:
        return True
    return actor.pk is not None and server.created_by_id == actor.pk


def register(
    *,
    actor: Actor,
    name: str,
    url: str = "",
    command: list[str] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> ToolServer:
    """Register a server by its address (streamable HTTP) or by the command that starts it.

    Raises Invalid with the faulty fields, ToolServerExists.
    """
    faults = Faults()
    name = faults.identifier("name", name)
    command = command or []
    _check(faults, actor, url, command)
    given = _secrets(faults, secrets or {}, {})
    faults.done()
    creator = actor if isinstance(actor, User) else None
    try:
        with transaction.atomic():
            return ToolServer.objects.create(
                name=name,
                url=url,
                command=command,
                secrets=vault.seal(given, _owner(name)),
                created_by=creator,
            )
    except IntegrityError:
        raise ToolServerExists(fields={"name": [ToolServerExists().message]}) from None


def change(
    *,
    actor: Actor,
    server: ToolServer,
    url: str | None = None,
    command: list[str] | None = None,
    secrets: Mapping[str, str | None] | None = None,
) -> ToolServer:
    """Change some of it; of `secrets`, those named: a text sets one, None takes it away.

    Another address or command loses all secrets that are not given anew: they were meant for the old one.
    Raises Invalid, ToolServerNotFound.
    """
    faults = Faults()
    with transaction.atomic():
        row = ToolServer.objects.select_for_update().filter(pk=server.pk).first()
        if row is None:
            raise ToolServerNotFound
        new_url = row.url if url is None else url
        new_command = row.command if command is None else command
        moved = (new_url, new_command) != (row.url, row.command)
        _check(faults, actor, new_url, new_command)
        kept = {} if moved else vault.reveal(row.secrets, _owner(row.name))
        given = _secrets(faults, secrets or {}, kept)
        faults.done()
        row.url, row.command = new_url, new_command
        row.secrets = vault.seal(given, _owner(row.name))
        row.save(update_fields=["url", "command", "secrets"])
    return row


def remove(*, actor: Actor, server: ToolServer) -> None:
    """Take it out of the register. Raises ToolServerInUse naming the agents that are granted tools of it: another
    server by that name would be theirs otherwise."""
    granted = sorted(
        agent.agent_id
        for agent in Agent.objects.exclude(grants=[]).only("agent_id", "grants")
        if any(grants.server_of(str(each.get("tool"))) == server.name for each in agent.grants)
    )
    if granted:
        names = ", ".join(granted)
        raise ToolServerInUse(
            f"Agents are granted tools of this server; take those grants back first: {names}."
        )
    ToolServer.objects.filter(pk=server.pk).delete()


def secret_names(server: ToolServer) -> list[str]:
    """What its secrets are called; the secrets themselves are never shown."""
    return sorted(vault.reveal(server.secrets, _owner(server.name)))


def secret_values(server: ToolServer) -> list[str]:
    """Its secrets, to be looked for in what leaves the house; none when they cannot be read any more."""
    try:
        return list(vault.reveal(server.secrets, _owner(server.name)).values())
    except (Damaged, WrongKey):
        return []


def opened(name: str) -> Server:
    """The server as agents' tools use it, secrets included. Raises ToolServerNotFound, and Invalid when it may not be
    used here (any more)."""
    row = get(None, name)
    faults = Faults()
    if row.command and not settings.STARS_ALLOW_COMMANDS:
        faults.add("command", COMMANDS_OFF)
    faults.done()
    return Server(
        name=row.name,
        url=row.url,
        command=tuple(row.command),
        secrets=vault.reveal(row.secrets, _owner(row.name)),
    )


def tools(*, actor: Actor, server: ToolServer) -> list[ToolSpec]:
    """Connect, and ask what tools it has: the test of a server. Raises ToolServerAway saying what went wrong."""
    try:
        return asyncio.run(_tools(opened(server.name)))
    except Fault as fault:
        raise ToolServerAway(str(fault)) from None


async def _tools(server: Server) -> list[ToolSpec]:
    connection = Connection(server, tuple(settings.STARS_WEBHOOK_ALLOWED))
    try:
        return list((await connection.tools(None)).values())
    finally:
        await connection.closed()


def _owner(name: str) -> str:
    return f"tool-server:{name}"


def _check(faults: Faults, actor: Actor, url: object, command: object) -> None:
    if not isinstance(url, str) or not isinstance(command, list):
        faults.add("url" if not isinstance(url, str) else "command", "This must be text.")
        return
    if bool(url) == bool(command):
        faults.add("url", "Give either the server's address or a command, not both.")
    elif url:
        try:
            addresses.check(url, settings.STARS_WEBHOOK_ALLOWED)
        except addresses.AddressInvalid as error:
            faults.add("url", error.message)
    elif not settings.STARS_ALLOW_COMMANDS:
        faults.add("command", COMMANDS_OFF)
    elif actor is not None and not actor.is_superuser:
        faults.add("command", "Only administrators may register commands.")
    elif len(command) > MAX_WORDS or not all(map(_is_word, command)):
        faults.add("command", f"A command is a list of 1 to {MAX_WORDS} words.")


def _is_word(word: object) -> bool:
    return isinstance(word, str) and 0 < len(word) <= MAX_WORD and not unstorable(word)


def _secrets(faults: Faults, given: object, kept: dict[str, str]) -> dict[str, str]:
    """The kept ones with what is given."""
    if not isinstance(given, Mapping):
        faults.add("secrets", "Secrets are an object of names and texts.")
        return {}
    found: dict[str, Any] = {**kept, **given}
    for name, value in given.items():
        if not isinstance(name, str) or not _SECRET_NAME.fullmatch(name):
            faults.add("secrets", "A secret is called like a header or an environment variable.")
        elif value is None:
            del found[name]
        elif not isinstance(value, str) or not 0 < len(value) <= MAX_SECRET:
            faults.add("secrets", f"{name}: this must be text of 1 to {MAX_SECRET:,} characters.")
        elif not value.isprintable() or not value.isascii():
            faults.add("secrets", f"{name}: this holds characters that no header can.")
    if len(found) > MAX_SECRETS:
        faults.add("secrets", f"There can be at most {MAX_SECRETS} secrets.")
    return found
