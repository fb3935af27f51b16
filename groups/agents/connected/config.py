"""The settings of a connected agent: how long its processes are waited for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from groups.agents.base import AgentError
from state.errors import Invalid

Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `config` of a connected agent."""

    #: Seconds that a subtask waits for a process when none is connected.
    patience: Seconds = 60.0
    #: Seconds that a process may be away which has begun a subtask, before that counts as lost.
    grace: Seconds = 15.0


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
    """Check the `config` of a connected agent. Raises Invalid with the field at fault."""
    parse_config(config)


def config_of(config: Mapping[str, Any]) -> Config:
    """The same for an agent at work. Raises AgentError."""
    try:
        return parse_config(config)
    except Invalid as error:
        raise AgentError(error.message) from None
