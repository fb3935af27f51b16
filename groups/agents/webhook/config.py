"""The settings of a webhook agent: where it is, and how long its answer may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from groups.agents import settings
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


def validate_config(config: Mapping[str, Any]) -> None:
    """Check the `config` of a webhook agent. Raises Invalid with the field at fault."""
    settings.check_address("config.url", settings.read(config, Config).url)
