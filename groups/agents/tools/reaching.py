"""HTTP for MCP that reaches only addresses it may: each connection looks up the host, judges what it finds, and
connects to exactly that. Needs the packages of the extra mcp."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

import httpcore2
import httpx2

from groups.agents.apart import apart
from groups.agents.outbound import is_packed
from groups.agents.tools.base import Fault
from state.sync.webhooks import addresses
from state.sync.webhooks.sending import VERSION, tls

#: Bytes of one answer.
MAX_ANSWER: Final = 8 << 20


def checked_client(headers: Mapping[str, str], allowed: Sequence[str]) -> httpx2.AsyncClient:
    """A client that sends these headers, and refuses hosts at private addresses unless they are allowed."""
    sent = {"user-agent": f"Stars/{VERSION}", "accept-encoding": "identity", **headers}
    # Time is limited by whoever calls.
    return httpx2.AsyncClient(
        headers=sent, transport=_Transport(allowed), timeout=None, trust_env=False
    )


class _Transport(httpx2.AsyncBaseTransport):
    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = allowed
        self._pool = httpcore2.AsyncConnectionPool(tls(), network_backend=Backend(allowed))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it. Raises Fault for an address that may not be reached."""
        try:
            addresses.parse(str(request.url), self._allowed)
        except addresses.AddressInvalid as error:
            raise Fault(error.message) from None
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                request.method, url, headers=request.headers.raw, content=request.stream
            )
        )
        if is_packed(answer.headers):
            await answer.aclose()
            raise Fault("The answer is compressed, which was not asked for.")
        stream = _Bounded(answer)
        return httpx2.Response(answer.status, headers=answer.headers, stream=stream)

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Bounded(httpx2.AsyncByteStream):
    """An answer's body, up to `MAX_ANSWER`."""

    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async with aclosing(self._answer.aiter_stream()) as pieces:
            async for piece in pieces:
                read += len(piece)
                if read > MAX_ANSWER:
                    raise Fault(f"The answer is larger than {MAX_ANSWER:,} bytes.")
                yield piece

    async def aclose(self) -> None:
        await self._answer.aclose()


class Backend(httpcore2.AnyIOBackend):
    """Connects to addresses that were judged, not to whatever a name stands for a moment later."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = allowed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """To the first address that takes the connection. Raises Fault, httpcore2.ConnectError."""
        name = f"[{host}]" if ":" in host else host
        parts = addresses.parse(f"http://{name}:{port}/", self._allowed)
        try:
            ips = await apart(addresses.resolve, parts, self._allowed)
        except addresses.AddressInvalid as error:
            raise Fault(error.message) from None
        except OSError as error:
            raise httpcore2.ConnectError(f"'{host}' is not known: {error}") from None
        failed: Exception = httpcore2.ConnectError(f"'{host}' has no address")
        for ip in ips:
            try:
                return await super().connect_tcp(ip, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed
