"""HTTP to agents elsewhere: only to addresses that are public or allowed, without redirects, with a bound on answers.

The host's name is looked up once and the connection goes to what was found and checked, so a name that changes its
meaning in between gains nothing (`state.sync.webhooks.addresses`).
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import httpcore
import httpx

from groups.agents.apart import apart
from groups.agents.base import AgentError
from groups.agents.scrubbing import scrub
from state.sync.webhooks import addresses
from state.sync.webhooks.waits import retry_after

#: Bytes of one answer, streams included.
MAX_ANSWER: Final = 32 * 1024 * 1024
#: Seconds to be connected in.
CONNECT: Final = 10.0
#: Seconds, the most that the other side can ask to be left alone for.
RETRY_AFTER_MAX: Final = 3600.0
#: Client errors that pass: request timeout, too early, too many requests.
PASSING: Final = frozenset({408, 425, 429})
#: Characters of what the other side says that are quoted in an error.
QUOTED: Final = 300


def client(
    allowed: Sequence[str], *, headers: Mapping[str, str] | None = None, silence: float
) -> httpx.AsyncClient:
    """A client for one agent. `allowed` as in `addresses.check`; `silence`: seconds without a byte that end a wait."""
    timeout = httpx.Timeout(silence, connect=CONNECT)
    return httpx.AsyncClient(
        transport=_Pinned(allowed),
        headers={"accept-encoding": "identity", **(headers or {})},
        timeout=timeout,
        follow_redirects=False,
        trust_env=False,
    )


@contextmanager
def told(who: str, secrets: Mapping[str, str]) -> Iterator[None]:
    """What goes wrong on the way, as an AgentError in a sentence about `who`, without the secrets."""
    try:
        yield
    except addresses.AddressInvalid as error:
        raise AgentError(error.message) from None
    except httpx.TimeoutException:
        raise AgentError(f"{who} did not answer in time.", transient=True) from None
    except (httpx.ProtocolError, httpx.DecodingError):
        text = f"{who} hung up, or answered in something else than HTTP."
        raise AgentError(text, transient=True) from None
    except httpx.UnsupportedProtocol:
        raise AgentError(f"{who} has an address that is not https:// or http://.") from None
    except (httpx.TransportError, OSError) as error:
        text = scrub(f"{who} cannot be reached: {error}", secrets)
        raise AgentError(text, transient=True) from None


def judge(who: str, status: int, headers: httpx.Headers, said: str = "") -> None:
    """Return for a 2xx status, else raise AgentError; `said` is the beginning of the answer, without secrets."""
    if 200 <= status < 300:
        return
    quoted = f" It said: {said[:QUOTED]}" if said.strip() else ""
    if 300 <= status < 400:
        raise AgentError(
            f"{who} redirects ({status}), which is not followed: give the address it points to."
        )
    if status in (401, 403):
        raise AgentError(f"{who} refuses our credentials ({status}).{quoted}")
    passes = status >= 500 or status in PASSING
    raise AgentError(
        f"{who} answered with status {status}.{quoted}",
        transient=passes,
        retry_after=_wait(headers) if passes else None,
    )


def _wait(headers: httpx.Headers) -> float | None:
    return retry_after(headers.get("retry-after", ""), longest=RETRY_AFTER_MAX)


def is_packed(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a body is compressed: it could become a thousand times as long as what was counted of it."""
    return any(
        name.lower() == b"content-encoding" and value.strip().lower() not in (b"", b"identity")
        for name, value in headers
    )


@cache
def _tls() -> ssl.SSLContext:
    return httpcore.default_ssl_context()


class _Backend(httpcore.AnyIOBackend):
    """Connects to IP addresses that were looked up and checked just before."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = allowed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """To the first address that takes the connection. Raises AddressInvalid for private ones, OSError."""
        place = httpx.URL(scheme="https", host=host, port=port)
        found = await apart(addresses.resolve, place, self._allowed)
        failed: Exception = httpcore.ConnectError("the host has no IP address")
        for ip in found:
            try:
                return await super().connect_tcp(ip, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


class _Pinned(httpx.AsyncBaseTransport):
    """httpx over a pool of such connections."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = allowed
        self._pool = httpcore.AsyncConnectionPool(_tls(), network_backend=_Backend(allowed))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx. Raises AddressInvalid besides."""
        addresses.parse(str(request.url), self._allowed)
        url = request.url
        assert isinstance(request.stream, httpx.AsyncByteStream)
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _in_words_of_httpx():
            answer = await self._pool.handle_async_request(asked)
        if is_packed(answer.headers):
            await answer.aclose()
            raise AgentError("The answer is compressed, which was not asked for.")
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Bounded(answer.stream),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Bounded(httpx.AsyncByteStream):
    """An answer's body that ends with an error when it is too long."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        with _in_words_of_httpx():
            async for piece in self._stream:
                length += len(piece)
                if length > MAX_ANSWER:
                    raise AgentError(f"The answer is longer than {MAX_ANSWER:,} bytes.")
                yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


@contextmanager
def _in_words_of_httpx() -> Iterator[None]:
    """httpcore's exceptions as httpx's, which bear the same names."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
        httpcore.ProxyError,
    ) as error:
        kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__, httpx.NetworkError)
        raise kind(str(error)) from error
