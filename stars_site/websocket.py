"""Daphne's websocket with the limits of Stars: what clients may send is bounded, what is sent to them is not, and the
close codes of servers can be used."""

from __future__ import annotations

from typing import Any, Final

from daphne import ws_protocol

from state.sync.protocol import AWAY, MAX_FRAME, RESTART

#: Bytes of a client's message after which the socket is cut without a word; what is larger than allowed and smaller
#: than this is refused by a frame.
CUT: Final = 2 * MAX_FRAME


class WebSocket(ws_protocol.WebSocketProtocol):  # type: ignore[misc]  # Daphne has no types
    """See above."""

    def onConnect(self, request: Any) -> Any:
        """The handshake begins."""
        self.maxFramePayloadSize = self.maxMessagePayloadSize = CUT
        return super().onConnect(request)

    def sendMessage(self, *message: Any, **how: Any) -> None:
        """Send a message of any length: documents may be as long as what clients may send."""
        kept, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().sendMessage(*message, **how)
        finally:
            self.maxMessagePayloadSize = kept

    def serverClose(self, code: int | None = None) -> None:
        """Close with that code."""
        if code in (RESTART, AWAY):
            # `sendClose` knows only 1000 and those of applications; IANA has registered these since.
            self.sendCloseFrame(code=code)
        else:
            super().serverClose(code)


def install() -> None:
    """Have Daphne use it."""
    ws_protocol.WebSocketFactory.protocol = WebSocket
