"""Connections to IP addresses that were checked before, with one deadline over everything that is done on them."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any, Final

import httpcore

#: Bytes handed to the socket at once; between two such pieces the clock is looked at.
_PIECE: Final = 16 * 1024


class PinnedBackend(httpcore.SyncBackend):
    """Connects to the IP addresses that were checked, whatever the host's name may stand for by now, and holds
    everything that is done on the connection to one deadline.

    Name and certificate are still those of the URL, for httpcore takes them from there.
    """

    def __init__(self, ips: list[str], timeout: float) -> None:
        """`ips` in the order in which they are tried, `timeout` in seconds from now."""
        self._ips = ips
        self._deadline = Deadline(timeout)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """To the first address that takes the connection; each has its share of the time, for packets to one may
        simply vanish."""
        failed: Exception = httpcore.ConnectError("the host has no IP address")
        for tried, ip in enumerate(self._ips):
            share = self._deadline.left(httpcore.ConnectTimeout) / (len(self._ips) - tried)
            try:
                stream = super().connect_tcp(ip, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _Stream(stream, self._deadline)
        raise failed


class Deadline:
    """A moment by which something must be done, on the clock that nobody sets."""

    def __init__(self, timeout: float) -> None:
        """`timeout` in seconds from now."""
        self._at = time.monotonic() + timeout

    def left(self, late: type[httpcore.TimeoutException]) -> float:
        """Seconds that are left, more than 0; raises `late` when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise late("the time is over")
        return left


class _Stream(httpcore.NetworkStream):
    """A connection whose every operation must be done by the deadline: a receiver that deals out bytes one by one
    would otherwise hold a worker for ever, since timeouts of sockets begin anew with each."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            piece = buffer[start : start + _PIECE]
            self._stream.write(piece, self._deadline.left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
