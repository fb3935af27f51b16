"""Fetching pages: from granted hosts at public addresses, and redirects lead nowhere else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.tools.world import World, box, use

seen: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """Pages by path."""

    def do_GET(self) -> None:
        """Answer as the path says."""
        seen.append(self.path)
        place, _, rest = self.path[1:].partition("?")
        if place == "to":
            self.send_response(302)
            self.send_header("Location", rest)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        kind, body = {
            "page": (
                "text/html; charset=utf-8",
                "<style>no</style><h1>Häfen</h1><script>steal()</script><p>Nine ships".encode(),
            ),
            "long": ("text/plain", b"x" * 70_000),
            "huge": ("text/plain", b"y" * 5_000_000),
            "image": ("image/png", b"\x89PNG"),
            "trap": ("text/html", b"<!--" * 100_000),
            "old": ("text/plain; charset=iso-8859-1", "Häfen".encode("latin-1")),
        }.get(place, ("text/plain", b"missing"))
        self.send_response(404 if body == b"missing" else 200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *args: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def grant(port: int) -> dict[str, object]:
    return {"tool": "web.fetch", "hosts": [f"127.0.0.1:{port}", "*.example.org"]}


async def test_a_page_is_read_as_a_person_would(port: int) -> None:
    ok, told = await use(box(grant(port)), "web.fetch", url=f"http://127.0.0.1:{port}/page#top")
    assert ok and told.endswith("\nHäfen\nNine ships")
    ok, told = await use(box(grant(port)), "web.fetch", url=f"http://127.0.0.1:{port}/gone")
    assert not ok and "status 404" in told


async def test_long_pages_come_in_windows_and_huge_ones_are_cut(port: int) -> None:
    toolbox = box(grant(port))
    url = f"http://127.0.0.1:{port}/long"
    ok, told = await use(toolbox, "web.fetch", url=url)
    assert ok and "Go on with offset 29000" in told
    ok, told = await use(toolbox, "web.fetch", url=url, offset=58_000)
    assert ok and told.count("x") == 12_001 and "Go on" not in told
    ok, told = await use(toolbox, "web.fetch", url=f"http://127.0.0.1:{port}/huge")
    assert ok and "Only the first 2,097,152 bytes" in told


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost:{port}/page",
        "http://127.0.0.1:1/page",
        "file:///etc/passwd",
        "http://127.0.0.1.evil.example/",
        "http://name:word@127.0.0.1:{port}/page",
        "http://[::1]:{port}/page",
    ],
)
async def test_neither_a_call_nor_a_redirect_leaves_the_granted_hosts(
    port: int, target: str
) -> None:
    target = target.format(port=port)
    toolbox = box(grant(port))
    for url in (target, f"http://127.0.0.1:{port}/to?{target}"):
        ok, told = await use(toolbox, "web.fetch", url=url)
        assert not ok and "Nine ships" not in told


async def test_a_granted_host_at_a_private_address_needs_the_operators_word(port: int) -> None:
    seen.clear()
    toolbox = box(grant(port), world=World(allowed=()))
    ok, told = await use(toolbox, "web.fetch", url=f"http://127.0.0.1:{port}/page")
    assert not ok and "STARS_WEBHOOK_ALLOWED" in told
    assert seen == []


async def test_circles_and_other_things_than_text_are_told(port: int) -> None:
    toolbox = box(grant(port))
    base = f"http://127.0.0.1:{port}"
    ok, told = await use(toolbox, "web.fetch", url=f"{base}/to?{base}/image")
    assert not ok and "image/png, which is no text" in told
    circle = f"{base}/to?/to?/to?/to?/to?/to?/to?/page"
    ok, told = await use(toolbox, "web.fetch", url=circle)
    assert not ok and "More than 5 redirects" in told


async def test_a_page_that_takes_minutes_to_parse_is_given_up_and_stalls_nobody(port: int) -> None:
    toolbox = box({**grant(port), "timeout": 1.0})
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.05)
            ticks += 1

    ticking = asyncio.create_task(tick())
    ok, told = await use(toolbox, "web.fetch", url=f"http://127.0.0.1:{port}/trap")
    ticking.cancel()
    assert not ok and "cannot be read within 1 s" in told
    assert ticks > 5


async def test_a_page_in_an_old_encoding_is_read_and_a_broken_redirect_is_told(port: int) -> None:
    base = f"http://127.0.0.1:{port}"
    ok, told = await use(box(grant(port)), "web.fetch", url=f"{base}/old")
    assert ok and told.endswith("\nHäfen")
    ok, told = await use(box(grant(port)), "web.fetch", url=f"{base}/to?http://[::1")
    assert not ok and "no address" in told
