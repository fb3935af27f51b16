"""The settings of a webhook agent: where it is, and how long its answer may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from groups.agents.base import AgentError
from state.errors import Invalid
from state.sync.webhooks import addresses

#: The secret it is signed with, among the agent's secrets.
SECRET = "secret"


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `config` of a webhook agent."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=addresses.LONGEST)]
    #: Seconds that an answer by callback is waited for.
    patience: Annotated[float, msgspec.Meta(ge=1, le=30 * 86_400)] = 86_400.0
    #: Seconds without a byte after which the receiver counts as stuck.
    silence: Annotated[float, msgspec.Meta(ge=1, le=3600)] = 120.0


def parse_config(config: Mapping[str, Any]) -> Config:
    """The typed settings. Raises Invalid, naming the field."""
    try:
        return msgspec.convert(dict(config), Config)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        field = "config" + path.rstrip("`")
        raise Invalid(
            f"The agent's settings are not valid: {message}.", fields={field: [message]}
        ) from None


def validate_config(config: Mapping[str, Any]) -> None:
    """Check the `config` of a webhook agent. Raises Invalid with the field at fault.

    Whether the address may be reached is decided at each sending, for who may be reached is the operator's setting.
    """
    found = parse_config(config)
    try:
        addresses.check(found.url, ())
    except addresses.AddressPrivate:
        pass
    except addresses.AddressInvalid as error:
        raise Invalid(error.message, fields={"config.url": [error.message]}) from None


def config_of(config: Mapping[str, Any]) -> Config:
    """The same for an agent at work. Raises AgentError."""
    try:
        return parse_config(config)
    except Invalid as error:
        raise AgentError(error.message) from None
