"""Who dials in: the credential in the handshake of a socket, and whose it is."""

from __future__ import annotations

from collections.abc import Iterable

from groups.agents.connected.protocol import BEARER
from groups.models import AgentCredential
from groups.services import credentials
from state.threads import in_thread

_recognised = in_thread(credentials.recognised)


async def identify(
    agent_id: str, headers: Iterable[tuple[bytes, bytes]], subprotocols: Iterable[str]
) -> AgentCredential | None:
    """The credential of `Authorization: Bearer …`, or of the subprotocol `bearer.…`; None when it opens nothing.

    Never one in the address: addresses stand in logs.
    """
    text = _in_header(headers)
    if text is None:
        offered = (each[len(BEARER) :] for each in subprotocols if each.startswith(BEARER))
        text = next(offered, "")
    return await _recognised(agent_id, text) if text else None


def _in_header(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"authorization":
            scheme, _, text = value.strip().partition(b" ")
            return text.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""
    return None
