"""The settings of an A2A agent: where its card is, and under which names it is shown credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from groups.agents import settings
from groups.agents.base import AgentError
from state.sync.webhooks import addresses

#: The secret by which the agent knows who asks.
TOKEN: Final = "token"
#: Where a card is below the address of an agent.
WELL_KNOWN: Final = "/.well-known/agent-card.json"

Header = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]{0,63})?$")]
Skill = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `config` of an A2A agent."""

    #: The card's address (it ends with .json), or that of the agent, below which the card lies.
    card_url: Annotated[str, msgspec.Meta(min_length=1, max_length=addresses.LONGEST)]
    #: Ids of its skills that are asked for; empty: whichever it chooses.
    skills: Annotated[tuple[Skill, ...], msgspec.Meta(max_length=20)] = ()
    #: The header in which the token is sent; empty: `Authorization: Bearer …`.
    header: Header = ""
    #: Seconds without a byte after which a connection counts as stuck.
    silence: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 120.0

    @property
    def card_address(self) -> str:
        """Where the card is read."""
        is_card = self.card_url.endswith(".json")
        return self.card_url if is_card else self.card_url.rstrip("/") + WELL_KNOWN

    def credentials(self, secrets: Mapping[str, str]) -> dict[str, str]:
        """The header that shows who asks. Raises AgentError when the token cannot be one."""
        token = secrets.get(TOKEN, "")
        if not token:
            return {}
        if not (token.isascii() and token.isprintable()):
            raise AgentError("The agent's token has characters that cannot be sent in a header.")
        return {self.header: token} if self.header else {"authorization": f"Bearer {token}"}


def validate_config(config: Mapping[str, Any]) -> None:
    """Check the `config` of an A2A agent. Raises Invalid with the field at fault."""
    settings.check_address("config.card_url", settings.read(config, Config).card_address)
