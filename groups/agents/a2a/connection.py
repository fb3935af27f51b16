"""Getting to an A2A agent: its card, which of its interfaces fits, and what goes wrong on the way in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import httpx
from a2a.client import A2AClientError, Client, ClientConfig, create_client
from a2a.client.card_resolver import parse_agent_card
from a2a.types.a2a_pb2 import AgentCard
from a2a.utils import errors

from groups.agents import outbound
from groups.agents.a2a.config import Config
from groups.agents.base import AgentError
from groups.agents.scrubbing import scrub
from state.sync.webhooks.addresses import AddressInvalid

WHO: Final = "The A2A agent"
VERSIONS: Final = ("1.0", "0.3")
BINDINGS: Final = ("JSONRPC", "HTTP+JSON")
#: Bytes of a card.
MAX_CARD: Final = 1024 * 1024
#: Of what is there instead, in which secrets are looked for before it is cut to what is quoted.
_BEGINNING: Final = 16 * 1024


class ParametersRefused(AgentError):
    """The agent found something wrong with the parameters of a call."""


async def card_of(http: httpx.AsyncClient, config: Config, secrets: Mapping[str, str]) -> AgentCard:
    """The agent's card, with those of its interfaces only that can be spoken to, the best first.

    Raises AgentError when it cannot be had, is none, or speaks other versions only.
    """
    who = "The A2A agent's card"
    body = bytearray()
    with outbound.told(who, secrets):
        async with http.stream("GET", config.card_address) as answer:
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > MAX_CARD:
                    raise AgentError(f"{who} is longer than {MAX_CARD:,} bytes.")
    said = scrub(bytes(body[:_BEGINNING]).decode(errors="replace"), secrets)
    outbound.judge(who, answer.status_code, answer.headers, said)
    try:
        card = parse_agent_card(json.loads(body))
    except Exception:
        # Its parser lets through whatever the shape of a stranger's JSON provokes.
        raise AgentError(f"What is at {config.card_address} is not the card of an agent.") from None
    _keep_fitting(card)
    target = card.supported_interfaces[0].url
    if config.card_address.startswith("https:") and not target.startswith("https:") and secrets:
        raise AgentError(f"{who} leads to {target}, where secrets would go unencrypted.")
    return card


async def connect(http: httpx.AsyncClient, card: AgentCard) -> Client:
    """A client that speaks the version of the card's first interface."""
    config = ClientConfig(httpx_client=http, supported_protocol_bindings=list(BINDINGS))
    return await create_client(card, client_config=config)


def _keep_fitting(card: AgentCard) -> None:
    found = [
        each
        for version in VERSIONS
        for binding in BINDINGS
        for each in card.supported_interfaces
        if each.protocol_binding == binding and _version(each.protocol_version) == version
    ]
    if not found:
        offered = ", ".join(
            f"{each.protocol_version or 'no version'} over {each.protocol_binding or 'nothing'}"
            for each in card.supported_interfaces
        )
        raise AgentError(
            f"The A2A agent speaks {offered or 'nothing'}; Stars speaks {' and '.join(VERSIONS)} "
            f"over {' and '.join(BINDINGS)}."
        )
    best = type(found[0])()
    best.CopyFrom(found[0])
    del card.supported_interfaces[:]
    card.supported_interfaces.append(best)


def _version(text: str) -> str:
    """Major and minor; patches do not matter."""
    return ".".join(text.strip().split(".")[:2])


@contextmanager
def told(secrets: Mapping[str, str]) -> Iterator[None]:
    """What goes wrong in a call, as an AgentError without secrets."""
    try:
        yield
    except AgentError:
        raise
    except Exception as error:
        _raise(error, secrets)


def _raise(error: Exception, secrets: Mapping[str, str]) -> NoReturn:
    cause: Any = error.__cause__ or error
    if isinstance(error, errors.A2AError) and not isinstance(error, A2AClientError):
        said = scrub(str(error.message), secrets)[: outbound.QUOTED]
        if isinstance(error, errors.InvalidParamsError):
            raise ParametersRefused(f"{WHO} refused: {said}") from None
        # An error inside the agent may pass; what it calls our mistake stays one.
        transient = isinstance(error, errors.InternalError)
        raise AgentError(f"{WHO} refused: {said}", transient=transient) from None
    if isinstance(cause, httpx.HTTPStatusError):
        answer = cause.response
        said = scrub(answer.text, secrets) if answer.is_closed else ""
        outbound.judge(WHO, answer.status_code, answer.headers, said)
    if isinstance(cause, (httpx.TransportError, OSError, AddressInvalid)):
        with outbound.told(WHO, secrets):
            raise cause
    if isinstance(cause, json.JSONDecodeError):
        raise AgentError(f"{WHO} answered with something that is not JSON.") from None
    if isinstance(error, errors.A2AError):
        said = scrub(str(error.message), secrets)[: outbound.QUOTED]
        raise AgentError(f"{WHO} refused: {said}") from None
    raise AgentError(f"{WHO} answered with something that is not A2A.") from None
