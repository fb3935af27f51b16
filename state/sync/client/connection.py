"""One socket to a server: opening it, saying hello, frames in and out, and why it ended."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException
from websockets.frames import CloseCode

from state.errors import Invalid, StarsError
from state.refusals import SpaceNotFound
from state.sync.client.refusals import (
    SESSION_GONE,
    Denied,
    NotAuthenticated,
    from_close,
    from_frame,
)
from state.sync.protocol import (
    HELLO_S,
    SILENCE,
    BadFrame,
    Bye,
    ErrorFrame,
    Hello,
    ServerFrame,
    Welcome,
    encode,
    parse_server,
)

#: Statuses of a refused handshake that stay so.
_REFUSED: Final[dict[int, type[StarsError]]] = {
    401: NotAuthenticated,
    403: Denied,
    404: SpaceNotFound,
}
_CLOSE_S: Final = 2.0
#: Close codes of RFC 6455 that a frame may be the cause of: it was not understood, or an end of it failed.
_BROKE: Final = frozenset({1002, 1003, 1006, 1007, 1008, 1011})


class Lost(Exception):
    """The connection ended, or could not be made. With `final` it is no use to try again."""

    def __init__(
        self,
        why: str,
        *,
        final: StarsError | None = None,
        pause: float = 0.0,
        session_gone: bool = False,
        too_large: bool = False,
        broke: bool = False,
    ) -> None:
        """`pause`: seconds that the server asked to wait. `session_gone`: come back without it. `too_large`: something
        between here and there takes no frame as long as one that was sent. `broke`: perhaps by what was said on it."""
        self.broke = broke
        self.why, self.final, self.pause, self.session_gone = why, final, pause, session_gone
        self.too_large = too_large
        super().__init__(why)


def address(url: str, space: str) -> str:
    """Where a space's states are synced, for the address of a site (ws://, wss://, http:// or https://)."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in ("ws", "wss") or not parts.netloc:
        raise Invalid(f"The address of a Stars site begins with ws:// or wss://: {url[:80]!r}.")
    path = f"{parts.path.rstrip('/')}/ws/v1/spaces/{quote(space, safe='')}/sync"
    return parts._replace(scheme=scheme, path=path, query="", fragment="").geturl()


class Connection:
    """See above."""

    def __init__(self, socket: ClientConnection, silence: float) -> None:
        """`silence`: seconds without a frame after which the socket counts as dead."""
        self._socket, self._silence = socket, silence
        self._bye: Bye | None = None
        self._refusal: StarsError | None = None

    @classmethod
    async def open(
        cls, url: str, *, silence: float = SILENCE, options: Mapping[str, Any] | None = None
    ) -> Connection:
        """Connect; `options` go to `websockets.connect`. Raises Lost."""
        # Liveness is the protocol's own, and so is compression; the server is one that was chosen to be trusted.
        chosen: dict[str, Any] = {
            "compression": None,
            "ping_interval": None,
            "max_size": None,
            "close_timeout": _CLOSE_S,
            **(options or {}),
        }
        try:
            return cls(await connect(url, **chosen), silence)
        except InvalidURI as error:
            raise Lost(str(error), final=Invalid(str(error))) from error
        except InvalidStatus as error:
            answer = error.response
            kind = _REFUSED.get(answer.status_code)
            wait = answer.headers.get("Retry-After", "")
            raise Lost(
                str(error),
                final=kind() if kind else None,
                pause=float(wait) if wait.isdigit() else 0.0,
            ) from error
        except (OSError, TimeoutError, WebSocketException) as error:
            raise Lost(f"{type(error).__name__}: {error}") from error

    async def hello(self, hello: Hello) -> Welcome:
        """Say it, and be welcome. Raises Lost."""
        try:
            async with asyncio.timeout(HELLO_S):
                await self.send(encode(hello))
                while True:
                    frame, _ = await self.receive()
                    if isinstance(frame, Welcome):
                        return frame
        except TimeoutError:
            raise Lost("no welcome came") from None

    async def send(self, text: str) -> None:
        """A frame. Raises Lost."""
        try:
            await self._socket.send(text)
        except ConnectionClosed as closed:
            raise self._lost(closed) from closed

    async def receive(self) -> tuple[ServerFrame, int]:
        """The next frame and its characters; what cannot be understood is passed over. Raises Lost."""
        while True:
            try:
                async with asyncio.timeout(self._silence):
                    raw = await self._socket.recv()
            except ConnectionClosed as closed:
                raise self._lost(closed) from closed
            except TimeoutError:
                raise Lost("the server is silent") from None
            try:
                text = zlib.decompress(raw) if isinstance(raw, bytes) else raw
                frame = parse_server(text)
            except (BadFrame, zlib.error):
                # A newer server's; were it a change, the next one would not follow what is here.
                continue
            if isinstance(frame, Bye):
                self._bye = frame
            elif isinstance(frame, ErrorFrame) and not (frame.sub or frame.op_id):
                self._refusal = from_frame(frame)
            else:
                self._refusal = None
            return frame, len(text)

    async def close(self, *, for_good: bool = True) -> None:
        """Idempotent. `for_good`: say goodbye, upon which the server ends the session; else it is kept."""
        code = CloseCode.NORMAL_CLOSURE if for_good else CloseCode.GOING_AWAY
        await self._socket.close(code)

    def _lost(self, closed: ConnectionClosed) -> Lost:
        """Why the server closed: its `bye`, else the close frame, which may have been lost."""
        code, reason = (
            (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd is not None else (1006, "")
        )
        pause = 0.0
        if self._bye is not None:
            code, reason = self._bye.code, self._bye.reason
            pause = self._bye.retry_after_ms / 1000
        final = from_close(code, reason)
        if final is not None and self._refusal is not None:
            # It said before why, in more words.
            final = self._refusal
        return Lost(
            f"closed with {code} {reason}".strip(),
            final=final,
            pause=pause,
            session_gone=(code, reason) in SESSION_GONE,
            too_large=code == CloseCode.MESSAGE_TOO_BIG,
            broke=code in _BROKE,
        )
