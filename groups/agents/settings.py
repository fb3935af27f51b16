"""The typed settings of agents: a kind says by a Struct what may stand in `config`, and this reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from groups.agents.base import AgentError
from state.errors import Invalid
from state.sync.webhooks import addresses

Config = TypeVar("Config", bound=msgspec.Struct)


def read(config: Mapping[str, Any], kind: type[Config]) -> Config:
    """The settings. Raises Invalid, naming the field, when they are wrong."""
    try:
        return msgspec.convert(dict(config), kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        field = "config" + path.rstrip("`")
        raise Invalid(
            f"The agent's settings are not valid: {message}.", fields={field: [message]}
        ) from None


def read_at_work(config: Mapping[str, Any], kind: type[Config]) -> Config:
    """The same for an agent that is asked something. Raises AgentError."""
    try:
        return read(config, kind)
    except Invalid as error:
        raise AgentError(error.message) from None


def check_address(field: str, address: str) -> None:
    """Whether it is an address at all. Raises Invalid, naming the field.

    Whether it may be reached is decided at each request, for who may be reached is the operator's setting.
    """
    try:
        addresses.check(address, ())
    except addresses.AddressPrivate:
        pass
    except addresses.AddressInvalid as error:
        raise Invalid(error.message, fields={field: [error.message]}) from None
