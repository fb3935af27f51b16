"""The settings of a connected agent: how long its processes are waited for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from groups.agents import settings

Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `config` of a connected agent."""

    #: Seconds that a subtask waits for a process when none is connected.
    patience: Seconds = 60.0
    #: Seconds that a process may be away which has begun a subtask, before that counts as lost.
    grace: Seconds = 15.0


def validate_config(config: Mapping[str, Any]) -> None:
    """Check the `config` of a connected agent. Raises Invalid with the field at fault."""
    settings.read(config, Config)
