"""Fetching a page: from the hosts of the grant only, at public addresses only, every redirect judged anew."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import httpcore
import httpx

from groups.agents.apart import apart
from groups.agents.surroundings import ToolResult
from groups.agents.tools.base import MAX_RESULT, Fault, Use, brief
from state.sync.webhooks import addresses
from state.sync.webhooks.connecting import PinnedBackend
from state.sync.webhooks.sending import VERSION, tls

#: Seconds for all of it, bytes that are read, and redirects that are followed.
TIMEOUT: Final = 20.0
MAX_BYTES: Final = 2 << 20
REDIRECTS: Final = 5
#: Characters of a page that are given at once.
WINDOW: Final = MAX_RESULT - 1000
_READER: Final = Path(__file__).with_name("reading.py")
_READABLE: Final = ("text/", "application/json", "application/xml", "application/xhtml")


class Page(NamedTuple):
    """What came of a request; `body` has `MAX_BYTES` at most, `cut` says that there was more."""

    url: str
    status: int
    media_type: str
    charset: str
    body: bytes
    cut: bool


async def fetch(use: Use) -> ToolResult:
    """One page as text, in windows."""
    await use.world.settle()
    url, offset = use.arguments["url"], use.arguments.get("offset", 0)
    limit = use.grant.timeout or TIMEOUT
    page = await apart(get, url, use.grant.hosts, use.world.allowed, timeout=limit)
    text = await _text(page, limit)
    piece = text[offset : offset + WINDOW]
    end = offset + len(piece)
    rest = f" Go on with offset {end}." if end < len(text) else ""
    rest += f" Only the first {MAX_BYTES:,} bytes were read." if page.cut else ""
    head = f"[{page.url}: status {page.status}, {page.media_type or 'no type'}.{rest}]"
    return ToolResult(
        text=f"{head}\n{piece}",
        summary=brief(f"{page.url} ({page.status})"),
        ok=200 <= page.status < 300,
    )


def get(url: str, hosts: Sequence[str], allowed: Sequence[str], *, timeout: float) -> Page:
    """GET the page within `timeout` seconds in all, redirects included. Blocks. Raises Fault."""
    for _ in range(REDIRECTS + 1):
        try:
            parts = addresses.parse(url.partition("#")[0], allowed)
            _must_be_granted(parts, hosts)
            backend = PinnedBackend(addresses.resolve(parts, allowed), timeout)
            found = _one(parts, backend)
        except addresses.AddressInvalid as error:
            raise Fault(f"{url} cannot be fetched. {error.message}") from None
        except httpcore.TimeoutException:
            raise Fault(f"{url} did not answer within {timeout:g} s.") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise Fault(f"{url} cannot be reached: {error}.") from None
        if isinstance(found, Page):
            return found
        try:
            url = str(parts.join(found))
        except httpx.InvalidURL:
            raise Fault(f"{url} redirects to something that is no address.") from None
    raise Fault(f"More than {REDIRECTS} redirects; the last one led to {url}.")


def _one(parts: httpx.URL, backend: PinnedBackend) -> Page | str:
    """The page, or where it redirects to."""
    headers = [
        (b"host", parts.netloc),
        (b"user-agent", f"Stars/{VERSION}".encode()),
        (b"accept", b"text/*, application/json, application/xml;q=0.9"),
        (b"accept-encoding", b"identity"),
        (b"connection", b"close"),
    ]
    url = httpcore.URL(
        scheme=parts.raw_scheme, host=parts.raw_host, port=parts.port, target=parts.raw_path
    )
    with (
        httpcore.ConnectionPool(tls(), network_backend=backend) as pool,
        pool.stream("GET", url, headers=headers) as answer,
    ):
        said = {name.lower(): value.decode("latin-1") for name, value in answer.headers}
        if answer.status in (301, 302, 303, 307, 308) and b"location" in said:
            return said[b"location"]
        body = bytearray()
        for piece in answer.iter_stream():
            body += piece
            if len(body) > MAX_BYTES:
                break
    kind = httpx.Headers({"content-type": said.get(b"content-type", "")})
    charset = httpx.Response(200, headers=kind).charset_encoding or ""
    media_type = kind["content-type"].partition(";")[0].strip().lower()
    cut = len(body) > MAX_BYTES
    return Page(str(parts), answer.status, media_type, charset, bytes(body[:MAX_BYTES]), cut)


def _must_be_granted(parts: httpx.URL, hosts: Sequence[str]) -> None:
    host = addresses.host_of(parts).lower().removesuffix(".")
    port = parts.port or addresses.PORTS[parts.scheme]
    for granted in hosts:
        name, _, given = granted.lower().partition(":")
        right_port = port == int(given) if given else port == addresses.PORTS[parts.scheme]
        within = name.startswith("*.") and host.endswith(name[1:])
        if right_port and (host == name or within):
            return
    may = ", ".join(hosts)
    raise Fault(f"'{host}:{port}' is not among the hosts that this agent may ask: {may}.")


async def _text(page: Page, limit: float) -> str:
    """The page as text, read in at most `limit` seconds by a process of its own. Raises Fault."""
    if page.media_type and not page.media_type.startswith(_READABLE) and "+" not in page.media_type:
        raise Fault(f"{page.url} is {page.media_type}, which is no text.")
    try:
        text = await apart(_read, page, limit)
    except subprocess.TimeoutExpired:
        raise Fault(f"{page.url} cannot be read within {limit:g} s.") from None
    except (subprocess.CalledProcessError, ValueError):
        raise Fault(f"{page.url} cannot be read.") from None
    return text.decode()


def _read(page: Page, limit: float) -> bytes:
    return subprocess.run(
        # Isolated, and without the worker's environment: there are keys in it.
        [sys.executable, "-I", str(_READER), page.media_type, page.charset],
        input=page.body,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        timeout=limit,
        check=True,
    ).stdout
