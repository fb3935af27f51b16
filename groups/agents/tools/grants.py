"""Which tools an agent may be granted, and with what options."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from groups.agents.tools.base import Grant
from groups.agents.tools.catalogue import TIMED, TOOLS

MCP: Final = "mcp:"
MAX_GRANTS: Final = 100
MAX_HOSTS: Final = 50
#: Seconds: the most a call may take, and a person be waited for (30 days).
MAX_TIMEOUT: Final = 600.0
MAX_PATIENCE: Final = 30 * 86_400.0
_SERVER: Final = re.compile(r"mcp:([A-Za-z0-9][A-Za-z0-9_.-]{0,63})(/[^\s/]\S{0,127})?")
_HOST: Final = re.compile(
    r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?(:[1-9][0-9]{0,4})?", re.IGNORECASE
)


def server_of(tool: str) -> str:
    """The MCP server of a granted tool; empty for a built-in one."""
    found = _SERVER.fullmatch(tool)
    return found[1] if found else ""


def parse(given: Iterable[object]) -> list[Grant]:
    """Those of the grants that are right, each tool once. What was stored before a rule came is left out."""
    found: dict[str, Grant] = {}
    for item in given:
        if not faults([item]):
            grant = msgspec.convert(item, Grant)
            found.setdefault(grant.tool, grant)
    return list(found.values())


def faults(given: object) -> list[tuple[str, str]]:
    """What is wrong with these grants, as (field, sentence); empty when nothing is."""
    if not isinstance(given, list):
        return [("grants", 'Grants are a list such as [{"tool": "calculator"}].')]
    if len(given) > MAX_GRANTS:
        return [("grants", f"An agent is granted at most {MAX_GRANTS} tools.")]
    found = []
    seen: set[str] = set()
    for index, item in enumerate(given):
        field = f"grants[{index}]"
        try:
            grant = msgspec.convert(item, Grant)
        except msgspec.ValidationError as error:
            found.append((field, f"This is no grant: {error}."))
            continue
        found += [(f"{field}.{name}", sentence) for name, sentence in _faults(grant)]
        if grant.tool in seen:
            found.append((f"{field}.tool", f"'{grant.tool}' is granted twice."))
        seen.add(grant.tool)
    return found


def _faults(grant: Grant) -> Iterable[tuple[str, str]]:
    mcp = bool(_SERVER.fullmatch(grant.tool))
    if grant.tool not in TOOLS and not mcp:
        known = ", ".join(TOOLS)
        yield (
            "tool",
            f"There is no tool '{grant.tool[:100]}'. Known: {known}, mcp:<server>[/<tool>].",
        )
        return
    if grant.tool == "person.ask" and grant.approval:
        yield "approval", "This asks a person anyway."
    if grant.patience is not None and not 1 <= grant.patience <= MAX_PATIENCE:
        yield "patience", f"This must be a number of seconds from 1 to {MAX_PATIENCE:,.0f}."
    if grant.timeout is not None and not (mcp or grant.tool in TIMED):
        yield "timeout", "This tool has no time limit of its own."
    elif grant.timeout is not None and not 1 <= grant.timeout <= MAX_TIMEOUT:
        yield "timeout", f"This must be a number of seconds from 1 to {MAX_TIMEOUT:,.0f}."
    yield from _host_faults(grant)


def _host_faults(grant: Grant) -> Iterable[tuple[str, str]]:
    if grant.tool != "web.fetch":
        if grant.hosts:
            yield "hosts", "Only web.fetch asks hosts."
        return
    if not 1 <= len(grant.hosts) <= MAX_HOSTS:
        yield "hosts", f"Name 1 to {MAX_HOSTS} hosts that may be asked, such as example.org."
    for host in grant.hosts:
        if not _HOST.fullmatch(host) or len(host) > 260:
            yield "hosts", f"'{host[:100]}' is no host; it looks like example.org or *.example.org."


def as_json(grants: Iterable[Grant]) -> list[dict[str, Any]]:
    """As they are stored: without what is as always."""
    always = msgspec.to_builtins(Grant(tool=""))
    return [
        {key: value for key, value in msgspec.to_builtins(grant).items() if value != always[key]}
        for grant in grants
    ]
