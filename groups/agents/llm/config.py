"""The settings of a language model agent, and whether they are right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from state.errors import Invalid
from state.sync.webhooks import addresses

#: The secrets that such an agent may have.
SECRETS: Final = ("api_key",)
#: Prefixes of `model` that name a provider; "openai" is its chat protocol, which all others imitate.
PROVIDERS: Final = ("openai", "openai-responses", "anthropic", "google")

#: Ends of names that no public DNS knows.
_AT_HOME: Final = (".internal", ".local", ".lan", ".home.arpa")

Seconds = Annotated[float, msgspec.Meta(gt=0, le=3_600)]
Dollars = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Penalty = Annotated[float, msgspec.Meta(ge=-2, le=2)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is passed on to the model with every call; what is left out is the provider's choice."""

    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, msgspec.Meta(ge=1)] | None = None
    seed: int | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    stop_sequences: Annotated[list[str], msgspec.Meta(max_length=16)] | None = None

    def given(self) -> dict[str, Any]:
        """Those that were set."""
        return {
            name: value
            for name in self.__struct_fields__
            if (value := getattr(self, name)) is not None
        }


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a million tokens cost, in US dollars, where no price list knows the model."""

    input: Dollars = 0.0
    output: Dollars = 0.0


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `config` of a language model agent. Times in seconds."""

    #: "openai:gpt-…", "anthropic:…", "google:…"; with `base_url` whatever the server calls it.
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    #: Of a server that speaks OpenAI's protocol (or the provider's that `model` names).
    base_url: Annotated[str, msgspec.Meta(max_length=2_000)] = ""
    #: What the agent is and how it is to work.
    instructions: Annotated[str, msgspec.Meta(max_length=50_000)] = ""
    settings: Settings = Settings()
    #: For one call of the model, from sending to its last character.
    time_limit: Seconds = 300.0
    #: Until its first character.
    first_event_timeout: Seconds = 60.0
    #: Between two characters.
    stall_timeout: Seconds = 60.0
    #: How often a call is repeated that failed for a passing reason before anything was said.
    retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 2
    #: How often the model is shown what is wrong with its plan or vote.
    repairs: Annotated[int, msgspec.Meta(ge=0, le=10)] = 2
    #: Tokens that the model can read and write at once; None: as the price list knows, else 16,384.
    context_window: Annotated[int, msgspec.Meta(ge=1_024, le=100_000_000)] | None = None
    #: Calls of the model within one piece of work; tools are used between them.
    max_calls: Annotated[int, msgspec.Meta(ge=1, le=200)] = 20
    #: Subtasks that a plan of this leader may have.
    max_subtasks: Annotated[int, msgspec.Meta(ge=1, le=100)] = 12
    #: Whether a plan has to list what the task demands and to cover it; small models cannot.
    check_demands: bool = True
    #: Whether it may hand its work over to other members and put up further items (mode swarm).
    teamwork: bool = False
    price: Price | None = None

    @property
    def home(self) -> str:
        """The host of `base_url` when it can be seen to be on this machine or in its network; else empty.

        No name that strangers could give another meaning is among these.
        """
        host = (urlsplit(self.base_url).hostname or "").removesuffix(".")
        try:
            addresses.check(f"http://[{host}]/" if ":" in host else f"http://{host}/", ())
        except addresses.AddressPrivate:
            return host
        except addresses.AddressInvalid:
            return ""
        within = "." not in host and ":" not in host
        return host if within or host.endswith(_AT_HOME) else ""

    @property
    def provider(self) -> str:
        """One of PROVIDERS."""
        prefix, colon, _ = self.model.partition(":")
        return prefix if colon and prefix in PROVIDERS else "openai"

    @property
    def model_name(self) -> str:
        """The model as its provider calls it."""
        prefix, colon, name = self.model.partition(":")
        return name if colon and prefix in PROVIDERS else self.model


def parse_config(config: Mapping[str, Any]) -> Config:
    """The typed settings in `config`. Raises Invalid, naming the field, when they are wrong."""
    try:
        found = msgspec.convert(dict(config), Config)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        if message == "Object missing required field `model`":
            raise _fault("config.model", _NO_MODEL) from None
        raise _fault("config" + path.rstrip("`"), message) from None
    if not found.model_name.strip():
        raise _fault("config.model", _NO_MODEL)
    if not found.base_url and not found.model.startswith(tuple(f"{name}:" for name in PROVIDERS)):
        raise _fault("config.model", _NO_PROVIDER)
    if found.base_url:
        _check_address(found.base_url)
    return found


def validate_config(config: Mapping[str, Any]) -> None:
    """Check the `config` of a language model agent. Raises Invalid with the field at fault."""
    parse_config(config)


_NO_MODEL: Final = (
    "Name the model, such as openai:gpt-5-mini, or as the server at the base URL calls it."
)
_NO_PROVIDER: Final = (
    "Begin with openai:, openai-responses:, anthropic: or google:, or give the base URL of the "
    "model's server."
)


def _check_address(text: str) -> None:
    try:
        url = urlsplit(text)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise _fault(
            "config.base_url", "This is not an address that begins with http:// or https://."
        )
    if url.username is not None or url.query or url.fragment:
        raise _fault(
            "config.base_url", "Leave user names, keys, '?' and '#' out; the key is a secret."
        )


def _fault(field: str, message: str) -> Invalid:
    return Invalid(f"The agent's settings are not valid: {message}", fields={field: [message]})
