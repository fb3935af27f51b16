"""A connection to a model: made from an agent's settings, open as long as one piece of work, closed for sure."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from importlib import import_module
from typing import Any, Final, NamedTuple, cast

import httpcore2
import httpx2
from pydantic_ai import ModelSettings
from pydantic_ai.models import Model

from groups.agents.apart import apart
from groups.agents.base import AgentError
from groups.agents.llm.config import Config
from groups.agents.outbound import is_packed
from groups.agents.tools.reaching import Backend
from state.sync.webhooks import addresses

#: Of a model whose window nobody knows, in tokens.
WINDOW: Final = 16_384
#: Bytes of one answer of a server that somebody named.
MAX_ANSWER: Final = 32 << 20
#: Provider -> (module of the model, its class, module of the provider, its class).
_PLACES: Final = {
    "openai": ("models.openai", "OpenAIChatModel", "providers.openai", "OpenAIProvider"),
    "openai-responses": (
        "models.openai",
        "OpenAIResponsesModel",
        "providers.openai",
        "OpenAIProvider",
    ),
    "anthropic": ("models.anthropic", "AnthropicModel", "providers.anthropic", "AnthropicProvider"),
    "google": ("models.google", "GoogleModel", "providers.google", "GoogleProvider"),
}


class Line(NamedTuple):
    """An open connection to a model."""

    model: Model
    config: Config
    secrets: Mapping[str, str]
    settings: ModelSettings
    #: Tokens that it can read and write at once.
    window: int

    @property
    def room(self) -> int:
        """Tokens that may be read, leaving enough to write."""
        written = self.settings.get("max_tokens") or 4_096
        return self.window - min(written, self.window // 2)


@asynccontextmanager
async def opened(
    config: Config, secrets: Mapping[str, str], allowed: Sequence[str] = ()
) -> AsyncIterator[Line]:
    """A line to the model of these settings. Raises AgentError when it cannot be made; nothing is sent yet.

    `allowed` are hosts and networks that `base_url` may name although they are not public; what is seen to be so
    was an administrator's choice.
    """
    key = secrets.get("api_key", "")
    if not key and not config.base_url:
        raise AgentError(
            f"The agent has no key for '{config.model}': give it the secret api_key, or a base_url that needs none."
        )
    try:
        # The libraries take a second to load, once, and must not hold up the other agents of this process.
        classes = await asyncio.to_thread(_classes, config.provider)
    except ImportError as error:
        raise AgentError(
            f"This server cannot talk to '{config.provider}' models ({error.name} is missing): install Stars with its"
            " extra llm."
        ) from None
    transport, headers = None, {}
    if config.base_url:
        allowed = (*allowed, *filter(None, [config.home]))
        await _check(config.base_url, allowed)
        transport, headers = _Pinned(allowed), {"accept-encoding": "identity"}
    async with httpx2.AsyncClient(
        transport=transport,
        headers=headers,
        verify=_ssl(),
        timeout=httpx2.Timeout(config.stall_timeout, connect=10),
    ) as client:
        yield line_to(_model(classes, config, key, client), config, secrets)


async def _check(url: str, allowed: Sequence[str]) -> None:
    """Raises AgentError for an address that may not be reached; what cannot be found is told by the call."""
    try:
        await apart(addresses.resolve, addresses.parse(url, allowed), allowed)
    except addresses.AddressInvalid as error:
        raise AgentError(f"The model's server cannot be asked. {error.message}") from None
    except OSError:
        return


class _Pinned(httpx2.AsyncHTTPTransport):
    """Connects to addresses that were looked up and checked just before, not to whatever a name means by then, and
    reads of an answer no more than `MAX_ANSWER`."""

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(verify=_ssl())
        self._pool = httpcore2.AsyncConnectionPool(_ssl(), network_backend=Backend(allowed))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See httpx. Raises AgentError for an answer that is compressed, for it grows beyond what can be counted."""
        answer = await super().handle_async_request(request)
        assert isinstance(answer.stream, httpx2.AsyncByteStream)
        if is_packed(answer.headers.raw):
            await answer.stream.aclose()
            raise AgentError("The model's answer is compressed, which was not asked for.")
        answer.stream = _Bounded(answer.stream)
        return answer


class _Bounded(httpx2.AsyncByteStream):
    """An answer's body that ends with an error when it is too long."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for piece in self._stream:
            length += len(piece)
            if length > MAX_ANSWER:
                raise AgentError(f"The model's answer is longer than {MAX_ANSWER:,} bytes.")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


def line_to(model: Model, config: Config, secrets: Mapping[str, str]) -> Line:
    """A line over a model that there is already."""
    settings: dict[str, Any] = {
        **config.settings.given(),
        "request_timeout": config.time_limit,
        "first_event_timeout": config.first_event_timeout,
        "timeout": config.stall_timeout,
        # Repeating is ours (`calls`), so that each call is asked for and told.
        "max_retries": 0,
    }
    window = config.context_window or model.profile.get("context_window") or WINDOW
    return Line(model, config, secrets, cast(ModelSettings, settings), window)


def _model(classes: tuple[Any, Any], config: Config, key: str, client: httpx2.AsyncClient) -> Model:
    make_model, make_provider = classes
    given: dict[str, Any] = {
        # Never the key of the server's environment: it would go to whatever address the agent's owner chose.
        "api_key": key or "none",
        "http_client": client,
    }
    if config.base_url:
        given["base_url"] = config.base_url
    model: Model = make_model(config.model_name, provider=make_provider(**given))
    return model


@cache
def _classes(provider: str) -> tuple[Any, Any]:
    model_module, model_class, provider_module, provider_class = _PLACES[provider]
    return (
        getattr(import_module(f"pydantic_ai.{model_module}"), model_class),
        getattr(import_module(f"pydantic_ai.{provider_module}"), provider_class),
    )


@cache
def _ssl() -> ssl.SSLContext:
    """One for all: reading the certificates takes 20 ms and a megabyte."""
    return httpx2.create_ssl_context()
